import { expect, test } from "vitest";
import { frameAtX, frameOfSample, pointOf, snapped, xOfFrame, yOfAdu } from "../src/paper/mapping.ts";
import type { RowMapping } from "../src/paper/mapping.ts";

const TIME = { fromFrame: -50, pxPerFrame: 0.5 };
const ROW: RowMapping = {
  leadIndex: 0,
  baselinePx: 100,
  pxPerAdu: 0.2,
  baselineAdu: 1024,
  samplesPerFrame: 4,
  skewFrames: 3,
};

test("time maps there and back", () => {
  expect(xOfFrame(TIME, 150)).toBe(100);
  expect(frameAtX(TIME, xOfFrame(TIME, 12.25))).toBe(12.25);
});

test("higher values are drawn higher, the baseline on its line", () => {
  expect(yOfAdu(ROW, 1024)).toBe(100);
  expect(yOfAdu(ROW, 1224)).toBe(60);
});

test("samples within a frame are spread, and skewed leads are moved back", () => {
  expect(frameOfSample(ROW, 10, 0)).toBe(7);
  expect(frameOfSample(ROW, 10, 6)).toBe(8.5);
});

test("a sample's pixel follows from both", () => {
  expect(pointOf(TIME, ROW, 53, 1124)).toEqual({ x: 50, y: 80 });
});

test("lines are put on device pixels", () => {
  expect(snapped(10.3, 1)).toBe(10);
  expect(snapped(10.3, 2)).toBe(10.5);
});
