import { createPleth, createSynthesiser } from "@pericard/ecg";
import { describe, expect, it } from "vitest";

/** Frames at which samples pass a level upwards. */
function risesOf(samples: Int32Array, level: number): readonly number[] {
  return [...samples.keys()].filter((i) => i > 0 && (samples[i - 1] ?? 0) < level && (samples[i] ?? 0) >= level);
}

describe("a synthetic pleth", () => {
  it("is the same for the same seed, whatever is asked for before", () => {
    const [whole = new Int32Array(0)] = createPleth({ seed: 3 }).block(0, 2000).leads;
    const again = createPleth({ seed: 3 });
    for (const [from, count] of [
      [1500, 500],
      [0, 1],
      [700, 33],
    ] as const) {
      expect(again.block(from, count).leads[0]).toEqual(whole.subarray(from, from + count));
    }
    expect(createPleth({ seed: 4 }).block(0, 2000).leads[0]).not.toEqual(whole);
  });

  it("has a pulse for each beat of the ECG of that seed, a little after it", () => {
    const options = { seed: 7, heartRateBpm: 66 };
    const seconds = 120;
    const [pleth = new Int32Array(0)] = createPleth(options).block(0, 125 * seconds).leads;
    const lead = createSynthesiser({ ...options, noiseUv: 0, wanderUv: 0 }).block(0, 500 * seconds).leads[1];
    const pulses = risesOf(pleth, 7000).map((frame) => frame / 125);
    const beats = risesOf(lead ?? new Int32Array(0), 500).map((frame) => frame / 500);
    expect(Math.abs(pulses.length - beats.length)).toBeLessThanOrEqual(1);
    const delays = pulses.slice(1).map((pulse) => pulse - Math.max(...beats.filter((beat) => beat < pulse)));
    expect(Math.min(...delays)).toBeGreaterThan(0.05);
    expect(Math.max(...delays) - Math.min(...delays)).toBeLessThan(0.1);
  });

  it("stays within its lead's converter and never is the missing code", () => {
    const { format, block } = createPleth({ seed: 1, heartRateBpm: 180, sampleRateHz: 1000 });
    const [samples = new Int32Array(0)] = block(0, 10_000).leads;
    expect(format.leads).toMatchObject([{ name: "MDC_PULS_OXIM_PLETH", units: "1", gainAduPerUnit: "10000" }]);
    expect(Math.min(...samples)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...samples)).toBeLessThan(32_768);
  });

  it.each([{ seed: -1 }, { seed: 1.5 }, { seed: 1, sampleRateHz: 24 }, { seed: 1, heartRateBpm: 10 }])(
    "is not made of %j",
    (options) => expect(() => createPleth(options)).toThrow(RangeError),
  );
});
