import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { assertWaveformFormat, createSynthesiser, encodeLeadResidual } from "../src/index.ts";

const NAMES = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"];

/** Ten seconds without noise and wander: extremes of each lead in adu (µV). */
function cleanExtremes(): Record<string, { max: number; min: number }> {
  const { leads } = createSynthesiser({ seed: 1, noiseUv: 0, wanderUv: 0 }).block(0, 5000);
  return Object.fromEntries(
    NAMES.map((name, i) => [name, { max: Math.max(...(leads[i] ?? [])), min: Math.min(...(leads[i] ?? [])) }]),
  );
}

function laterBlock(seed: number): Int32Array[] {
  return [...createSynthesiser({ seed }).block(7_000_000, 500).leads];
}

describe("createSynthesiser", () => {
  test("any cut into blocks gives the same samples, in any order", () => {
    const whole = createSynthesiser({ seed: 42 }).block(0, 2000);
    const other = createSynthesiser({ seed: 42 });
    fc.assert(
      fc.property(fc.nat(1999), fc.nat(700), (first, length) => {
        const count = Math.min(length, 2000 - first);
        const part = other.block(first, count);
        expect(part.leads).toEqual(whole.leads.map((lead) => lead.slice(first, first + count)));
      }),
    );
  });

  test("another seed gives other samples, the same one the same", () => {
    expect(laterBlock(1)).toEqual(laterBlock(1));
    expect(laterBlock(1)).not.toEqual(laterBlock(2));
  });

  test("samples stay what they were when this test was written", () => {
    const { leads } = createSynthesiser({ seed: 2018 }).block(43_200_000, 4);
    expect(leads.map((lead) => [...lead])).toMatchInlineSnapshot(`
      [
        [
          -52,
          -38,
          -43,
          -55,
        ],
        [
          6,
          10,
          8,
          15,
        ],
        [
          58,
          48,
          51,
          70,
        ],
        [
          23,
          14,
          18,
          20,
        ],
        [
          -55,
          -43,
          -47,
          -62,
        ],
        [
          32,
          29,
          30,
          43,
        ],
        [
          29,
          26,
          25,
          25,
        ],
        [
          -3,
          -5,
          -12,
          -12,
        ],
        [
          -77,
          -68,
          -70,
          -70,
        ],
        [
          -78,
          -79,
          -71,
          -80,
        ],
        [
          -67,
          -76,
          -66,
          -67,
        ],
        [
          -55,
          -47,
          -36,
          -42,
        ],
      ]
    `);
  });

  test("a day later the rhythm goes on", () => {
    const { leads } = createSynthesiser({ seed: 3, noiseUv: 0, wanderUv: 0, heartRateBpm: 60 }).block(
      43_200_000,
      30_000,
    );
    const lead = leads[1] ?? new Int32Array(0);
    const beats = lead.reduce((count, value, i) => count + (value > 700 && (lead[i - 1] ?? 0) <= 700 ? 1 : 0), 0);
    expect(beats).toBeGreaterThanOrEqual(57);
    expect(beats).toBeLessThanOrEqual(63);
  });

  test("looks like a normal sinus rhythm: upright in I, II, V4 to V6, negative in aVR, R growing from V1 to V4", () => {
    const extremes = cleanExtremes();
    const of = (name: string): { max: number; min: number } => extremes[name] ?? { max: 0, min: 0 };
    for (const name of ["I", "II", "V4", "V5", "V6"]) expect(of(name).max, name).toBeGreaterThan(2 * -of(name).min);
    expect(-of("aVR").min).toBeGreaterThan(4 * of("aVR").max);
    const progression = ["V1", "V2", "V3", "V4"].map((name) => of(name).max);
    expect(progression).toEqual([...progression].sort((a, b) => a - b));
    expect(-of("V1").min).toBeGreaterThan(of("V1").max);
    for (const name of NAMES) expect(Math.max(of(name).max, -of(name).min), name).toBeLessThan(2500);
  });

  test("limb leads follow exactly, so that the codec stores nothing for them", () => {
    const { leads } = createSynthesiser({ seed: 9 }).block(0, 5000);
    const eight = leads.filter((_, i) => i < 2 || i > 5);
    const names = NAMES.filter((_, i) => i < 2 || i > 5);
    expect(encodeLeadResidual(leads, NAMES).length - encodeLeadResidual(eight, names).length).toBeLessThan(60);
  });

  test("has a valid format and never says 'missing'", () => {
    const loud = createSynthesiser({ seed: 1, noiseUv: 1000, wanderUv: 5000, gainAduPerMv: 10_000 });
    expect(() => assertWaveformFormat(loud.format)).not.toThrow();
    expect(loud.format.leads.map((lead) => lead.name)).toEqual(NAMES);
    for (const lead of loud.block(0, 5000).leads) expect(Math.min(...lead)).toBeGreaterThan(-32768);
  });

  test.each([
    { seed: -1 },
    { seed: 2 ** 32 },
    { seed: 0.5 },
    { seed: 1, sampleRateHz: 49 },
    { seed: 1, heartRateBpm: 221 },
    { seed: 1, heartRateDeviationBpm: 13 },
    { seed: 1, noiseUv: Number.NaN },
    { seed: 1, wanderUv: -1 },
    { seed: 1, gainAduPerMv: 0 },
  ])("refuses %o", (options) => {
    expect(() => createSynthesiser(options)).toThrow(RangeError);
  });

  test("refuses blocks out of range", () => {
    const synthesiser = createSynthesiser({ seed: 1 });
    expect(() => synthesiser.block(-1, 1)).toThrow(RangeError);
    expect(() => synthesiser.block(0, 1_048_577)).toThrow(RangeError);
    expect(synthesiser.block(0, 0).leads).toHaveLength(12);
  });
});
