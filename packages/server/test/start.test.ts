/** What a server refuses to start with, and that a refused start leaves nothing open. */
import { systemRandom } from "@pericard/crypto";
import { cpSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ServerConfig } from "../src/config.ts";
import { startServer } from "../src/main.ts";
import { TestRecording } from "./support/test-recording.ts";
import { TestInstallation } from "./support/test-server.ts";

let site: TestInstallation;
beforeEach(() => {
  site = new TestInstallation();
});
afterEach(() => site.remove());

const start = (change: Partial<ServerConfig> = {}) => startServer({ ...site.config, ...change }, site.environment);

/** The server starts, takes data and stops: nothing of a start before is in its way. */
async function expectToStart(): Promise<void> {
  await site.start();
  const { terminal } = site.terminalOf("somebody");
  const recording = new TestRecording(terminal);
  expect((await site.post(terminal.envelope(recording.next().sealed))).receipts).toHaveLength(1);
}

describe("a second server", () => {
  test("over the same folders is refused, and the first goes on", async () => {
    await expectToStart();
    await expect(start()).rejects.toMatchObject({ code: "ERR_FOLDER_LOCKED" });
    const { terminal } = site.terminalOf("somebody else");
    const recording = new TestRecording(terminal);
    expect((await site.post(terminal.envelope(recording.next().sealed))).receipts).toHaveLength(1);
  });

  test("with a data folder of its own over the same volume is refused", async () => {
    await site.start();
    const dataPath = join(site.root, "another");
    await expect(start({ dataPath })).rejects.toMatchObject({ code: "ERR_FOLDER_LOCKED" });
  });

  test("starts when the first has stopped", async () => {
    await site.start();
    await site.stop();
    await expectToStart();
  });
});

describe("a start is refused, and the next one works, when", () => {
  test("the key-encryption key is another", async () => {
    const environment = { ...site.environment, kek: systemRandom(32) };
    await expect(startServer(site.config, environment)).rejects.toMatchObject({ code: "ERR_SEAL_BROKEN" });
    await expectToStart();
  });

  test("there is no key store", async () => {
    await site.stop();
    const folders = site.config.volumePaths.map((path) => join(path, "keys"));
    for (const folder of folders) {
      cpSync(folder, `${folder}.kept`, { recursive: true });
      rmSync(folder, { recursive: true });
    }
    await expect(start()).rejects.toMatchObject({ code: "ERR_KEYSTORE_MISSING" });
    for (const folder of folders) {
      rmSync(folder, { recursive: true, force: true });
      cpSync(`${folder}.kept`, folder, { recursive: true });
    }
    await expectToStart();
  });

  test("the port is taken", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as AddressInfo;
    await expect(start({ port })).rejects.toMatchObject({ code: "EADDRINUSE" });
    other.close();
    await expectToStart();
  });

  test("the viewer is not built", async () => {
    await expect(start({ viewerPath: join(site.root, "nowhere") })).rejects.toMatchObject({ code: "ENOENT" });
    await expectToStart();
  });

  test("one volume is a copy of another", async () => {
    await site.start();
    await site.stop();
    const [original = "", copy = ""] = site.config.volumePaths;
    cpSync(join(original, "volume.json"), join(copy, "volume.json"));
    await expect(start()).rejects.toMatchObject({ code: "ERR_VOLUME_IDENTITY" });
    rmSync(join(copy, "volume.json"));
    await expectToStart();
  });
});
