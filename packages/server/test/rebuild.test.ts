/** A catalog that is lost or damaged is made anew from any whole volume, and every receipted sample reads back. */
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ThreadError } from "../src/threads/thread.ts";
import { orderRebuild } from "../src/catalog/start-catalog.ts";
import { rebuildCatalog } from "../src/catalog/rebuild.ts";
import { openCatalogThread } from "../src/catalog/open-catalog.ts";
import { openKeyStoreThread } from "../src/keys/key-store.ts";
import { RecordingKeys } from "../src/keys/recordings.ts";
import { TerminalRegistry } from "../src/keys/terminals.ts";
import { keyFolderPaths } from "../src/config.ts";
import { openDirectoryVolume } from "../src/volumes/directory-volume.ts";
import { everySample, readAll, readerOf } from "./support/reading.ts";
import { MIXED_SHAPE, PLAIN_SHAPE, TestRecording } from "./support/test-recording.ts";
import { packsOf, TestInstallation } from "./support/test-server.ts";

let origin: TestInstallation;
let site: TestInstallation;
let recordings: readonly TestRecording[];

const catalogFolder = (): string => join(site.config.dataPath, "catalog");
const volumePath = (index: number): string => site.config.volumePaths[index] ?? "";

/** Two recordings of two patients, out of order, with a hole, a signed gap and a successor. */
beforeAll(async () => {
  origin = await new TestInstallation().start();
  const { terminal } = origin.terminalOf("first");
  const { terminal: second } = origin.terminalOf("second");
  const plain = new TestRecording(terminal, PLAIN_SHAPE, { claimed: { unixMs: 1e12, zoneOffsetMinutes: 60 } });
  const sealed = plain.take(4).map((segment) => segment.sealed);
  await origin.post(terminal.envelope(...sealed.filter((_, i) => i % 2 === 0).toReversed()));
  await origin.post(terminal.envelope(...sealed.filter((_, i) => i % 2 === 1).toReversed()));
  const predecessor = { recording: plain.id, cause: "restart" } as const;
  const mixed = new TestRecording(second, MIXED_SHAPE, { predecessor });
  const holed = mixed.take(5, { frameCount: 80 });
  for (const segment of holed) if (segment.sequence !== 2) await origin.post(second.envelope(segment.sealed));
  await origin.post(second.gap(mixed.id, 2));
  mixed.made.splice(2, 1);
  recordings = [plain, mixed];
  await origin.stop();
});
afterAll(() => origin.remove());
beforeEach(() => {
  site = new TestInstallation({}, origin);
});
afterEach(() => site.remove());

async function expectEverythingReads(): Promise<void> {
  const client = await readerOf(site);
  for (const recording of recordings) expect(await readAll(client, recording)).toEqual(everySample(recording));
  const [plain, mixed] = await Promise.all(recordings.map(({ id }) => client.recording(id)));
  expect(plain).toMatchObject({ segmentCount: 4, pendingCount: 0, gaps: [], patientName: "first" });
  expect(plain?.start).toEqual({ unixMs: 1e12, certainty: "claimed" });
  const gaps = [{ fromFrame: 160, toFrame: 240, cause: "unreadable" }];
  expect(mixed).toMatchObject({ segmentCount: 4, pendingCount: 0, patientName: "second", gaps });
  expect(mixed?.predecessor).toEqual({ recordingId: recordings[0]?.id, cause: "restart" });
}

/** Changes one byte in the middle of every pack of a volume. */
function flipInPacks(path: string): void {
  for (const pack of packsOf(path)) {
    const bytes = readFileSync(pack);
    for (let at = 200; at < bytes.length; at += 400) bytes[at] = (bytes[at] ?? 0) ^ 4;
    writeFileSync(pack, bytes);
  }
}

const harms: readonly [string, () => void][] = [
  ["the catalog is deleted", () => rmSync(catalogFolder(), { recursive: true })],
  [
    "the catalog and the first volume are deleted",
    () => {
      rmSync(catalogFolder(), { recursive: true });
      rmSync(volumePath(0), { recursive: true });
    },
  ],
  [
    "the catalog and the second volume are deleted",
    () => {
      rmSync(catalogFolder(), { recursive: true });
      rmSync(volumePath(1), { recursive: true });
    },
  ],
  [
    "the catalog is deleted and one volume has flipped bytes",
    () => {
      rmSync(catalogFolder(), { recursive: true });
      flipInPacks(volumePath(0));
    },
  ],
  ["the catalog's file is empty", () => writeFileSync(join(catalogFolder(), "catalog.sqlite"), "")],
  [
    "the catalog's file is something else",
    () => writeFileSync(join(catalogFolder(), "catalog.sqlite"), "hello".repeat(999)),
  ],
  [
    "the catalog's pages are damaged",
    () => {
      const path = join(catalogFolder(), "catalog.sqlite");
      const bytes = readFileSync(path);
      bytes.fill(0xaa, 4096, 40_960);
      writeFileSync(path, bytes);
    },
  ],
  [
    "a rebuild was interrupted",
    () => {
      rmSync(catalogFolder(), { recursive: true });
      mkdirSync(join(site.config.dataPath, "catalog.building"), { recursive: true });
      writeFileSync(join(site.config.dataPath, "catalog.building", "catalog.sqlite"), "half");
    },
  ],
  [
    "a rebuild was interrupted between its two renamings",
    () => renameSync(catalogFolder(), `${catalogFolder()}.damaged-1`),
  ],
];

describe("everything that was receipted is there again when", () => {
  test.each(harms)("%s", async (_, harm) => {
    harm();
    await site.start();
    expect(site.server.context.rebuilt).toMatchObject({ packageCopies: expect.any(Number) });
    await expectEverythingReads();
  });

  test("only the catalog is lost, in as many copies as before", async () => {
    rmSync(catalogFolder(), { recursive: true });
    await site.start();
    const { catalog } = site.server.context;
    for (const { id, frameCount, made } of recordings) {
      const row = await catalog.findRecording(id);
      const placements = await catalog.findSegments(row?.key ?? 0, 0, 0, frameCount, 100);
      expect(placements).toHaveLength(made.length);
      for (const { copies } of placements) expect(new Set(copies.map(({ volumeId }) => volumeId)).size).toBe(2);
    }
  });
});

test("a catalog that is there is not rebuilt, nor is one whose wal index is gone", async () => {
  rmSync(join(catalogFolder(), "catalog.sqlite-shm"), { force: true });
  await site.start();
  expect(site.server.context.rebuilt).toBeUndefined();
  await expectEverythingReads();
});

test("damage that a start does not see is named when it is met, and the next start rebuilds", async () => {
  const path = join(catalogFolder(), "catalog.sqlite");
  const database = new DatabaseSync(path, { readOnly: true });
  const index = database.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'recordings_by_patient'").get();
  const size = Number(database.prepare("PRAGMA page_size").get()?.["page_size"]);
  database.close();
  const bytes = readFileSync(path);
  bytes.fill(0xaa, (Number(index?.["rootpage"]) - 1) * size, Number(index?.["rootpage"]) * size);
  writeFileSync(path, bytes);
  await site.start();
  expect(site.server.context.rebuilt).toBeUndefined();
  const { terminal } = site.terminalOf("third");
  const refused = await site.post(terminal.envelope(new TestRecording(terminal).next().sealed));
  expect(refused).toMatchObject({ status: 503, code: "ERR_CATALOG_DAMAGED", receipts: [] });
  await site.stop();
  await site.start();
  expect(site.server.context.rebuilt).toMatchObject({ packageCopies: expect.any(Number) });
  await expectEverythingReads();
});

test("a rebuild that is ordered keeps the audit trail, and is done once", async () => {
  await site.start();
  await expectEverythingReads();
  const before = await site.server.context.catalog.listAudit(0, 1000);
  await site.stop();
  orderRebuild(site.config.dataPath);
  await site.start();
  expect(site.server.context.rebuilt).toMatchObject({ packageCopies: expect.any(Number), refused: 0 });
  const after = await site.server.context.catalog.listAudit(0, 1000);
  expect(before.length).toBeGreaterThan(0);
  expect(after.slice(0, before.length)).toEqual(before);
  await expectEverythingReads();
  await site.stop();
  await site.start();
  expect(site.server.context.rebuilt).toBeUndefined();
});

test("a damaged catalog is kept beside the new one", async () => {
  writeFileSync(join(catalogFolder(), "catalog.sqlite"), "damaged");
  await site.start();
  const kept = readdirSync(site.config.dataPath).filter((name) => name.startsWith("catalog.damaged-"));
  expect(kept).toHaveLength(1);
});

test("bytes that were flipped in one volume are refused, and the other copy is used", async () => {
  flipInPacks(volumePath(1));
  await site.start();
  await expectEverythingReads();
});

test("copies that are damaged on both volumes are said to be unreadable, never shown", async () => {
  flipInPacks(volumePath(0));
  flipInPacks(volumePath(1));
  await site.start();
  const client = await readerOf(site);
  await expect(client.samples(recordings[0]?.id ?? "", 0, 1000)).rejects.toThrow("ERR_DATA_UNREADABLE");
});

test("new data is taken after a rebuild, and contradictions are still seen", async () => {
  rmSync(catalogFolder(), { recursive: true });
  await site.start();
  const [plain] = recordings as [TestRecording];
  const terminal = site.terminalOf("third").terminal;
  const fresh = new TestRecording(terminal);
  expect((await site.post(terminal.envelope(fresh.next().sealed))).receipts).toHaveLength(1);
  const foreign = new TestRecording(terminal, PLAIN_SHAPE, {}, plain.id);
  expect((await site.post(terminal.envelope(foreign.next().sealed))).rejections).toHaveLength(1);
});

test("gaps of a terminal that was quarantined since are kept", async () => {
  const [, mixed] = recordings as [TestRecording, TestRecording];
  const { terminal } = site.store.findRecordingKey(mixed.id) ?? {};
  if (terminal) site.store.quarantineTerminal(terminal);
  await site.stop();
  rmSync(catalogFolder(), { recursive: true });
  await site.start();
  expect(site.server.context.rebuilt).toMatchObject({ gaps: 2, refused: 0 });
  await expectEverythingReads();
});

test("a rebuild that cannot ask the key store fails, and puts no poorer catalog in place", async () => {
  const folder = join(site.root, "rebuilding");
  mkdirSync(folder);
  const { catalog, end } = openCatalogThread(folder);
  const keys = openKeyStoreThread(keyFolderPaths(site.config), site.kek);
  const failing = {
    ...keys.keyStore,
    findRecordingKey: async () => {
      throw new ThreadError({ name: "Error", message: "disk I/O error", code: "ERR_SQLITE_ERROR" });
    },
  };
  const options = { ...site.environment, deadlineMs: 10_000, retryMs: 5000 };
  const volumes = await Promise.all(site.config.volumePaths.map((path) => openDirectoryVolume(path, options)));
  const parts = {
    catalog,
    volumes,
    recordingKeys: new RecordingKeys(failing, catalog),
    terminals: new TerminalRegistry(keys.keyStore, site.environment.monotonicMs),
    stubKeys: new Map(),
    onProgress: () => undefined,
  };
  await expect(rebuildCatalog(parts)).rejects.toMatchObject({ code: "ERR_SQLITE_ERROR" });
  for (const volume of volumes) await volume.close();
  end();
  keys.end();
});
