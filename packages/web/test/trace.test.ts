import { expect, test } from "vitest";
import * as fc from "fast-check";
import { MISSING_ADU } from "../src/api/types.ts";
import type { SampleBlock, SummaryBlock } from "../src/api/types.ts";
import { PathPen } from "../src/draw/path-pen.ts";
import { traceSamples } from "../src/draw/trace-samples.ts";
import { traceSummary } from "../src/draw/trace-summary.ts";
import type { RowMapping } from "../src/paper/mapping.ts";

type Step = readonly ["M" | "L", number, number];
const ROW: RowMapping = {
  leadIndex: 0,
  baselinePx: 0,
  pxPerAdu: 1,
  baselineAdu: 0,
  samplesPerFrame: 1,
  skewFrames: 0,
};
const ALL = { fromFrame: -1e6, toFrame: 1e6, devicePixelRatio: 1 };

function block(values: readonly number[], fromFrame = 0): SampleBlock {
  return { kind: "samples", fromFrame, toFrame: fromFrame + values.length, leads: [Int32Array.from(values)] };
}

function traced(blocks: readonly SampleBlock[], pxPerFrame: number, row = ROW, window = ALL): Step[] {
  const steps: Step[] = [];
  const sink = {
    moveTo: (x: number, y: number) => void steps.push(["M", x, y]),
    lineTo: (x: number, y: number) => void steps.push(["L", x, y]),
  };
  const pen = new PathPen(sink);
  for (const part of blocks) traceSamples(pen, part, { fromFrame: 0, pxPerFrame }, row, window);
  pen.lift();
  return steps;
}

test("every sample is a point while there is room", () => {
  expect(traced([block([0, 5, -2])], 1)).toEqual([["M", 0, 0], ["L", 1, -5], ["L", 2, 2]]); // prettier-ignore
});

test("no line crosses missing samples, and a lone sample is a dot", () => {
  expect(traced([block([1, MISSING_ADU, 2, MISSING_ADU, MISSING_ADU, 3, 4])], 1)).toEqual([
    ["M", 0, -1], ["L", 0.75, -1], ["M", 2, -2], ["L", 2.75, -2], ["M", 5, -3], ["L", 6, -4],
  ]); // prettier-ignore
});

test("adjacent blocks are one line", () => {
  expect(traced([block([1, 2]), block([3, 4], 2)], 1).map(([kind]) => kind)).toEqual(["M", "L", "L", "L"]);
});

test("several samples a frame and skew move the points", () => {
  const row = { ...ROW, samplesPerFrame: 2, skewFrames: 3 };
  const twice: SampleBlock = { kind: "samples", fromFrame: 10, toFrame: 11, leads: [Int32Array.of(1, 2)] };
  expect(traced([twice], 4, row).map(([, x]) => x)).toEqual([28, 30]);
});

test("only the window is traced, with one sample on either side", () => {
  const values = Array.from({ length: 100 }, (_, index) => index);
  const xs = traced([block(values)], 1, ROW, { ...ALL, fromFrame: 40, toFrame: 50 }).map(([, x]) => x);
  expect([Math.min(...xs), Math.max(...xs)]).toEqual([39, 51]);
});

test("a lead that the block does not have lifts the pen", () => {
  const absent: SampleBlock = { kind: "samples", fromFrame: 2, toFrame: 4, leads: [undefined] };
  expect(traced([block([1, 2]), absent, block([3, 4], 4)], 1).map(([kind]) => kind)).toEqual(["M", "L", "M", "L"]);
});

test("crowded samples keep every extreme to half a pixel, and every gap", () => {
  const value = fc.oneof({ weight: 8, arbitrary: fc.integer({ min: -500, max: 500 }) }, fc.constant(MISSING_ADU));
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 300 }), fc.integer({ min: 3, max: 20 }), (values, size) => {
      const steps = traced([block(values)], 1 / size);
      const present = values.filter((adu) => adu !== MISSING_ADU);
      if (present.length === 0) return steps.length === 0;
      const ys = steps.map(([, , y]) => -y);
      const runs = values.filter(
        (adu, index) => adu !== MISSING_ADU && (values[index - 1] ?? MISSING_ADU) === MISSING_ADU,
      );
      expect(Math.max(...ys)).toBeGreaterThan(Math.max(...present) - 0.5);
      expect(Math.min(...ys)).toBeLessThan(Math.min(...present) + 0.5);
      expect(steps.filter(([kind]) => kind === "M")).toHaveLength(runs.length);
      return steps.length <= 5 * Math.ceil(values.length / size) + 5 * runs.length;
    }),
  );
});

test("buckets become columns that touch their neighbours but never cross an empty one", () => {
  const summary: SummaryBlock = {
    kind: "summary",
    fromFrame: 0,
    toFrame: 8,
    framesPerBucket: 2,
    bucketCount: 4,
    leads: [Int32Array.of(0, 2, 5, 9, MISSING_ADU, MISSING_ADU, 0, 0)],
  };
  const columns: number[][] = [];
  traceSummary((...column) => void columns.push(column), summary, { fromFrame: 0, pxPerFrame: 0.5 }, ROW, ALL);
  expect(columns).toEqual([
    [0, -2, 1, 0],
    [1, -9, 1, -2],
    [3, 0, 1, 1],
  ]);
});

test("sides of columns lie on device pixels, and no two columns leave one between them", () => {
  const summary: SummaryBlock = {
    kind: "summary",
    fromFrame: 0,
    toFrame: 4000,
    framesPerBucket: 4,
    bucketCount: 1000,
    leads: [Int32Array.from({ length: 2000 }, (_, i) => i % 2)],
  };
  const columns: (readonly [left: number, right: number])[] = [];
  const window = { ...ALL, devicePixelRatio: 2 };
  const time = { fromFrame: 17, pxPerFrame: 0.31 };
  traceSummary((left, _top, width) => void columns.push([left, left + width]), summary, time, ROW, window);
  expect(columns).toHaveLength(1000);
  for (const [i, [left, right]] of columns.entries()) {
    expect([left, right].map((x) => x * 2)).toEqual([Math.round(left * 2), Math.round(right * 2)]);
    if (i > 0) expect(left).toBe(columns[i - 1]?.[1]);
  }
});

test("a flat line reaches its last sample before missing ones", () => {
  const flat = [7, 7, 7, 7, 7, 7, 7, 7, 7, 7, MISSING_ADU, MISSING_ADU, MISSING_ADU, MISSING_ADU, MISSING_ADU, 7];
  const steps = traced([block(flat)], 0.2);
  expect(steps[0]).toEqual(["M", 0, -7]);
  expect(steps.map(([, x]) => x)).toContain(9 * 0.2);
});
