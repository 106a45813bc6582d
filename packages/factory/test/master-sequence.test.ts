/** The master key sequence: drawn once, sealed, never twice, never again. Source: paper A §II.E, G; docs/format.md §12.1. */
import { systemRandom, type RandomSource } from "@pericard/crypto";
import { createMemoryFolder, openDiskFolder, type Folder, type MemoryFolder } from "@pericard/framelog";
import { concatBytes, toHex } from "@pericard/protocol";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { MasterSequence, SEQUENCE_BLOCKS_MAX } from "../src/master-sequence.ts";
import { CHUNK_BLOCKS, FILE_BLOCKS } from "../src/sequence-file.ts";

const key = { id: systemRandom(16), key: systemRandom(32) };
let folder: MemoryFolder;
beforeEach(() => {
  folder = createMemoryFolder();
});

const open = (of: Folder = folder, nextIndex = 0): MasterSequence => MasterSequence.open(of, key, nextIndex);

function drawn(count: number): MasterSequence {
  const sequence = open();
  sequence.extendTo(count, systemRandom);
  return sequence;
}

const refuses = (code: string) => expect.objectContaining({ code });
const fileNames = (): readonly string[] => folder.list().filter((name) => name.endsWith(".sealed"));

describe("a sequence", () => {
  test.each([1, CHUNK_BLOCKS - 1, CHUNK_BLOCKS, CHUNK_BLOCKS + 1, FILE_BLOCKS, FILE_BLOCKS + 1])(
    "of %i blocks gives each as it was drawn, and opens again",
    (count) => {
      const blocks: Uint8Array[] = [];
      const random: RandomSource = (sizeBytes) => {
        const bytes = systemRandom(sizeBytes);
        if (sizeBytes > 32) blocks.push(bytes.slice());
        return bytes;
      };
      open().extendTo(count, random);
      const master = concatBytes(...blocks);
      expect(master).toHaveLength(960 * count);
      const again = open();
      expect([again.firstIndex, again.endIndex]).toEqual([0, count]);
      for (const index of new Set([0, count >> 1, count - 1])) {
        // Paper A §II.E: a block lies at its offset in the server's master key.
        expect(again.readBlock(index)).toEqual(master.slice(960 * index, 960 * (index + 1)));
      }
      expect(() => again.readBlock(count)).toThrow(refuses("ERR_SEQUENCE_LIMIT"));
    },
  );

  test("gives runs of blocks across chunks and files", () => {
    const sequence = drawn(FILE_BLOCKS + 300);
    const first = FILE_BLOCKS - 300;
    const run = sequence.readBlocks(first, 600);
    expect(run.map(({ index }) => index)).toEqual(Array.from({ length: 600 }, (_, i) => first + i));
    for (const { index, block } of run) expect(toHex(block)).toBe(toHex(sequence.readBlock(index)));
    expect(new Set(run.map(({ block }) => toHex(block))).size).toBe(600);
  });

  test("is extended without touching what is there", () => {
    drawn(300);
    const before = fileNames().map((name) => [name, toHex(folder.bytesOf(name))]);
    open().extendTo(700, systemRandom);
    expect(fileNames()).toHaveLength(2);
    expect(
      fileNames()
        .slice(0, 1)
        .map((name) => [name, toHex(folder.bytesOf(name))]),
    ).toEqual(before);
    open().extendTo(500, systemRandom);
    expect(open().endIndex).toBe(700);
  });

  test("tells how far it is durable", () => {
    const told: number[] = [];
    open().extendTo(FILE_BLOCKS + 5, systemRandom, (endIndex) => {
      told.push(endIndex);
      expect(open(folder.afterPowerCut(0)).endIndex).toBe(endIndex);
    });
    expect(told).toEqual([FILE_BLOCKS, FILE_BLOCKS + 5]);
  });

  test("begins behind the blocks that terminals have, when its files are lost", () => {
    const sequence = open(folder, 7);
    sequence.extendTo(9, systemRandom);
    expect(fileNames()).toEqual(["blocks-0000000007.sealed"]);
    expect([open(folder, 9).firstIndex, open(folder, 9).endIndex]).toEqual([7, 9]);
    expect(() => open().readBlock(6)).toThrow(refuses("ERR_SEQUENCE_LIMIT"));
  });

  test("holds no block in clear", () => {
    const sequence = drawn(2);
    const bytes = Buffer.from(folder.bytesOf("blocks-0000000000.sealed"));
    expect(bytes.includes(sequence.readBlock(0).subarray(0, 8))).toBe(false);
    expect(bytes).toHaveLength(48 + 2 * 960);
  });
});

/** A generator whose block number `at` repeats block number `of`. */
function repeating(at: number, of: number): RandomSource {
  let drawnBytes = 0;
  let kept = new Uint8Array(960);
  return (sizeBytes) => {
    const bytes = systemRandom(sizeBytes);
    if (sizeBytes <= 32) return bytes;
    for (let i = 0; i < sizeBytes; i += 960) {
      const index = (drawnBytes + i) / 960;
      if (index === of) kept = bytes.slice(i, i + 960);
      if (index === at) bytes.set(kept, i);
    }
    drawnBytes += sizeBytes;
    return bytes;
  };
}

describe("a block that comes twice", () => {
  test.each([
    [1, 0],
    [CHUNK_BLOCKS + 3, 5],
    [999, 998],
  ])("as number %i and %i is refused, and nothing of its file is kept", (at, of) => {
    expect(() => open().extendTo(1000, repeating(at, of))).toThrow(refuses("ERR_SEQUENCE_DUPLICATE"));
    expect(open().endIndex).toBe(0);
  });

  test("in another file is refused, and the files before are kept", () => {
    const random = repeating(FILE_BLOCKS + 1, 17);
    expect(() => open().extendTo(FILE_BLOCKS + 10, random)).toThrow(refuses("ERR_SEQUENCE_DUPLICATE"));
    expect(open().endIndex).toBe(FILE_BLOCKS);
  });

  test("after the drawing was interrupted is refused", () => {
    const known = drawn(300).readBlock(123);
    const random: RandomSource = (sizeBytes) => {
      const bytes = systemRandom(sizeBytes);
      if (sizeBytes > 32) bytes.set(known, 960);
      return bytes;
    };
    expect(() => open().extendTo(400, random)).toThrow(refuses("ERR_SEQUENCE_DUPLICATE"));
    expect(open().endIndex).toBe(300);
  });

  test("is refused when it is of zeros", () => {
    expect(() => open().extendTo(2, (sizeBytes) => new Uint8Array(sizeBytes))).toThrow(
      refuses("ERR_SEQUENCE_DUPLICATE"),
    );
  });
});

describe("a sequence whose files were changed", () => {
  const NAME = "blocks-0000000000.sealed";

  test.each([0, 40, 5000, 245_807])("in byte %i does not open there", (at) => {
    drawn(600);
    const bytes = folder.bytesOf(NAME);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    expect(() => open().readBlock(0)).toThrow(refuses("ERR_SEQUENCE_DAMAGED"));
    expect(open().readBlock(599)).toHaveLength(960);
    expect(() => open().extendTo(700, systemRandom)).toThrow(refuses("ERR_SEQUENCE_DAMAGED"));
  });

  test("by moving a chunk does not open", () => {
    drawn(512);
    const bytes = folder.bytesOf(NAME);
    folder.replace(NAME, concatBytes(bytes.subarray(245_808), bytes.subarray(0, 245_808)));
    expect(() => open().readBlock(0)).toThrow(refuses("ERR_SEQUENCE_DAMAGED"));
    expect(() => open().readBlock(256)).toThrow(refuses("ERR_SEQUENCE_DAMAGED"));
  });

  test("in their size, or taken away between others, is refused", () => {
    drawn(300);
    open().extendTo(400, systemRandom);
    open().extendTo(500, systemRandom);
    folder.remove("blocks-0000000300.sealed");
    expect(() => open()).toThrow(refuses("ERR_SEQUENCE_DAMAGED"));
    folder = createMemoryFolder();
    drawn(300);
    folder.replace(NAME, folder.bytesOf(NAME).slice(0, -1));
    expect(() => open()).toThrow(refuses("ERR_SEQUENCE_DAMAGED"));
  });

  test("by taking away the end is refused once terminals have blocks of it", () => {
    drawn(300);
    expect(open(folder, 300).endIndex).toBe(300);
    expect(() => open(folder, 301)).toThrow(refuses("ERR_SEQUENCE_DAMAGED"));
  });

  test("does not open under another key or name", () => {
    drawn(3);
    for (const other of [
      { ...key, key: systemRandom(32) },
      { ...key, id: systemRandom(16) },
    ]) {
      const sequence = MasterSequence.open(folder, other, 0);
      expect(() => sequence.readBlock(0)).toThrow(refuses("ERR_SEQUENCE_DAMAGED"));
    }
  });
});

test("a sequence has an upper bound, and whole blocks", () => {
  expect(() => open().extendTo(1.5, systemRandom)).toThrow(RangeError);
  expect(() => open().extendTo(SEQUENCE_BLOCKS_MAX + 1, systemRandom)).toThrow(refuses("ERR_SEQUENCE_LIMIT"));
});

test("a disk that fails ends the drawing, and what was durable stays", () => {
  let left = 1;
  const failing: Folder = {
    ...folder,
    replaceWithParts: (name, parts) => {
      if (left === 0) throw Object.assign(new Error("no space"), { code: "ENOSPC" });
      left -= 1;
      folder.replaceWithParts(name, parts);
    },
  };
  expect(() => open(failing).extendTo(FILE_BLOCKS + 1, systemRandom)).toThrow(refuses("ERR_SEQUENCE_DISK"));
  expect(open().endIndex).toBe(FILE_BLOCKS);
});

test("a drawing that is interrupted at any write leaves whole files alone, and goes on behind them", () => {
  const path = mkdtempSync(join(tmpdir(), "pericard-sequence-"));
  try {
    const disk = openDiskFolder(path);
    for (const chunksWritten of [0, 1, 2]) {
      const before = open(disk);
      const kept = before.endIndex > 0 ? toHex(before.readBlock(before.endIndex - 1)) : "";
      let left = chunksWritten;
      const cut: RandomSource = (sizeBytes) => {
        if (sizeBytes > 32 && left-- === 0) throw new Error("power is gone");
        return systemRandom(sizeBytes);
      };
      expect(() => before.extendTo(before.endIndex + 1000, cut)).toThrow();
      const after = open(disk);
      expect(after.endIndex).toBe(before.endIndex);
      if (kept) expect(toHex(after.readBlock(after.endIndex - 1))).toBe(kept);
      after.extendTo(after.endIndex + 10, systemRandom);
    }
    expect(open(disk).endIndex).toBe(30);
  } finally {
    rmSync(path, { recursive: true });
  }
});
