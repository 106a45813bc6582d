/** What every volume must do, whatever it is made of. */
import { systemRandom } from "@pericard/crypto";
import { describe, expect, test } from "vitest";
import { STORED_KIND, type Copy, type ScannedItem, type StoredItem, type Volume } from "../src/volumes/volume.ts";

/** One place that a volume is opened over, again and again; empty at first. */
export interface VolumePlace {
  open(): Promise<Volume>;
  /** Changes the bytes of the pack that holds a copy, behind the back of any volume. */
  harm(copy: Copy, change: (pack: Uint8Array) => Uint8Array): Promise<void>;
  /** From now on nothing of the place can be reached. */
  takeAway(): Promise<void>;
  bringBack(): Promise<void>;
}

/** The clock that the volumes are opened with: `retryMs` is 5000 of it. */
export interface TestClock {
  nowMs: number;
}

const item = (sizeBytes: number): StoredItem => ({ kind: STORED_KIND.package, bytes: systemRandom(sizeBytes) });

/** Everything that a scan of a volume gives. */
export async function scanned(volume: Volume): Promise<readonly ScannedItem[]> {
  const items: ScannedItem[] = [];
  for await (const some of volume.scan()) items.push(...some);
  return items;
}

/** Items by place, since volumes need not scan their packs in the order in which they were written. */
function byPlace(items: readonly ScannedItem[]): readonly ScannedItem[] {
  return items.toSorted((a, b) => a.copy.fileNumber - b.copy.fileNumber || a.copy.offsetBytes - b.copy.offsetBytes);
}

async function appendOne(volume: Volume, one: StoredItem): Promise<Copy> {
  const [copy] = await volume.append([one]);
  if (!copy) throw new Error("nothing was appended");
  return copy;
}

function withFlippedBit(bytes: Uint8Array, at: number): Uint8Array {
  const flipped = bytes.slice();
  flipped[at] = (flipped[at] ?? 0) ^ 1;
  return flipped;
}

const HARMS: readonly [string, (pack: Uint8Array, copy: Copy) => Uint8Array][] = [
  ["with a flipped bit", (pack, { offsetBytes }) => withFlippedBit(pack, offsetBytes + 500)],
  ["with a flipped bit in its head", (pack, { offsetBytes }) => withFlippedBit(pack, offsetBytes + 6)],
  [
    "with a flipped bit in its checksum",
    (pack, { offsetBytes, sizeBytes }) => withFlippedBit(pack, offsetBytes + sizeBytes - 1),
  ],
  ["cut short", (pack, { offsetBytes }) => pack.slice(0, offsetBytes + 300)],
  ["cut away", () => new Uint8Array(0)],
];

/** The suite. `makePlace` gives a new place for each test, and sees to its removal. */
export function describeVolumeContract(title: string, clock: TestClock, makePlace: () => Promise<VolumePlace>): void {
  describe(`volume contract: ${title}`, () => {
    test("what was appended is read back at its place, in order, and there when it is opened again", async () => {
      const place = await makePlace();
      const volume = await place.open();
      const gap: StoredItem = { kind: STORED_KIND.gap, bytes: systemRandom(50) };
      const items = [item(10), item(100_000), item(0), gap];
      const copies = [...(await volume.append(items.slice(0, 3))), ...(await volume.append(items.slice(3)))];
      expect(copies.map(({ volumeId }) => volumeId)).toEqual(items.map(() => volume.id));
      for (const [i, copy] of copies.entries()) expect(await volume.read(copy)).toEqual(items[i]?.bytes);
      await volume.close();
      const again = await place.open();
      expect(again.id).toBe(volume.id);
      const found = byPlace((await scanned(again)).map(({ kind, bytes, copy }) => ({ kind, bytes, copy })));
      expect(found).toEqual(byPlace(items.map(({ kind, bytes }, i) => ({ kind, bytes, copy: copies[i] as Copy }))));
      for (const [i, copy] of copies.entries()) expect(await again.read(copy)).toEqual(items[i]?.bytes);
    });

    test("an item of 20 MiB and many small ones are taken in one append", async () => {
      const volume = await (await makePlace()).open();
      const items = [item(20 * 1024 * 1024), ...Array.from({ length: 200 }, (_, i) => item(i))];
      const copies = await volume.append(items);
      expect(copies).toHaveLength(items.length);
      for (const i of [0, 1, 100, 200]) expect(await volume.read(copies[i] as Copy)).toEqual(items[i]?.bytes);
    });

    test("appends at the same time get places of their own", async () => {
      const volume = await (await makePlace()).open();
      const items = Array.from({ length: 12 }, () => item(1000));
      const copies = await Promise.all(items.map((one) => appendOne(volume, one)));
      expect(new Set(copies.map(({ fileNumber, offsetBytes }) => `${fileNumber}/${offsetBytes}`)).size).toBe(12);
      for (const [i, copy] of copies.entries()) expect(await volume.read(copy)).toEqual(items[i]?.bytes);
      expect(await scanned(volume)).toHaveLength(12);
    });

    test("its id is drawn once and is no other's", async () => {
      const place = await makePlace();
      const first = await place.open();
      expect(first.id).toMatch(/^[0-9a-f]{32}$/);
      await first.close();
      expect((await place.open()).id).toBe(first.id);
      expect((await (await makePlace()).open()).id).not.toBe(first.id);
    });

    test.each(HARMS)("a copy %s is refused, the others are whole, and the volume goes on", async (_, harm) => {
      const place = await makePlace();
      const before = await place.open();
      const [whole] = await before.append([item(700)]);
      const copy = await appendOne(before, item(1000));
      await before.close();
      await place.harm(copy, (pack) => harm(pack, copy));
      const volume = await place.open();
      await expect(volume.read(copy)).rejects.toMatchObject({ code: "ERR_DATA_UNREADABLE" });
      expect(volume.state).toBe("up");
      const found = await scanned(volume);
      expect(found.map(({ bytes }) => bytes.length)).not.toContain(1000);
      if (whole && whole.fileNumber !== copy.fileNumber) expect(await volume.read(whole)).toHaveLength(700);
      const more = item(20);
      expect(await volume.read(await appendOne(volume, more))).toEqual(more.bytes);
    });

    test("complete packs are listed with their frames, and removed; the others stay whole", async () => {
      const place = await makePlace();
      const volume = await place.open();
      const first = [item(1000), item(50)];
      const copies = await volume.append(first);
      await volume.endPack();
      const kept = item(300);
      const keptCopy = await appendOne(volume, kept);
      const packs = await volume.listPacks();
      const pack = packs.find(({ fileNumber }) => fileNumber === copies[0]?.fileNumber);
      if (!pack) throw new Error("pack is not listed");
      expect(pack.sizeBytes).toBeGreaterThan(1050);
      expect(await volume.listPack(pack.fileNumber)).toEqual(copies.map((copy, i) => ({ kind: first[i]?.kind, copy })));
      expect(keptCopy.fileNumber).not.toBe(pack.fileNumber);
      await volume.removePack(pack.fileNumber);
      await volume.removePack(pack.fileNumber);
      expect((await volume.listPacks()).map(({ fileNumber }) => fileNumber)).not.toContain(pack.fileNumber);
      expect(await volume.listPack(pack.fileNumber)).toEqual([]);
      for (const copy of copies) {
        await expect(volume.read(copy)).rejects.toMatchObject({ code: "ERR_DATA_UNREADABLE" });
      }
      expect(volume.state).toBe("up");
      expect(await volume.read(keptCopy)).toEqual(kept.bytes);
      await volume.close();
      const again = await place.open();
      expect((await scanned(again)).map(({ bytes }) => bytes)).toEqual([kept.bytes]);
      const more = await appendOne(again, item(20));
      expect(`${more.fileNumber}/${more.offsetBytes}`).not.toBe(`${keptCopy.fileNumber}/${keptCopy.offsetBytes}`);
    });

    test("a place that never was is refused", async () => {
      const volume = await (await makePlace()).open();
      const copy = await appendOne(volume, item(1000));
      const places = [{ fileNumber: 99 }, { offsetBytes: copy.offsetBytes + 1 }, { offsetBytes: 1e9 }];
      for (const place of [...places, { sizeBytes: 1e12, fileNumber: 98 }]) {
        await expect(volume.read({ ...copy, ...place })).rejects.toMatchObject({ code: "ERR_DATA_UNREADABLE" });
      }
      expect(await volume.read(copy)).toHaveLength(1000);
    });

    test("a place that goes away makes it down, and one that comes back makes it up after a pause", async () => {
      const place = await makePlace();
      const volume = await place.open();
      const copy = await appendOne(volume, item(10));
      await place.takeAway();
      await expect(volume.append([item(1)])).rejects.toMatchObject({ code: "ERR_VOLUME_DOWN", retryable: true });
      expect(volume.state).toBe("down");
      await place.bringBack();
      const triedAt = performance.now();
      await expect(volume.append([item(1)])).rejects.toMatchObject({ code: "ERR_VOLUME_DOWN" });
      expect(performance.now() - triedAt).toBeLessThan(100);
      expect(volume.report).toMatchObject({ state: "down", reason: expect.any(String), sinceUnixMs: clock.nowMs });
      clock.nowMs += 5001;
      await expect.poll(() => volume.state, { timeout: 10_000 }).toBe("up");
      expect(volume.report).toEqual({ state: "up", reason: null, sinceUnixMs: clock.nowMs });
      await volume.append([item(1)]);
      expect(await volume.read(copy)).toHaveLength(10);
      expect(await scanned(volume)).toHaveLength(2);
    });
  });
}
