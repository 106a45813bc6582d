/** The contract of the catalog: where copies lie, and the server's own notes. */
import { describe, expect, test } from "vitest";
import type { Catalog, CopiedItem, StoredPackage } from "../../src/catalog/catalog.ts";
import { STORED_KIND, type Copy } from "../../src/volumes/volume.ts";
import { drawHash, store, StreamBench } from "./bench.ts";

const copyOn = (volumeId: string, offsetBytes = 5): Copy => ({ volumeId, fileNumber: 3, offsetBytes, sizeBytes: 70 });

async function itemsOf(catalog: Catalog): Promise<readonly CopiedItem[]> {
  const items: CopiedItem[] = [];
  for (let some = await catalog.walkCopies(0, 7); some.length > 0;) {
    items.push(...some);
    some = await catalog.walkCopies(some.at(-1)?.key ?? 0, 7);
  }
  return items;
}

export function describeCopies(catalog: () => Catalog): void {
  const storeOne = async (wish: Partial<StoredPackage> = {}) => {
    const stream = new StreamBench();
    const stored = stream.package(stream.next(3), wish);
    await store(catalog(), stored);
    const item = (await itemsOf(catalog())).find(({ recording }) => recording === stored.recording);
    if (!item) throw new Error("package is not among the items");
    return { stored, item };
  };

  describe("copies", () => {
    test("of packages and statements are gone through in order of keys, each once", async () => {
      const { stored, item } = await storeOne();
      expect(item).toEqual({
        key: item.key,
        kind: STORED_KIND.package,
        recording: stored.recording,
        hash: null,
        copies: stored.copies,
      });
      const hash = drawHash();
      await catalog().keepStatement({ kind: STORED_KIND.gap, hash, copies: [copyOn("b"), copyOn("a")] });
      const items = await itemsOf(catalog());
      const last = items.at(-1);
      expect(last).toMatchObject({ kind: STORED_KIND.gap, recording: null, copies: [copyOn("a"), copyOn("b")] });
      expect(last?.hash).toEqual(hash);
      const keys = items.map(({ key }) => key);
      expect(keys).toEqual([...new Set(keys)].toSorted((a, b) => a - b));
      expect(await catalog().findCopied(item.key)).toEqual(item);
      expect(await catalog().findCopied(1e9)).toBeNull();
    });

    test("of a statement that is told again are added to what is known", async () => {
      const hash = drawHash();
      await catalog().keepStatement({ kind: STORED_KIND.gap, hash, copies: [copyOn("a")] });
      await catalog().keepStatement({ kind: STORED_KIND.gap, hash, copies: [copyOn("a", 9), copyOn("c")] });
      const found = (await itemsOf(catalog())).filter((item) => item.hash && Buffer.compare(item.hash, hash) === 0);
      expect(found.map(({ copies }) => copies)).toEqual([[copyOn("a"), copyOn("c")]]);
    });

    test("are replaced, added and forgotten one by one, and read from then", async () => {
      const { stored, item } = await storeOne();
      const [first, second] = item.copies as readonly [Copy, Copy];
      const moved = { ...first, fileNumber: 8, offsetBytes: 2 ** 40 };
      expect(await catalog().replaceCopy(item.key, first, moved)).toBe(true);
      expect(await catalog().replaceCopy(item.key, null, copyOn("volume-3"))).toBe(true);
      expect(await catalog().replaceCopy(item.key, second, copyOn("volume-4"))).toBe(true);
      const copies = [moved, copyOn("volume-3"), copyOn("volume-4")];
      expect((await catalog().findCopied(item.key))?.copies).toEqual(copies);
      const row = await catalog().findRecording(stored.recording);
      const [placement] = await catalog().findSegments(row?.key ?? 0, 0, 0, 1000, 1);
      expect(placement?.copies.toSorted((a, b) => (a.volumeId < b.volumeId ? -1 : 1))).toEqual(copies);
      expect(await catalog().replaceCopy(item.key, copyOn("volume-3"), null)).toBe(true);
      expect((await catalog().findCopied(item.key))?.copies).toEqual([moved, copyOn("volume-4")]);
    });

    test("that are not what the caller thinks stay as they are", async () => {
      const { item } = await storeOne();
      const [first, second] = item.copies as readonly [Copy, Copy];
      const elsewhere = { ...first, offsetBytes: first.offsetBytes + 1 };
      expect(await catalog().replaceCopy(item.key, elsewhere, copyOn("volume-3"))).toBe(false);
      expect(await catalog().replaceCopy(item.key, null, { ...second, fileNumber: 77 })).toBe(false);
      expect(await catalog().replaceCopy(item.key, first, { ...second, fileNumber: 77 })).toBe(false);
      expect(await catalog().replaceCopy(1e9, null, copyOn("volume-3"))).toBe(false);
      expect(await catalog().findCopied(item.key)).toEqual(item);
    });

    test("are counted by volume", async () => {
      const volumeId = `counted-${Math.round(performance.now())}`;
      for (let i = 0; i < 3; i += 1) await storeOne({ copies: [copyOn(volumeId, i)] });
      expect(await catalog().countCopies()).toContainEqual({ volumeId, copies: 3 });
    });

    test("are known by the segments that are read from them", async () => {
      const { stored, item } = await storeOne();
      const { recording } = stored;
      const hashes = stored.items.map(({ sequence, hash }) => ({ sequence, hash }));
      expect(await catalog().findItemHashes(item.key, recording, 0, 0, 9)).toEqual(hashes);
      expect(await catalog().findItemHashes(item.key, recording, 0, 1, 1)).toEqual(hashes.slice(1, 2));
      expect(await catalog().findItemHashes(item.key, recording, 1, 0, 9)).toEqual([]);
      expect(await catalog().findItemHashes(item.key + 1, recording, 0, 0, 9)).toEqual([]);
    });
  });

  test("notes are kept by name, and gone when they are removed", async () => {
    await catalog().storeNote("test b", '{"n":1}');
    await catalog().storeNote("test a", "2");
    await catalog().storeNote("test b", '{"n":3}');
    const notes = async () => (await catalog().listNotes()).filter(({ name }) => name.startsWith("test "));
    expect(await notes()).toEqual([
      { name: "test a", json: "2" },
      { name: "test b", json: '{"n":3}' },
    ]);
    await catalog().storeNote("test a", null);
    await catalog().storeNote("test a", null);
    await catalog().storeNote("test b", null);
    expect(await notes()).toEqual([]);
  });
}
