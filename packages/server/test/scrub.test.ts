/** Copies that are damaged, missing or another's are found, named and made again, while the server runs. */
import { decodeFrame, encodeFrame } from "@pericard/framelog";
import { concatBytes } from "@pericard/protocol";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { CopiedItem } from "../src/catalog/catalog.ts";
import { OperatorClient } from "../src/client/operator-client.ts";
import type { ScrubReport } from "../src/control/scrubber.ts";
import { STORED_KIND, type Copy } from "../src/volumes/volume.ts";
import { everySample, readAll, readerOf } from "./support/reading.ts";
import { TestRecording } from "./support/test-recording.ts";
import { TestInstallation } from "./support/test-server.ts";

let origin: TestInstallation;
let site: TestInstallation;
let recording: TestRecording;

beforeAll(async () => {
  origin = await new TestInstallation({ volumeCount: 3 }).start();
  const { terminal } = origin.terminalOf("somebody");
  recording = new TestRecording(terminal);
  for (const { sealed } of recording.take(6)) await origin.post(terminal.envelope(sealed));
  await origin.post(terminal.gap(recording.id, 99));
  await origin.stop();
}, 60_000);
afterAll(() => origin.remove());
beforeEach(async () => {
  site = await new TestInstallation({ volumeCount: 3 }, origin).start();
}, 60_000);
afterEach(() => site.remove());

const client = (): OperatorClient => new OperatorClient(site.config.dataPath);
const scrub = (wish: { volumeId?: string } = {}): Promise<ScrubReport> =>
  client().follow<ScrubReport, ScrubReport>("/v1/volumes/scrub", wish, () => undefined);

async function items(): Promise<readonly CopiedItem[]> {
  return site.server.context.catalog.walkCopies(0, 1000);
}

async function itemOf(kind: number, at = 0): Promise<CopiedItem> {
  const found = (await items()).filter((item) => item.kind === kind)[at];
  if (!found) throw new Error("no such item");
  return found;
}

function packOf({ volumeId, fileNumber }: Copy): string {
  const place = site.server.context.volumes.find(volumeId)?.place ?? "";
  return join(place, `pack-${String(fileNumber).padStart(8, "0")}.cbor`);
}

/** Changes the bytes of a copy behind the server's back. */
function harm(copy: Copy, change: (frame: Uint8Array) => Uint8Array): void {
  const path = packOf(copy);
  const bytes = readFileSync(path);
  const end = copy.offsetBytes + copy.sizeBytes;
  const frame = change(bytes.subarray(copy.offsetBytes, end));
  writeFileSync(path, concatBytes(bytes.subarray(0, copy.offsetBytes), frame, bytes.subarray(end)));
}

const withFlippedBit = (frame: Uint8Array): Uint8Array => {
  const flipped = frame.slice();
  flipped[frame.length >> 1] = (flipped[frame.length >> 1] ?? 0) ^ 16;
  return flipped;
};

/** A frame whose content was altered by somebody who knows how to make its checksum right. */
function altered(frame: Uint8Array): Uint8Array {
  const found = decodeFrame(frame);
  if (found.state !== "frame") throw new Error("no frame");
  const content = found.frame.content.slice();
  const at = content.length - 20;
  content[at] = (content[at] ?? 0) ^ 1;
  return concatBytes(...encodeFrame({ ...found.frame, content }));
}

async function auditTrail(): Promise<readonly string[]> {
  const { catalog } = site.server.context;
  return (await catalog.listAudit(0, 1000)).map(({ actor, action, subject }) => `${actor}: ${action} ${subject}`);
}

/** Two whole copies of everything, on two volumes, and every sample reads. */
async function expectWhole(): Promise<void> {
  const report = await scrub();
  expect(report).toMatchObject({ items: 7, bad: 0, missing: 0, made: 0, lost: 0, findings: [] });
  for (const { copies } of await items()) expect(new Set(copies.map(({ volumeId }) => volumeId)).size).toBe(2);
  expect(await readAll(await readerOf(site), recording)).toEqual(everySample(recording));
}

test("what is whole is left as it is", async () => {
  const before = await items();
  await expectWhole();
  expect(await items()).toEqual(before);
});

describe("a copy", () => {
  const harms: readonly [string, number, (frame: Uint8Array) => Uint8Array, string][] = [
    ["with a flipped bit", STORED_KIND.package, withFlippedBit, "unreadable"],
    ["of a gap with a flipped bit", STORED_KIND.gap, withFlippedBit, "unreadable"],
    ["altered under a right checksum", STORED_KIND.package, altered, "altered"],
    ["of a gap altered under a right checksum", STORED_KIND.gap, altered, "another item"],
  ];

  test.each(harms)("%s is named and healed", async (_, kind, change, what) => {
    const item = await itemOf(kind);
    const [copy] = item.copies as readonly [Copy];
    harm(copy, change);
    const report = await scrub();
    expect(report).toMatchObject({ items: 7, bad: 1, healed: 1, lost: 0 });
    const healed = (await itemOf(kind)).copies.find(({ volumeId }) => volumeId === copy.volumeId);
    expect(report.findings).toEqual([{ copy, what, healed }]);
    expect(healed).not.toEqual(copy);
    expect(await auditTrail()).toContain(
      `scrubber: heal copy volume ${copy.volumeId} pack ${copy.fileNumber} byte ${copy.offsetBytes}: ${what}`,
    );
    expect(await auditTrail()).toContain("operator: scrub installation");
    await expectWhole();
  });

  test("that is another package of the recording is healed", async () => {
    const packages = (await items()).filter(({ kind }) => kind === STORED_KIND.package);
    const { volumeId } = (await itemOf(STORED_KIND.package)).copies[0] as Copy;
    const [one, other] = packages.filter(({ copies }) => copies.some((copy) => copy.volumeId === volumeId));
    const placeOf = (item: CopiedItem | undefined) => item?.copies.find((copy) => copy.volumeId === volumeId) as Copy;
    // As a misdirected write leaves it: whole bytes at the place, but another package's.
    await site.server.context.catalog.replaceCopy(one?.key ?? 0, placeOf(one), placeOf(other));
    expect((await scrub()).findings).toMatchObject([{ copy: placeOf(other), what: "another item", healed: {} }]);
    await expectWhole();
  });

  test("whose pack is gone is made again", async () => {
    const { volumeId } = (await itemOf(STORED_KIND.package)).copies[0] as Copy;
    const copies = (await items()).flatMap((item) => item.copies.filter((copy) => copy.volumeId === volumeId));
    writeFileSync(packOf(copies[0] as Copy), "");
    const report = await scrub({ volumeId });
    expect(report).toMatchObject({ items: copies.length, bad: copies.length, healed: copies.length });
    await expectWhole();
  });

  test("whose pack is emptied while it is written to is made again, elsewhere at first", async () => {
    for (const { copies } of await items()) harm(copies[0] as Copy, withFlippedBit);
    // What is healed is in the packs that are written to now.
    expect(await scrub()).toMatchObject({ bad: 7, healed: 7 });
    const { volumeId } = (await itemOf(STORED_KIND.package)).copies[0] as Copy;
    const copies = (await items()).flatMap((item) => item.copies.filter((copy) => copy.volumeId === volumeId));
    const [one] = copies as [Copy];
    writeFileSync(packOf(one), "");
    const emptied = copies.filter(({ fileNumber }) => fileNumber === one.fileNumber);
    expect(await scrub({ volumeId })).toMatchObject({ bad: emptied.length, lost: 0 });
    await expect.poll(async () => (await scrub()).bad).toBe(0);
    await expectWhole();
  });
});

test("when no copy is whole that is said, and nothing is made up", async () => {
  const item = await itemOf(STORED_KIND.package);
  for (const copy of item.copies) harm(copy, withFlippedBit);
  const report = await scrub();
  expect(report).toMatchObject({ bad: 2, healed: 0, lost: 1 });
  expect((await auditTrail()).filter((line) => line.startsWith("scrubber: find no whole copy"))).toHaveLength(1);
  expect((await itemOf(STORED_KIND.package)).copies).toEqual(item.copies);
});

test("a volume that is not there is refused, and so is a walk through it", async () => {
  await expect(scrub({ volumeId: "0".repeat(32) })).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
});

test("a volume that was lost is made again by itself, on an empty folder in its place", async () => {
  const [path = ""] = site.config.volumePaths;
  const lost = site.server.context.volumes.opened.find(({ place }) => place === path)?.id ?? "";
  const missing = (await items()).filter(({ copies }) => copies.some(({ volumeId }) => volumeId === lost)).length;
  expect(missing).toBeGreaterThan(0);
  await site.stop();
  rmSync(path, { recursive: true });
  await site.start();
  const { repairer } = site.server.context.volumeCare;
  await expect.poll(() => repairer.state, { timeout: 20_000 }).toMatchObject({ made: missing, isUnderWay: false });
  await expectWhole();
  expect((await items()).flatMap(({ copies }) => copies).map(({ volumeId }) => volumeId)).not.toContain(lost);
});

test("a volume that is away is waited for an hour, and then done without", async () => {
  const [, , path = ""] = site.config.volumePaths;
  const away = site.server.context.volumes.opened.find(({ place }) => place === path)?.id ?? "";
  const missing = (await items()).filter(({ copies }) => copies.some(({ volumeId }) => volumeId === away)).length;
  await site.stop();
  renameSync(path, `${path}.away`);
  writeFileSync(path, "");
  await site.start();
  const { repairer } = site.server.context.volumeCare;
  await expect.poll(() => repairer.state.items, { timeout: 20_000 }).toBe(7);
  expect(repairer.state).toMatchObject({ made: 0, missing: 0 });
  site.pass(3_600_001);
  await expect.poll(() => repairer.state, { timeout: 20_000 }).toMatchObject({ made: missing, isUnderWay: false });
  for (const { copies } of await items()) {
    expect(copies.filter(({ volumeId }) => volumeId !== away)).toHaveLength(2);
  }
});
