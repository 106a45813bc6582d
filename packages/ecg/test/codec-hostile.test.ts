import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSynthesiser, decodeLeadResidual, EcgError, encodeLeadResidual } from "../src/index.ts";
import { referenceDecode } from "./codec-reference.ts";

const LIMITS = { leadCountMax: 16, sampleCountMax: 5_000 };
const NAMES = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2"];

/** Streams with every kind of lead: predicted with and without reference, limb, palette, empty. */
function sampleStreams(): Uint8Array[] {
  const { leads } = createSynthesiser({ seed: 5, sampleRateHz: 100 }).block(0, 120);
  const coarse = (leads[6] ?? new Int32Array(0)).map((value) => value * 9);
  const wide = (leads[7] ?? new Int32Array(0)).map((value) => value * 70_000);
  return [
    encodeLeadResidual(leads.slice(0, 8), NAMES),
    encodeLeadResidual([coarse, new Int32Array(0), wide], ["V1", "V2", "V3"]),
    encodeLeadResidual([Int32Array.from({ length: 200 }, (_, k) => 9 * ((k * k) % 12))], ["V1"]),
    encodeLeadResidual([Int32Array.of(5)], ["I"]),
    encodeLeadResidual([new Int32Array(0)], ["I"]),
  ];
}

/** Decodes hostile bytes by both decoders: either both give the same samples, or both refuse, the fast one with its own error. */
function decodeBoth(bytes: Uint8Array): "decoded" | "refused" {
  let fast: Int32Array[] | undefined;
  try {
    fast = decodeLeadResidual(bytes, LIMITS);
  } catch (error) {
    expect(error).toBeInstanceOf(EcgError);
    expect(["ERR_CODEC_MALFORMED", "ERR_CODEC_LIMIT"]).toContain((error as EcgError).code);
  }
  if (fast === undefined) {
    expect(() => referenceDecode(bytes, LIMITS.sampleCountMax)).toThrow("refused");
    return "refused";
  }
  expect(fast.reduce((sum, lead) => sum + lead.length, 0)).toBeLessThanOrEqual(LIMITS.sampleCountMax);
  expect(referenceDecode(bytes, LIMITS.sampleCountMax)).toEqual(fast.map((lead) => [...lead]));
  return "decoded";
}

describe("hostile streams", () => {
  const streams = sampleStreams();

  test("every truncation is refused", () => {
    let cases = 0;
    for (const bytes of streams) {
      for (let length = 0; length < bytes.length; length++, cases++) {
        expect(decodeBoth(bytes.subarray(0, length)), `first ${length} bytes`).toBe("refused");
      }
    }
    expect(cases).toBeGreaterThan(500);
  });

  test("every appended byte is refused", () => {
    for (const bytes of streams) {
      for (let extra = 0; extra < 256; extra++) {
        expect(() => decodeLeadResidual(Uint8Array.of(...bytes, extra), LIMITS)).toThrow(EcgError);
      }
    }
  });

  test("an inserted byte anywhere is treated alike by both decoders, and refused before the bit stream", () => {
    for (const bytes of streams) {
      for (let at = 0; at <= bytes.length; at++) {
        for (const value of [0, 1, 0x80, 0xff]) {
          decodeBoth(Uint8Array.of(...bytes.subarray(0, at), value, ...bytes.subarray(at)));
        }
      }
    }
  });

  test("every flipped bit decodes to something within limits or is refused, by both decoders alike", () => {
    let cases = 0;
    for (const bytes of streams) {
      for (let bit = 0; bit < bytes.length * 8; bit++, cases++) {
        const flipped = bytes.slice();
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        decodeBoth(flipped);
      }
    }
    expect(cases).toBeGreaterThan(5_000);
  });

  test("arbitrary bytes and arbitrary edits never escape typed errors", () => {
    const edits = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.constantFrom(...streams), edits, (bytes, changes) => {
        const edited = bytes.slice();
        for (const [at, value] of changes) edited[at % edited.length] = value;
        decodeBoth(edited);
      }),
      { numRuns: 1_500 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (tail) => {
        decodeBoth(Uint8Array.of(1, ...tail));
        decodeBoth(tail);
      }),
      { numRuns: 3_000 },
    );
  });
});

describe("limits", () => {
  test("the number of samples is refused before anything is allocated", () => {
    const bytes = Uint8Array.of(1, 1, 0x21, 0xff, 0xff, 0xff, 0xff, 0x0f, 0);
    expect(() => decodeLeadResidual(bytes)).toThrow(expect.objectContaining({ code: "ERR_CODEC_LIMIT" }));
  });

  test("samples are counted over all leads", () => {
    const bytes = encodeLeadResidual([new Int32Array(60), new Int32Array(40)], ["I", "II"]);
    expect(decodeLeadResidual(bytes, { leadCountMax: 2, sampleCountMax: 100 })).toHaveLength(2);
    const tooMany = (): unknown => decodeLeadResidual(bytes, { leadCountMax: 2, sampleCountMax: 99 });
    expect(tooMany).toThrow(expect.objectContaining({ code: "ERR_CODEC_LIMIT" }));
  });

  test("leads beyond the limit are refused", () => {
    const bytes = encodeLeadResidual([new Int32Array(1), new Int32Array(1)], ["I", "II"]);
    const tooMany = (): unknown => decodeLeadResidual(bytes, { leadCountMax: 1, sampleCountMax: 99 });
    expect(tooMany).toThrow(expect.objectContaining({ code: "ERR_CODEC_LIMIT" }));
  });

  test.each<[string, string, number[]]>([
    ["a palette larger than its lead", "palette larger than its lead", [0x30, 3, 0, 3, 0]],
    ["an integer beyond 32 bits", "malformed integer", [0x20, 0xff, 0xff, 0xff, 0xff, 0x1f, 0]],
    ["an integer of six bytes", "malformed integer", [0x20, 0x80, 0x80, 0x80, 0x80, 0x80, 0]],
    ["a first lead without a length", "no length for its first lead", [0x00]],
    ["an unknown predictor", "unknown predictor", [0x26, 1, 0]],
    ["an unknown limb lead", "limb lead of unknown kind", [0x64, 1, 0, 0]],
  ])("%s is refused", (_, message, entry) => {
    expect(() => decodeLeadResidual(Uint8Array.of(1, 1, ...entry))).toThrow(message);
  });

  test("a rank outside its palette is refused", () => {
    const bytes = sampleStreams()[2] ?? new Uint8Array(0);
    expect((bytes[2] ?? 0) & 0x10).toBe(0x10);
    const seedAt = 7;
    const shifted = bytes.with(seedAt, (bytes[seedAt] ?? 0) + 40);
    expect(() => decodeLeadResidual(shifted)).toThrow("rank is not in its palette");
  });

  test("a last byte of zero lacks the end mark", () => {
    const bytes = encodeLeadResidual([Int32Array.of(1, 2, 3)], ["I"]);
    expect(() => decodeLeadResidual(bytes.with(bytes.length - 1, 0))).toThrow("lacks its end mark");
  });

  test("an unknown version is refused by name", () => {
    expect(() => decodeLeadResidual(Uint8Array.of(2, 1, 0x20, 0))).toThrow("version is 2, known is 1");
  });
});
