import { expect, test } from "vitest";
import { layoutRows, rowHeightMm } from "../src/paper/layout.ts";
import { yOfAdu } from "../src/paper/mapping.ts";
import { leadOf } from "./fixtures.ts";

const PX_PER_MM = 4;
const OPTIONS = { pxPerMm: PX_PER_MM, gainMmPerMv: 10, stepMm: 5, tightMv: 1.2, ranges: [] };
const withRoom = (mm: number, gainMmPerMv = 10): typeof OPTIONS & { availableHeightPx: number } => ({
  ...OPTIONS,
  gainMmPerMv,
  availableHeightPx: mm * PX_PER_MM,
});

test("rows follow the gain and the room", () => {
  expect(rowHeightMm(12, withRoom(195))).toBe(15);
  expect(rowHeightMm(12, withRoom(260))).toBe(20);
  expect(rowHeightMm(2, withRoom(260))).toBe(40);
  expect(rowHeightMm(12, withRoom(100, 20))).toBe(30);
});

test("rows are tightened when that brings all leads into view, but not below 1.2 mV", () => {
  expect(rowHeightMm(12, withRoom(166))).toBe(13);
  expect(rowHeightMm(12, withRoom(120))).toBe(15);
});

test("one millivolt is as many millimetres as the gain says, upwards", () => {
  for (const gain of [5, 10, 20]) {
    const row = layoutRows([leadOf("I", { baselineAdu: 30 })], withRoom(100, gain)).rows[0];
    if (row?.mapping === undefined) throw new TypeError("expected a row");
    expect(yOfAdu(row.mapping, 30)).toBe(row.zeroPx);
    expect(yOfAdu(row.mapping, 30) - yOfAdu(row.mapping, 230)).toBeCloseTo(gain * PX_PER_MM, 9);
  }
});

test("rows are in clinical order, keep their lead's index, and lie within the paper", () => {
  const layout = layoutRows(
    ["V1", "II", "I"].map((name) => leadOf(name)),
    withRoom(100),
  );
  expect(layout.rows.map(({ lead }) => lead.name)).toEqual(["I", "II", "V1"]);
  expect(layout.rows.map(({ mapping }) => mapping?.leadIndex)).toEqual([2, 1, 0]);
  for (const row of layout.rows) {
    expect(row.topPx).toBeGreaterThanOrEqual(0);
    expect(row.topPx + row.heightPx).toBeLessThanOrEqual(layout.heightPx);
    expect(row.zeroPx - row.topPx).toBeGreaterThanOrEqual(10 * PX_PER_MM);
  }
});

test("the first row has room for 1.5 mV above its zero line", () => {
  for (const gain of [5, 10, 20]) {
    for (const mm of [60, 166, 400]) {
      const layout = layoutRows(
        Array.from({ length: 12 }, () => leadOf("I")),
        withRoom(mm, gain),
      );
      expect(layout.rows[0]?.zeroPx).toBeGreaterThanOrEqual(1.5 * gain * PX_PER_MM);
    }
  }
});

test("zero lines lie on bold lines when rows are multiples of 5 mm", () => {
  const layout = layoutRows([leadOf("I"), leadOf("II")], withRoom(100));
  for (const row of layout.rows) expect(((row.zeroPx - layout.gridAnchorPx) / PX_PER_MM) % 5).toBe(0);
});

test("a lead with its own scale has its centre value on the row's middle", () => {
  const lead = leadOf("ABP", { units: "mmHg", gainAduPerUnit: "20", baselineAdu: -1000 });
  const row = layoutRows([lead], { ...withRoom(100), ranges: [{ min: 600, max: 1400 }] }).rows[0];
  if (row?.mapping === undefined || row.scale.kind !== "own") throw new TypeError("expected an own scale");
  expect(yOfAdu(row.mapping, row.scale.centreAdu)).toBeCloseTo(row.topPx + row.heightPx / 2, 9);
});

test("a lead whose scale is unknown is listed but not mapped", () => {
  const row = layoutRows([leadOf("ABP", { units: "mmHg" })], withRoom(100)).rows[0];
  expect(row?.scale.kind).toBe("unknown");
  expect(row?.mapping).toBeUndefined();
});
