/** Volumes that are added, drained, removed and replaced while data flows. */
import { systemRandom } from "@pericard/crypto";
import { KeyStore } from "@pericard/custody";
import { toHex } from "@pericard/protocol";
import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { OperatorClient } from "../src/client/operator-client.ts";
import { keyFolderPaths } from "../src/config.ts";
import type { DrainState } from "../src/control/drainer.ts";
import type { VolumeDescription } from "../src/control/volume-states.ts";
import { everySample, readAll, readerOf } from "./support/reading.ts";
import { TestRecording } from "./support/test-recording.ts";
import { TestInstallation } from "./support/test-server.ts";
import type { TestTerminal } from "./support/test-terminal.ts";

let site: TestInstallation;
let terminal: TestTerminal;
let recording: TestRecording;

beforeEach(async () => {
  site = new TestInstallation({ volumeCount: 3 });
  site.writeSettings();
  await site.start();
  terminal = site.terminalOf("somebody").terminal;
  recording = new TestRecording(terminal);
  await expectReceipts(6);
  await site.post(terminal.gap(recording.id, 99));
}, 60_000);
afterEach(() => site.remove());

async function expectReceipts(count: number): Promise<void> {
  for (const { sealed, hash } of recording.take(count, { frameCount: 30 })) {
    expect((await site.post(terminal.envelope(sealed))).receipted).toEqual([toHex(hash)]);
  }
}

const client = (): OperatorClient => new OperatorClient(site.config.dataPath);
const path = (index: number): string => site.config.volumePaths[index] ?? "";

async function volumes(): Promise<readonly VolumeDescription[]> {
  return (await client().get<{ volumes: readonly VolumeDescription[] }>("/v1/volumes")).volumes;
}

async function idAt(place: string): Promise<string> {
  return (await volumes()).find((volume) => volume.place === place)?.volumeId ?? "";
}

const addFolder = (place: string) => client().send<{ volumeId: string }>("POST", "/v1/volumes", { path: place });
const drain = (id: string) => client().send<DrainState>("POST", `/v1/volumes/${id}/drain`);
const remove = (id: string) => client().send("DELETE", `/v1/volumes/${id}`);
const drainState = async (id: string) => (await volumes()).find(({ volumeId }) => volumeId === id)?.drain;

async function expectEmpty(id: string): Promise<void> {
  await expect
    .poll(
      async () => {
        site.pass(60_001);
        return (await drainState(id))?.emptyAtUnixMs;
      },
      { timeout: 30_000 },
    )
    .toEqual(expect.any(Number));
}

/** Two copies of everything, none of them on a volume that went, and every sample reads. */
async function expectWhole(gone: string): Promise<void> {
  const items = await site.server.context.catalog.walkCopies(0, 1000);
  for (const { copies } of items) {
    const ids = copies.map(({ volumeId }) => volumeId);
    expect(ids).not.toContain(gone);
    expect(new Set(ids).size).toBe(2);
  }
  expect(items).toHaveLength(recording.made.length + 1);
  expect(await readAll(await readerOf(site), recording)).toEqual(everySample(recording));
}

const hasKeys = (place: string): boolean => existsSync(join(place, "keys", "keys.sqlite"));

test("a folder is added, gets packages, and is there after a restart", async () => {
  const place = join(site.root, "volume-4");
  const { volumeId } = await addFolder(place);
  await expectReceipts(8);
  const added = (await volumes()).find((volume) => volume.volumeId === volumeId);
  expect(added).toMatchObject({ place, state: "idle" });
  expect(added?.copies).toBeGreaterThan(0);
  await site.stop();
  expect(site.settledConfig.volumePaths).toEqual([...site.config.volumePaths, place]);
  await site.start(site.settledConfig);
  expect(await idAt(place)).toBe(volumeId);
});

test("a folder that is a volume already, or cannot be one, is refused and is not in the settings", async () => {
  await expect(addFolder(path(1))).rejects.toMatchObject({ code: "ERR_VOLUME_TWICE" });
  await expect(addFolder("relative")).rejects.toMatchObject({ code: "ERR_REQUEST_RANGE" });
  const file = join(site.root, "file");
  writeFileSync(file, "");
  await expect(addFolder(file)).rejects.toThrow();
  expect(site.settledConfig.volumePaths).toEqual(site.config.volumePaths);
  expect(await volumes()).toHaveLength(3);
});

describe("draining", () => {
  test("moves every copy while data flows, and then the volume can be removed", async () => {
    const id = await idAt(path(2));
    await drain(id);
    await expectReceipts(4);
    expect((await volumes()).find(({ volumeId }) => volumeId === id)).toMatchObject({ state: "draining" });
    await expect(remove(id)).rejects.toMatchObject({ code: "ERR_VOLUME_NEEDED" });
    await expectEmpty(id);
    await expectWhole(id);
    await remove(id);
    expect((await volumes()).map(({ place }) => place)).toEqual([path(0), path(1)]);
    await expectReceipts(2);
    await site.stop();
    rmSync(path(2), { recursive: true });
    await site.start(site.settledConfig);
    await expectWhole(id);
  });

  test("of a volume that holds a copy of the key store moves that first, and no copy stays behind", async () => {
    const id = await idAt(path(0));
    await drain(id);
    expect([0, 1, 2].map((index) => hasKeys(path(index)))).toEqual([false, true, true]);
    expect(site.settledConfig.volumePaths).toEqual([path(1), path(2), path(0)]);
    await expectEmpty(id);
    // A recording that is new needs the key store.
    recording = new TestRecording(terminal);
    await expectReceipts(2);
    await remove(id);
    await site.stop();
    rmSync(path(0), { recursive: true });
    const store = KeyStore.open(keyFolderPaths(site.settledConfig), site.kek, systemRandom);
    expect(store.copyCount).toBe(2);
    store.close();
    await site.start(site.settledConfig);
    expect(await readAll(await readerOf(site), recording)).toEqual(everySample(recording));
  });

  test("goes on after a restart, and ends when it is cancelled", async () => {
    const id = await idAt(path(2));
    await drain(id);
    await site.stop();
    await site.start();
    expect(await drainState(id)).toMatchObject({ emptyAtUnixMs: null });
    await expectEmpty(id);
    await client().send("DELETE", `/v1/volumes/${id}/drain`);
    expect(await drainState(id)).toBeNull();
    await expectReceipts(6);
    expect((await volumes()).find(({ volumeId }) => volumeId === id)?.copies).toBeGreaterThan(0);
    await expect(remove(id)).rejects.toMatchObject({ code: "ERR_VOLUME_NEEDED" });
  });

  test("is refused when too few volumes would be left", async () => {
    await drain(await idAt(path(2)));
    await expect(drain(await idAt(path(1)))).rejects.toMatchObject({ code: "ERR_VOLUME_NEEDED" });
    await expect(drain("0".repeat(32))).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
  });
});

test("a dead volume that held keys is replaced while data flows", async () => {
  const dead = await idAt(path(0));
  renameSync(path(0), `${path(0)}.dead`);
  writeFileSync(path(0), "");
  await expectReceipts(3);
  const place = join(site.root, "volume-4");
  await addFolder(place);
  await drain(dead);
  await expectEmpty(dead);
  recording = new TestRecording(terminal);
  await expectReceipts(3);
  await remove(dead);
  await site.stop();
  await site.start(site.settledConfig);
  expect((await volumes()).map(({ state }) => state)).toEqual(["idle", "idle", "idle"]);
  expect(await readAll(await readerOf(site), recording)).toEqual(everySample(recording));
});

test("a holder of keys that is down for a minute gives its copy up by itself", async () => {
  renameSync(path(0), `${path(0)}.gone`);
  await expectReceipts(3);
  await expect
    .poll(
      () => {
        site.pass(30_000);
        return hasKeys(path(2));
      },
      { timeout: 20_000 },
    )
    .toBe(true);
  recording = new TestRecording(terminal);
  await expectReceipts(1);
  renameSync(`${path(0)}.gone`, path(0));
  await expect
    .poll(
      () => {
        site.pass(5001);
        return hasKeys(path(0));
      },
      { timeout: 20_000 },
    )
    .toBe(false);
  const trail = await site.server.context.catalog.listAudit(0, 1000);
  const told = trail.filter(({ actor }) => actor === "key store").map(({ action }) => action);
  expect(told).toEqual(["move copy", "destroy old copy"]);
});
