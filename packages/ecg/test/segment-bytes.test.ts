import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BYTE_CODEC_NAMES, DECODE_LIMITS, EcgError, getSegmentCodec } from "../src/index.ts";

const sample = fc.oneof(
  fc.integer({ min: -2147483648, max: 2147483647 }),
  fc.integer({ min: -32768, max: 32767 }),
  fc.constantFrom(-2147483648, 2147483647, -32768, 32767, -32769, 32768, 0),
);
const names = (leads: readonly unknown[]): string[] => leads.map((_, index) => `lead ${index}`);

describe.each(BYTE_CODEC_NAMES)("segments under %s", (name) => {
  const codec = getSegmentCodec(name);

  test("give back any int32 leads of any lengths", () => {
    fc.assert(
      fc.property(fc.array(fc.array(sample, { maxLength: 120 }), { minLength: 1, maxLength: 14 }), (values) => {
        const leads = values.map((lead) => Int32Array.from(lead));
        const encoded = codec.encode(leads, names(leads));
        const sampleCountMax = leads.reduce((sum, lead) => sum + lead.length, 0);
        expect(codec.decode(encoded, { leadCountMax: leads.length, sampleCountMax })).toEqual(leads);
      }),
      { numRuns: 150 },
    );
  });

  test("give back missing-sample codes and leads of several rates", () => {
    const ecg = Int32Array.from({ length: 400 }, (_, i) => (i % 7 === 0 ? -32768 : i * 3));
    const pleth = Int32Array.from({ length: 100 }, (_, i) => (i % 5 === 0 ? -2147483648 : i));
    const leads = [ecg, pleth, new Int32Array(0)];
    expect(codec.decode(codec.encode(leads, names(leads)), DECODE_LIMITS)).toEqual(leads);
  });

  test("meet edits with typed errors within limits", () => {
    const leads = [Int32Array.from({ length: 300 }, (_, i) => i * i), Int32Array.from({ length: 150 }, (_, i) => -i)];
    const encoded = codec.encode(leads, names(leads));
    const limits = { leadCountMax: 4, sampleCountMax: 2000 };
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }), (changes) => {
        const edited = encoded.slice();
        for (const [at, value] of changes) edited[at % Math.min(edited.length, 40)] = value;
        try {
          const decoded = codec.decode(edited, limits);
          expect(decoded.reduce((sum, lead) => sum + lead.length, 0)).toBeLessThanOrEqual(2000);
        } catch (error) {
          expect(error).toBeInstanceOf(EcgError);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("take two bytes a sample where all fit, four otherwise", () => {
    const narrow = codec.encode([Int32Array.of(-32768, 32767)], ["I"]);
    const wide = codec.encode([Int32Array.of(-32768, 32768)], ["I"]);
    expect([narrow[2], wide[2]]).toEqual([2, 4]);
  });

  test("refuse no leads and 65 leads", () => {
    const leads = Array.from({ length: 65 }, () => new Int32Array(1));
    expect(() => codec.encode([], [])).toThrow(RangeError);
    expect(() => codec.encode(leads, names(leads))).toThrow(RangeError);
  });
});

describe("heads of segment streams", () => {
  const limits = { leadCountMax: 2, sampleCountMax: 10 };
  const refused: readonly (readonly [string, string, string, readonly number[]])[] = [
    ["another version", "version is 2", "ERR_CODEC_MALFORMED", [2, 1, 2, 0]],
    ["no leads", "no leads", "ERR_CODEC_MALFORMED", [1, 0, 2]],
    ["more leads than allowed", "has 3 leads", "ERR_CODEC_LIMIT", [1, 3, 2, 0, 0, 0]],
    ["samples of three bytes", "another size", "ERR_CODEC_MALFORMED", [1, 1, 3, 0]],
    ["more samples than allowed", "more samples", "ERR_CODEC_LIMIT", [1, 2, 2, 6, 5]],
    ["2^32 - 1 samples", "more samples", "ERR_CODEC_LIMIT", [1, 1, 4, 0xff, 0xff, 0xff, 0xff, 0xf]],
    ["contents of fewer bytes", "samples that it states", "ERR_CODEC_MALFORMED", [1, 1, 2, 2, 1, 2, 4, 7, 7]],
    ["contents of more bytes", "allowed are 2", "ERR_CODEC_LIMIT", [1, 1, 2, 1, 1, 4, 8, 7, 7, 7, 7]],
    ["no contents", "inside its header", "ERR_CODEC_MALFORMED", [1, 1, 2, 1]],
  ];

  test.each(refused)("%s is refused", (_, message, code, bytes) => {
    const decode = (): unknown => getSegmentCodec("dedup").decode(Uint8Array.from(bytes), limits);
    expect(decode).toThrow(message);
    expect(decode).toThrow(expect.objectContaining({ code }));
  });
});
