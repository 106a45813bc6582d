/** What a server refuses to start with, and that a refused start leaves nothing open. */
import { systemRandom } from "@pericard/crypto";
import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ServerConfig } from "../src/config.ts";
import { volumeStates } from "../src/control/volume-states.ts";
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
    await expect(start()).rejects.toMatchObject({ code: "ERR_VOLUME_TWICE" });
    rmSync(join(copy, "volume.json"));
    await expectToStart();
  });
});

/** Its identity is a pipe, whose reader waits for a writer: the disk hangs. */
function hang(path: string): () => void {
  mkdirSync(path, { recursive: true });
  const identity = join(path, "volume.json");
  if (existsSync(identity)) renameSync(identity, `${identity}.kept`);
  execFileSync("mkfifo", [identity]);
  return () => {
    const waiting = `${identity}.kept`;
    const text = existsSync(waiting) ? readFileSync(waiting) : Buffer.from("");
    const descriptor = openSync(identity, constants.O_WRONLY | constants.O_NONBLOCK);
    closeSync(descriptor);
    rmSync(identity);
    if (text.length > 0) writeFileSync(identity, text);
  };
}

/** A file stands where its folder should be: the disk is not there. */
function hide(path: string): () => void {
  const isThere = existsSync(path);
  if (isThere) renameSync(path, `${path}.hidden`);
  writeFileSync(path, "");
  return () => {
    rmSync(path);
    if (isThere) renameSync(`${path}.hidden`, path);
  };
}

const statesOf = ({ server }: TestInstallation) => volumeStates(server.context).map(({ state }) => state);

describe("a volume that does not open", () => {
  let three: TestInstallation;
  beforeEach(() => {
    three = new TestInstallation({ volumeCount: 3 });
  });
  afterEach(() => three.remove());

  const harms: readonly [string, (path: string) => () => void][] = [
    ["hangs", hang],
    ["is not there", hide],
  ];

  test.each(harms)("because it %s keeps no server from starting, and joins when it does", async (_, harm) => {
    const [first = ""] = three.config.volumePaths;
    // A change of the key store reaches every copy, or is refused.
    const { terminal } = three.terminalOf("somebody");
    const mend = harm(first);
    await three.start();
    expect(statesOf(three)).toEqual(["down", "idle", "idle"]);
    const recording = new TestRecording(terminal);
    expect((await three.post(terminal.envelope(recording.next().sealed))).receipts).toHaveLength(1);
    mend();
    await expect
      .poll(
        () => {
          three.pass(5001);
          return statesOf(three);
        },
        { timeout: 30_000 },
      )
      .toEqual(["idle", "idle", "idle"]);
  });

  test("leaves too few when there are two of them, and the start says which and why", async () => {
    const [first = "", second = ""] = three.config.volumePaths;
    hide(first);
    const mend = hide(second);
    const refused = startServer(three.config, three.environment);
    await expect(refused).rejects.toMatchObject({ code: "ERR_STORE_UNAVAILABLE" });
    await expect(refused).rejects.toThrow(`1 of 2 needed volumes open (${first}: `);
    mend();
    await three.start();
  });
});
