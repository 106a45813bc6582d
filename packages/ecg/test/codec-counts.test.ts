/** Tables of the entropy coder, where random edits of streams hardly reach. docs/codec-lead-residual.md §5.1. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BitReader } from "../src/codec/bit-reader.ts";
import { BitWriter } from "../src/codec/bit-writer.ts";
import { countOfLevel, levelBelow, readCounts, scaleCounts, writeCounts } from "../src/codec/counts.ts";

/** A table header: last token, commonest token, then the level of each other token. */
function tableBytes(last: number, commonest: number, levels: readonly number[]): Uint8Array {
  const writer = new BitWriter();
  writer.write(last, 7);
  writer.write(commonest, 7);
  let previous = 0;
  for (const level of levels) {
    writer.writeRice(((level - previous) << 1) ^ ((level - previous) >> 31), 1);
    previous = level;
  }
  return writer.finish();
}

function readTable(bytes: Uint8Array): number[] {
  return [...readCounts(new BitReader(bytes, 0)).counts];
}

describe("readCounts", () => {
  test("gives the commonest token what is left", () => {
    expect(readTable(tableBytes(2, 1, [3, 9])).slice(0, 4)).toEqual([3, 243, 10, 0]);
    expect(readTable(tableBytes(0, 0, []))[0]).toBe(256);
  });

  test.each<[string, number, number, number[]]>([
    ["a last token beyond the alphabet", 72, 0, []],
    ["a commonest token beyond the last", 2, 3, []],
    ["a negative level", 1, 0, [-1]],
    ["a level beyond the table", 1, 0, [29]],
    ["a level whose count would wrap around", 1, 0, [60]],
    ["nothing left for the commonest token", 1, 0, [28]],
    ["counts beyond the table", 3, 0, [24, 24, 24]],
    ["a last token that does not occur", 2, 0, [1, 0]],
  ])("refuses %s", (_, last, commonest, levels) => {
    expect(() => readTable(Uint8Array.of(...tableBytes(last, commonest, levels), 0, 0))).toThrow(
      expect.objectContaining({ code: "ERR_CODEC_MALFORMED" }),
    );
  });

  test("refuses a unary part without end, and bytes that end", () => {
    const endless = Uint8Array.of(1, 0xc0, ...new Uint8Array(40).fill(255));
    expect(() => readTable(endless)).toThrow("endless code");
    expect(() => readTable(Uint8Array.of(1))).toThrow("ends inside its tables");
  });
});

test("levels and counts: the highest level whose count is not above", () => {
  for (let count = 0; count <= 256; count++) {
    const level = levelBelow(count);
    expect(countOfLevel(level)).toBeLessThanOrEqual(count);
    expect(countOfLevel(level + 1)).toBeGreaterThan(count);
  }
  expect([8, 9, 10, 11, 12, 28].map(countOfLevel)).toEqual([8, 10, 12, 14, 16, 256]);
});

test("any histogram gives every token that occurs a state, 256 together, and survives writing", () => {
  const histogram = fc.array(fc.oneof(fc.constant(0), fc.nat(9), fc.nat(5_000_000)), { minLength: 72, maxLength: 72 });
  fc.assert(
    fc.property(histogram, fc.nat(71), (counts, present) => {
      counts[present] = (counts[present] ?? 0) + 1;
      const scaled = scaleCounts(Int32Array.from(counts));
      expect(scaled.counts.reduce((sum, count) => sum + count, 0)).toBe(256);
      for (const [token, count] of counts.entries()) expect((scaled.counts[token] ?? 0) > 0).toBe(count > 0);
      const writer = new BitWriter();
      writeCounts(writer, scaled);
      expect(readCounts(new BitReader(writer.finish(), 0))).toEqual(scaled);
    }),
    { numRuns: 1_000 },
  );
});
