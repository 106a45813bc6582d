import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  assertBlockShape,
  assertWaveformFormat,
  decimalFromRational,
  deinterleave,
  EcgError,
  interleave,
  isMillivolt,
  physicalFromDigital,
  rational,
  rationalFromDecimal,
  type Lead,
  type WaveformFormat,
} from "../src/index.ts";

const LEAD: Lead = {
  name: "II",
  units: "mV",
  gainAduPerUnit: "1.052e+04",
  baselineAdu: -161_790,
  samplesPerFrame: 4,
  skewFrames: 3,
  adcResolutionBits: 12,
  adcZeroAdu: 1024,
  missingCode: -2048,
};

function formatWith(change: Partial<Lead>): WaveformFormat {
  return { frameRateHz: { num: 360, den: 1 }, leads: [{ ...LEAD, ...change }] };
}

describe("assertWaveformFormat", () => {
  test("takes the oddest lead of the data set", () => {
    expect(() => assertWaveformFormat(formatWith({}))).not.toThrow();
  });

  test.each<[string, Partial<Lead>]>([
    ["empty name", { name: "" }],
    ["name of 65 characters", { name: "x".repeat(65) }],
    ["name with a line break", { name: "I\nII" }],
    ["units with a space", { units: "m V" }],
    ["gain zero", { gainAduPerUnit: "0.0" }],
    ["gain that is no number", { gainAduPerUnit: "200(0)" }],
    ["gain Infinity", { gainAduPerUnit: "1e999" }],
    ["baseline beyond int32", { baselineAdu: 2 ** 31 }],
    ["baseline not whole", { baselineAdu: 0.5 }],
    ["no samples per frame", { samplesPerFrame: 0 }],
    ["65 samples per frame", { samplesPerFrame: 65 }],
    ["negative skew", { skewFrames: -1 }],
    ["33 bits", { adcResolutionBits: 33 }],
    ["missing code NaN", { missingCode: Number.NaN }],
  ])("refuses %s", (_, change) => {
    expect(() => assertWaveformFormat(formatWith(change))).toThrow(
      expect.objectContaining({ name: "EcgError", code: "ERR_WAVEFORM_FORMAT" }),
    );
  });

  test("refuses 0 and 65 leads, and rates that are zero, unreduced or too high", () => {
    const leads = [LEAD];
    for (const count of [0, 65]) {
      const many = Array.from({ length: count }, () => LEAD);
      expect(() => assertWaveformFormat({ frameRateHz: { num: 1, den: 1 }, leads: many })).toThrow(EcgError);
    }
    for (const frameRateHz of [
      { num: 0, den: 1 },
      { num: 2, den: 4 },
      { num: 1_000_001, den: 1 },
      { num: 1.5, den: 1 },
    ]) {
      expect(() => assertWaveformFormat({ frameRateHz, leads })).toThrow(EcgError);
    }
  });
});

test("assertBlockShape counts samples per frame", () => {
  expect(() => assertBlockShape(formatWith({}), { frameCount: 2, leads: [new Int32Array(8)] })).not.toThrow();
  for (const leads of [[new Int32Array(7)], [], [new Int32Array(8), new Int32Array(8)]]) {
    expect(() => assertBlockShape(formatWith({}), { frameCount: 2, leads })).toThrow("does not have the shape");
  }
});

test("physical values: gain, baseline, and missing samples as NaN", () => {
  const lead = { ...LEAD, gainAduPerUnit: "200", baselineAdu: 1024 };
  expect([...physicalFromDigital(lead, Int32Array.of(1024, 1224, 924, -2048))]).toEqual([0, 1, -0.5, Number.NaN]);
  expect([isMillivolt("mv"), isMillivolt("mV"), isMillivolt("uV")]).toEqual([true, true, false]);
});

describe("rational", () => {
  test.each<[string, number, number]>([
    ["62.4725", 24_989, 400],
    ["360", 360, 1],
    ["360.0", 360, 1],
    ["360.", 360, 1],
    [".5", 1, 2],
    ["3.6e2", 360, 1],
    ["1E-3", 1, 1000],
    ["999.56", 24_989, 25],
  ])("reads %s exactly", (text, num, den) => {
    expect(rationalFromDecimal(text)).toEqual({ num, den });
  });

  test.each(["", ".", "0", "-1", "1e99", "1e-99", "NaN", "0x10", "1_0", "1".repeat(33), "9".repeat(20)])(
    "refuses '%s'",
    (text) => {
      expect(rationalFromDecimal(text)).toBeUndefined();
    },
  );

  test("decimal text goes there and back", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), fc.nat(6), (digits, places) => {
        const value = rational(digits, 10 ** places);
        expect(rationalFromDecimal(decimalFromRational(value))).toEqual(value);
      }),
    );
    expect(decimalFromRational({ num: 1000, den: 3 })).toBe("333.333333333333");
    expect(() => rational(0, 1)).toThrow(RangeError);
  });
});

test("interleave and deinterleave are inverse for any samples per frame", () => {
  const shape = fc.tuple(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 6 }), fc.nat(20));
  fc.assert(
    fc.property(shape, ([perFrame, frames]) => {
      const leads = perFrame.map((count, index) =>
        Int32Array.from({ length: count * frames }, (_, k) => 1000 * index + k),
      );
      expect(deinterleave(interleave(leads, perFrame), perFrame)).toEqual(leads);
    }),
  );
  expect([...interleave([Int32Array.of(1, 2, 3, 4), Int32Array.of(9, 8)], [2, 1])]).toEqual([1, 2, 9, 3, 4, 8]);
});
