import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DECODE_LIMITS, decodeLeadResidual, EcgError, encodeLeadResidual, getSegmentCodec } from "../src/index.ts";
import { referenceDecode } from "./codec-reference.ts";

const TWELVE = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"];

/** A deterministic random walk; `step` sets how far it moves and `grid` makes it sparse. */
function walk(length: number, seed: number, step: number, grid: number): Int32Array {
  const lead = new Int32Array(length);
  let state = seed | 1;
  let value = 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    value += (state >> 16) % (step + 1);
    lead[i] = value * grid;
  }
  return lead;
}

function twelveLeads(length: number, follow: (i: number, ii: number, limb: number) => number): Int32Array[] {
  const first = walk(length, 3, 9, 1);
  const second = walk(length, 5, 12, 1);
  const limbs = [0, 1, 2, 3].map((limb) => first.map((i, k) => follow(i, second[k] ?? 0, limb)));
  return [first, second, ...limbs, ...[7, 11, 13, 17, 19, 23].map((seed) => walk(length, seed, 20, 1))];
}

const followExactly = (i: number, ii: number, limb: number): number =>
  [ii - i, -((i + ii) >> 1), i - (ii >> 1), ii - (i >> 1)][limb] ?? 0;

function expectRoundTrip(leads: Int32Array[], names: string[]): Uint8Array {
  const before = leads.map((lead) => lead.slice());
  const bytes = encodeLeadResidual(leads, names);
  expect(leads).toEqual(before);
  expect(decodeLeadResidual(bytes)).toEqual(leads);
  expect(referenceDecode(bytes, DECODE_LIMITS.sampleCountMax)).toEqual(leads.map((lead) => [...lead]));
  return bytes;
}

describe("round trip", () => {
  const sample = fc.oneof(
    fc.integer({ min: -2147483648, max: 2147483647 }),
    fc.integer({ min: -40, max: 40 }),
    fc.constantFrom(-2147483648, 2147483647, 0, -32768, 32767),
  );
  const lead = fc.oneof(
    fc.array(sample, { maxLength: 200 }),
    fc.tuple(fc.nat(300), fc.nat(), fc.nat(400), fc.integer({ min: 1, max: 70 })).map((args) => [...walk(...args)]),
  );
  const named = fc.tuple(lead, fc.constantFrom(...TWELVE, "i", "AVL", "MLII", "PLETH", ""));

  test("gives back any int32 leads of any lengths under any names", () => {
    fc.assert(
      fc.property(fc.array(named, { minLength: 1, maxLength: 14 }), (pairs) => {
        expectRoundTrip(
          pairs.map(([samples]) => Int32Array.from(samples)),
          pairs.map(([, name]) => name),
        );
      }),
      { numRuns: 300 },
    );
  });

  test("gives back twelve leads of equal length with arbitrary limb leads", () => {
    const twelve = fc
      .nat(120)
      .chain((n) => fc.array(fc.array(sample, { minLength: n, maxLength: n }), { minLength: 12, maxLength: 12 }));
    fc.assert(
      fc.property(twelve, (leads) => {
        expectRoundTrip(
          leads.map((samples) => Int32Array.from(samples)),
          TWELVE,
        );
      }),
      { numRuns: 100 },
    );
  });

  test.each([0, 1, 2, 3, 50, 51, 52, 53, 383, 384, 1000])("gives back %i samples per lead", (length) => {
    expectRoundTrip(twelveLeads(length, followExactly), TWELVE);
  });

  test("gives back 64 leads, and refuses 65, none, and a missing name", () => {
    const leads = Array.from({ length: 64 }, (_, k) => walk(20, k, 5, 1));
    expectRoundTrip(
      leads,
      leads.map(() => "x"),
    );
    expect(() =>
      encodeLeadResidual(
        [...leads, new Int32Array(1)],
        Array.from({ length: 65 }, () => "x"),
      ),
    ).toThrow(RangeError);
    expect(() => encodeLeadResidual([], [])).toThrow(RangeError);
    expect(() => encodeLeadResidual([new Int32Array(1)], [])).toThrow(RangeError);
  });

  test("is deterministic", () => {
    const leads = twelveLeads(500, followExactly);
    expect(encodeLeadResidual(leads, TWELVE)).toEqual(encodeLeadResidual(leads, TWELVE));
  });
});

describe("what makes it small", () => {
  test("limb leads that follow exactly cost almost nothing", () => {
    const following = twelveLeads(5000, followExactly);
    const alone = following.filter((_, index) => index < 2 || index > 5);
    const names = TWELVE.filter((_, index) => index < 2 || index > 5);
    const extra = expectRoundTrip(following, TWELVE).length - encodeLeadResidual(alone, names).length;
    expect(extra).toBeLessThan(40);
  });

  test("limb leads that do not follow cost no more than under other names", () => {
    const leads = twelveLeads(5000, (i, ii, limb) => 3 * ii + limb * (i % 7));
    const other = leads.map((_, index) => `lead ${index}`);
    const named = expectRoundTrip(leads, TWELVE).length;
    expect(named).toBeLessThanOrEqual(encodeLeadResidual(leads, other).length * 1.001);
  });

  test("a lead in steps of 7 adu costs hardly more than the same lead in steps of 1", () => {
    const coarse = expectRoundTrip([walk(5000, 9, 6, 7)], ["V1"]).length;
    const fine = encodeLeadResidual([walk(5000, 9, 6, 1)], ["V1"]).length;
    expect(coarse).toBeLessThan(fine * 1.05);
  });

  test.each([1, 9, -1, 70_000, -70_000, 2_147_483_647, -2_147_483_648])(
    "a lead in steps with %i as one value far off, between those that are looked at first, is exact",
    (outlier) => {
      for (const base of [0, -2_147_483_648, 2_147_483_647 - 9 * 40]) {
        const lead = Int32Array.from({ length: 700 }, (_, k) => (k === 603 ? outlier : base + 9 * ((k * k) % 40)));
        expectRoundTrip([lead], ["V1"]);
      }
    },
  );

  test("a copy of the lead before costs almost nothing", () => {
    const lead = walk(5000, 9, 60, 1);
    const one = encodeLeadResidual([lead], ["V1"]).length;
    expect(expectRoundTrip([lead, lead], ["V1", "V2"]).length - one).toBeLessThan(100);
  });

  test("constant leads cost a few dozen bytes", () => {
    const leads = TWELVE.map(() => new Int32Array(5000).fill(-32768));
    expect(expectRoundTrip(leads, TWELVE).length).toBeLessThan(120);
  });
});

describe("registry", () => {
  test("finds the codec by its name on the wire", () => {
    const codec = getSegmentCodec("lead-residual");
    const leads = [walk(100, 1, 5, 1)];
    expect(codec.decode(codec.encode(leads, ["I"]), DECODE_LIMITS)).toEqual(leads);
  });

  test.each(["", "flac", "toString", "__proto__"])("refuses the unknown name '%s'", (name) => {
    expect(() => getSegmentCodec(name)).toThrow(expect.objectContaining({ code: "ERR_CODEC_UNKNOWN" }));
    expect(() => getSegmentCodec(name)).toThrow(EcgError);
  });
});
