import { expect, test } from "vitest";
import { aduPerMv, mvPerUnit, niceAbove, parseGain, scaleOf } from "../src/paper/lead-scale.ts";
import { leadOf } from "./fixtures.ts";

test("units that are voltages, as real files write them", () => {
  expect(["mV", "mv", "uV", "\u00B5V", "\u03BCV", "V"].map(mvPerUnit)).toEqual([1, 1, 1e-3, 1e-3, 1e-3, 1000]);
  expect(["mmHg", "NU", "", "mV/s"].map(mvPerUnit)).toEqual([undefined, undefined, undefined, undefined]);
});

test("gains are decimal text; zero and nonsense are no gain", () => {
  expect(["200", "204.8", "1000/3", "-200"].map(parseGain)).toEqual([200, 204.8, 1000 / 3, -200]);
  expect(["0", "", "abc", "1/0", "1/2/3", "/2"].map(parseGain)).toEqual(Array(6).fill(undefined));
});

test("a microvolt lead and a millivolt lead of the same signal have the same scale", () => {
  const inMv = scaleOf(leadOf("I"), 10, 15);
  const inUv = scaleOf(leadOf("I", { units: "uV", gainAduPerUnit: "0.2" }), 10, 15);
  expect(aduPerMv(leadOf("I", { units: "uV", gainAduPerUnit: "0.2" }))).toBe(200);
  expect(inMv).toEqual({ kind: "voltage", mmPerAdu: 0.05, text: "10 mm/mV" });
  expect(inUv).toEqual(inMv);
});

test("a pressure gets a scale of its own that fits the row and is stated", () => {
  const lead = leadOf("ABP", { units: "mmHg", gainAduPerUnit: "20", baselineAdu: -1000 });
  const scale = scaleOf(lead, 10, 20, { min: 600, max: 1400 });
  expect(scale).toMatchObject({ kind: "own", valuePer10Mm: 50, centreValue: 100, text: "10 mm = 50 mmHg" });
  if (scale.kind !== "own") throw new TypeError("expected an own scale");
  expect(scale.mmPerAdu * (1400 - 600)).toBeLessThanOrEqual(20);
  expect(scale.centreAdu).toBe(1000);
});

test("an uncalibrated lead is drawn in adu and says so", () => {
  const scale = scaleOf(leadOf("X", { gainAduPerUnit: "0" }), 10, 20, { min: 0, max: 30 });
  expect(scale).toMatchObject({ kind: "own", unit: "adu", text: "10 mm = 20 adu (uncalibrated)" });
});

test("a lead that needs its range is not scaled before it is known", () => {
  expect(scaleOf(leadOf("ABP", { units: "mmHg" }), 10, 20).kind).toBe("unknown");
});

test("a constant lead has a scale", () => {
  const scale = scaleOf(leadOf("ABP", { units: "mmHg" }), 10, 20, { min: 5, max: 5 });
  expect(scale).toMatchObject({ kind: "own", valuePer10Mm: 1 });
});

test("nice values are 1, 2 or 5 times a power of ten", () => {
  expect([0.011, 0.2, 1, 1.01, 3, 5, 70, 999].map(niceAbove).map((value) => Number(value.toPrecision(6)))).toEqual([
    0.02, 0.2, 1, 2, 5, 5, 100, 1000,
  ]);
  expect([0, -1, Infinity, Number.NaN].map(niceAbove)).toEqual([1, 1, 1, 1]);
});
