/**
 * An erased patient's data does not come back. One test for each way on which it could; each ends with what people are shown
 * and with a look into every file.
 *
 * Source: docs/keys.md, "Erasure".
 */
import { BootId, toHex } from "@pericard/protocol";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { STORED_KIND } from "../src/volumes/volume.ts";
import { ErasedOrigin, itemsOf, openElsewhere, packagesOf } from "./support/erased-site.ts";
import { PLAIN_SHAPE, TestRecording } from "./support/test-recording.ts";
import type { TestInstallation } from "./support/test-server.ts";

let origin: ErasedOrigin;
let site: TestInstallation;

beforeAll(async () => {
  origin = await ErasedOrigin.make();
}, 60_000);
afterAll(() => origin.site.remove());
beforeEach(() => {
  site = origin.copy();
});
afterEach(() => site.remove());

const catalogFolder = (): string => join(site.config.dataPath, "catalog");
const keyFolder = (index: number): string => join(site.config.volumePaths[index] ?? "", "keys");

async function expectErased(): Promise<void> {
  await origin.expectNothingShown(site);
  origin.expectNothingOpens(site);
}

/** Puts a folder in the place of another. */
function replace(folder: string, by: string): void {
  rmSync(folder, { recursive: true, force: true });
  cpSync(by, folder, { recursive: true });
}

test("the look that ends every test sees keys and packages while they are there", async () => {
  await site.start();
  origin.expectThatTheLookSees(site);
});

test("it does not come back from the packs: what lies there opens with no key", async () => {
  await site.start();
  await origin.erase(site);
  await site.stop();
  expect(packagesOf(site, origin.ada.recording.id).length).toBe(2);
  await site.start();
  await expectErased();
});

test("it does not come back from a gateway's spool: the same bytes are answered with a signed word, and not stored", async () => {
  await site.start();
  await origin.erase(site);
  const before = site.packBytes;
  const answer = await site.post(origin.ada.envelope);
  expect(answer.receipts).toEqual([]);
  expect(answer.erased).toHaveLength(1);
  const [word] = answer.erased;
  expect(word).toMatchObject({
    routing: origin.ada.terminal.routing,
    recording: origin.ada.recording.id,
    erasedAtUnixMs: site.clock.unixMs,
  });
  expect(word?.hashes.map(toHex)).toEqual(origin.ada.recording.made.map(({ hash }) => toHex(hash)));
  expect(site.packBytes).toBe(before);
  await expectErased();
});

test("it does not come back from a terminal: segments sealed in another envelope, later ones, gaps, and a recording of before", async () => {
  await site.start();
  site.pass(60_000);
  await origin.erase(site);
  const before = site.packBytes;
  const { terminal, recording, patient } = origin.ada;
  const later = recording.at(4, recording.made.at(-1)?.hash ?? null, recording.frameCount);
  const answer = await site.post(terminal.envelope(...recording.made.map(({ sealed }) => sealed), later.sealed));
  expect(answer.receipts).toEqual([]);
  expect(answer.erased.flatMap(({ hashes }) => hashes)).toHaveLength(5);
  const gap = await site.post(terminal.gap(recording.id, 5));
  expect(gap.receipts).toEqual([]);
  expect(gap.erased).toMatchObject([{ recording: recording.id }]);
  // The status measures the boot: what began before the erasure is the patient's, also when it comes only now.
  await site.post(terminal.status({ monotonicMs: 40_000 }));
  const boot = { bootId: BootId.parse("00".repeat(8)), monotonicMs: 10_000 };
  const late = new TestRecording(terminal, PLAIN_SHAPE, { boot });
  const begun = await site.post(terminal.envelope(late.next().sealed));
  expect(begun.erased).toMatchObject([{ recording: late.id }]);
  expect(site.store.findTombstone(late.id)?.erasure).toBe(site.store.erasures()[0]?.id);
  expect(site.store.patients(site.tenant.id).map(({ id }) => id)).not.toContain(patient.id);
  expect(site.packBytes).toBe(before);
  await expectErased();
});

test("what the terminal records from then on is whose it is then", async () => {
  await site.start();
  await origin.erase(site);
  const { terminal } = origin.ada;
  site.pass(60_000);
  await site.post(terminal.status({ monotonicMs: 5000 }));
  const cara = site.store.addPatient(site.tenant.id, "Cara", site.clock.unixMs);
  site.store.assign(terminal.registered.serial, cara.id, site.clock.unixMs, "next");
  site.pass(60_000);
  const boot = { bootId: BootId.parse("00".repeat(8)), monotonicMs: 100_000 };
  const next = new TestRecording(terminal, PLAIN_SHAPE, { boot });
  const answer = await site.post(terminal.envelope(...next.take(2).map(({ sealed }) => sealed)));
  expect(answer.receipted).toHaveLength(2);
  expect(site.store.findRecordingKey(next.id)?.patient).toBe(cara.id);
});

test("it does not come back by a rebuild of the catalog; the chain does, as stubs", async () => {
  await site.start();
  await origin.erase(site);
  await site.stop();
  const stubs = itemsOf(site).filter(({ kind }) => kind === STORED_KIND.stubs);
  expect(stubs).toHaveLength(2);
  rmSync(catalogFolder(), { recursive: true });
  await site.start();
  expect(site.server.context.rebuilt).toMatchObject({ stubs: 8, refused: 2 });
  const found = await site.server.context.catalog.findStubs(origin.ada.recording.id);
  expect(found.map(({ hash }) => toHex(hash))).toEqual(origin.ada.recording.made.map(({ hash }) => toHex(hash)));
  expect(found.map(({ prev }) => prev && toHex(prev))).toEqual([
    null,
    ...origin.ada.recording.made.slice(0, -1).map(({ hash }) => toHex(hash)),
  ]);
  await expectErased();
});

test("it does not come back with an old backup of the catalog: its rows are gone before anything is served", async () => {
  const backup = join(site.root, "backup");
  cpSync(catalogFolder(), backup, { recursive: true });
  await site.start();
  await origin.erase(site);
  await site.stop();
  replace(catalogFolder(), backup);
  rmSync(backup, { recursive: true });
  await site.start();
  await expectErased();
  expect(await site.server.context.catalog.findStubs(origin.ada.recording.id)).toHaveLength(4);
});

test.each([0, 1])(
  "it does not come back from copy %i of the key store, which was away during the erasure",
  async (index) => {
    const away = join(site.root, "away");
    cpSync(keyFolder(index), away, { recursive: true });
    await site.start();
    await origin.erase(site);
    await site.stop();
    replace(keyFolder(index), away);
    rmSync(away, { recursive: true });
    await site.start();
    await expectErased();
  },
);

test("it does not come back with an old backup of the whole key store: recordings are erased again at the start", async () => {
  const backups = [0, 1].map((index) => ({ folder: keyFolder(index), backup: join(site.root, `backup-${index}`) }));
  for (const { folder, backup } of backups) cpSync(folder, backup, { recursive: true });
  await site.start();
  await origin.erase(site);
  await site.stop();
  for (const { folder, backup } of backups) {
    replace(folder, backup);
    rmSync(backup, { recursive: true });
  }
  site.pass(1000);
  await site.start();
  expect(site.store.findRecordingKey(origin.ada.recording.id)).toBeUndefined();
  const answer = await site.post(origin.ada.envelope);
  expect(answer.erased).toHaveLength(1);
  // The name is back with the key store: the catalog never had it. Whoever put it back erases the patient again.
  await origin.erase(site);
  await expectErased();
});

test("it does not come back from a volume that was away during the erasure", async () => {
  const wide = await ErasedOrigin.make(4);
  const full = wide.copy();
  const [first = "", second = "", ...others] = full.config.volumePaths;
  const away = others.map((path) => ({ path, kept: `${path}-away` }));
  for (const { path, kept } of away) cpSync(path, kept, { recursive: true });
  const config = { ...full.config, volumePaths: [first, second] };
  Object.assign(full, { config });
  await full.start();
  await wide.erase(full);
  await full.stop();
  Object.assign(full, { config: { ...config, volumePaths: [first, second, ...others] } });
  for (const { path, kept } of away) {
    replace(path, kept);
    rmSync(kept, { recursive: true });
  }
  await full.start();
  await wide.expectNothingShown(full);
  wide.expectNothingOpens(full);
  await full.stop();
  rmSync(join(full.config.dataPath, "catalog"), { recursive: true });
  await full.start();
  await wide.expectNothingShown(full);
  wide.expectNothingOpens(full);
  await full.remove();
  await wide.site.remove();
});

test("another server, which had the keys in memory, forgets them within a second", async () => {
  await site.start();
  origin.expectThatTheLookSees(site);
  const elsewhere = openElsewhere(site);
  elsewhere.erasePatient(origin.ada.patient.id, { reason: "elsewhere", by: "operator", atUnixMs: site.clock.unixMs });
  elsewhere.close();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const answer = await site.post(origin.ada.envelope);
  expect(answer.erased).toHaveLength(1);
  await expectErased();
});
