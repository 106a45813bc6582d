import { expect, test } from "vitest";
import { MISSING_ADU } from "../src/api/types.ts";
import { usualRange } from "../src/data/lead-ranges.ts";
import type { SampleBlock } from "../src/api/types.ts";
import type { FrameRange } from "../src/api/client.ts";
import { wholeSamples } from "../src/data/whole-samples.ts";
import { loadedBlock, missingRuns, sizeBytesOf } from "../src/data/missing-runs.ts";

const M = MISSING_ADU;

test("runs of missing samples", () => {
  expect(missingRuns(Int32Array.of(M, M, 1, M, 2, M), 1)).toEqual([
    { from: 0, to: 2 }, { from: 3, to: 4 }, { from: 5, to: 6 },
  ]); // prettier-ignore
  expect(missingRuns(Int32Array.of(), 1)).toEqual([]);
  expect(missingRuns(Int32Array.of(0, 1, M, M, 2, 3), 2)).toEqual([{ from: 1, to: 2 }]);
});

test("a block knows its runs and its size", () => {
  const leads = [Int32Array.of(1, M), undefined];
  const loaded = loadedBlock({ kind: "samples", fromFrame: 0, toFrame: 2, leads });
  expect(loaded.missing).toEqual([[{ from: 1, to: 2 }], []]);
  expect(sizeBytesOf(loaded)).toBe(8);
});

test("one flush does not widen the usual range; a beat's peaks do", () => {
  const pairs = Array.from({ length: 480 }, (_, bucket) => [60, bucket % 8 === 0 ? 120 : 90]);
  pairs[100] = [-20, 300];
  expect(usualRange(Int32Array.from(pairs.flat()))).toEqual({ min: 60, max: 120 });
});

test("few buckets are taken whole, none give no range", () => {
  expect(usualRange(Int32Array.of(1, 5, M, M, -3, 2))).toEqual({ min: -3, max: 5 });
  expect(usualRange(Int32Array.of(M, M))).toBeUndefined();
});

function part(fromFrame: number, toFrame: number): SampleBlock {
  const values = Int32Array.from({ length: toFrame - fromFrame }, (_, index) => fromFrame + index);
  return { kind: "samples", fromFrame, toFrame, leads: [values, undefined] };
}

test("a range answered in parts is joined without loss", async () => {
  const asked: FrameRange[] = [];
  const fetchPart = async (range: FrameRange): Promise<SampleBlock> => {
    asked.push(range);
    return part(range.fromFrame, Math.min(range.toFrame, range.fromFrame + 4));
  };
  const block = await wholeSamples(fetchPart, { fromFrame: 10, toFrame: 20 });
  expect(block).toEqual(part(10, 20));
  expect(asked.map(({ fromFrame }) => fromFrame)).toEqual([10, 14, 18]);
});

test("an answer from elsewhere, or an empty one, is refused", async () => {
  for (const answer of [part(11, 20), part(9, 20), part(10, 10)]) {
    await expect(wholeSamples(async () => answer, { fromFrame: 10, toFrame: 20 })).rejects.toMatchObject({
      code: "ERR_ANSWER_MALFORMED",
    });
  }
});
