import { encode as judge, rfc8949EncodeOptions } from "cborg";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CBOR_ITEMS_MAX,
  concatBytes,
  decodeCanonical,
  decodeCbor,
  decodeFirstCbor,
  encodeCbor,
  fromHex,
  toHex,
  type CborValue,
} from "@pericard/protocol";
import { head } from "../../../vectors/cases/cbor-writer.ts";
import { expectCode } from "./support/expect-code.ts";

/** Source: RFC 8949 appendix A, the rows that are integers, strings, arrays, maps and simple values. */
const RFC8949 = [
  [0, "00"],
  [23, "17"],
  [24, "1818"],
  [255, "18ff"],
  [256, "190100"],
  [1000, "1903e8"],
  [1_000_000, "1a000f4240"],
  [1_000_000_000_000, "1b000000e8d4a51000"],
  [-1, "20"],
  [-10, "29"],
  [-100, "3863"],
  [-1000, "3903e7"],
  [false, "f4"],
  [true, "f5"],
  [null, "f6"],
  [new Uint8Array(0), "40"],
  [Uint8Array.of(1, 2, 3, 4), "4401020304"],
  ["", "60"],
  ["IETF", "6449455446"],
  ["\u00fc", "62c3bc"],
  ["\u6c34", "63e6b0b4"],
  ["\ud800\udd51", "64f0908591"],
  [[], "80"],
  [[1, [2, 3], [4, 5]], "8301820203820405"],
  [new Map<number, number>(), "a0"],
  [
    new Map([
      [1, 2],
      [3, 4],
    ]),
    "a201020304",
  ],
  [
    new Map<number | string, CborValue>([
      ["a", 1],
      ["b", [2, 3]],
    ]),
    "a26161016162820203",
  ],
] as const;

/** Anything that Pericard writes, three levels deep. */
const anyValue = fc.letrec<{ value: CborValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger(),
    fc.uint8Array({ maxLength: 40 }),
    fc.string({ unit: "binary", maxLength: 40 }).filter((text) => text.isWellFormed()),
    fc.array(tie("value"), { maxLength: 30 }),
    fc
      .array(fc.tuple(fc.oneof(fc.integer(), fc.string({ maxLength: 5 })), tie("value")), { maxLength: 5 })
      .map((entries) => new Map(entries)),
  ),
})).value;

const LIMIT = 1 << 20;

describe("deterministic cbor", () => {
  it.each(RFC8949)("writes and reads %j as %s", (value, hex) => {
    expect(toHex(encodeCbor(value))).toBe(hex);
    expect(decodeCanonical(fromHex(hex), LIMIT)).toEqual(value);
  });

  it("has all rows of the table", () => {
    expect(RFC8949).toHaveLength(27);
  });

  it("goes both ways for every value", () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const bytes = encodeCbor(value);
        expect(decodeCanonical(bytes, LIMIT)).toEqual(value);
      }),
    );
  });

  it("writes what another encoder writes", () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(encodeCbor(value)).toEqual(new Uint8Array(judge(value, rfc8949EncodeOptions)));
      }),
    );
  });

  it.each([2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, -(2 ** 53) + 1, 2n ** 53n, 2n ** 64n - 1n, -(2n ** 53n), -(2n ** 64n)])(
    "writes and reads %s as another encoder does",
    (value) => {
      const bytes = encodeCbor(value);
      expect(bytes).toEqual(new Uint8Array(judge(value, rfc8949EncodeOptions)));
      expect(decodeCbor(bytes)).toBe(value);
    },
  );

  it("writes no other number", () => {
    for (const value of [1.5, 2 ** 53, NaN, Infinity]) expect(() => encodeCbor(value)).toThrow(TypeError);
    expect(() => encodeCbor(undefined as never)).toThrow(TypeError);
  });

  it("has one encoding of each value that it reads", () => {
    let accepted = 0;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 8 }), (bytes) => {
        let value: CborValue;
        try {
          value = decodeCanonical(bytes, LIMIT) as CborValue;
        } catch {
          return;
        }
        accepted += 1;
        expect(encodeCbor(value)).toEqual(bytes);
      }),
      { numRuns: 3000 },
    );
    expect(accepted).toBeGreaterThan(20);
  });

  it("orders map keys by their bytes", () => {
    const entries: [number | string, CborValue][] = [
      ["a", 1],
      [-70_000, 2],
      [10, 3],
      [-1, 4],
      [100, 5],
      ["aa", 6],
    ];
    const sorted = "a60a0318640520043a0001116f0261610162616106";
    expect(toHex(encodeCbor(new Map(entries)))).toBe(sorted);
    expect(toHex(encodeCbor(new Map(entries.toReversed())))).toBe(sorted);
  });
});

/** Bytes that say something, but not in the one way; or that say what is never said. */
const REFUSED = [
  ["nothing", ""],
  ["two values", "0000"],
  ["an integer in one byte too many", "1817"],
  ["an integer in 16 bits too many", "1900ff"],
  ["an integer in 32 bits too many", "1a0000ffff"],
  ["an integer in 64 bits too many", "1b00000000ffffffff"],
  ["a negative integer in one byte too many", "3817"],
  ["a byte string length in one byte too many", "580101"],
  ["a text length in one byte too many", "780161"],
  ["an array length in one byte too many", "980101"],
  ["a map length in one byte too many", "b8010101"],
  ["an indefinite byte string", "5f4101ff"],
  ["an indefinite text", "7f6161ff"],
  ["an indefinite array", "9f01ff"],
  ["an indefinite map", "bf0101ff"],
  ["a break alone", "ff"],
  ["a half float", "f93c00"],
  ["a single float", "fa3f800000"],
  ["a double float", "fb3ff0000000000000"],
  ["not a number", "f97e00"],
  ["infinity", "f97c00"],
  ["minus zero", "f98000"],
  ["undefined", "f7"],
  ["an unassigned simple value", "e0"],
  ["a simple value of two bytes", "f8ff"],
  ["false in two bytes", "f814"],
  ["a reserved additional value", "1c"],
  ["a tagged value", "c000"],
  ["self-described cbor", "d9d9f700"],
  ["a bignum", "c24101"],
  ["text that is not utf-8", "61ff"],
  ["text that ends in a character", "62c3"],
  ["text with an overlong character", "62c080"],
  ["text with a surrogate", "63eda080"],
  ["text that replaces to its own length", "63e2a800"],
  ["text with a byte order mark", "64efbbbf61"],
  ["a map that repeats a key", "a201010102"],
  ["a map that repeats a text key", "a2616101616102"],
  ["a map with a float key", "a1f9c40001"],
  ["a byte string cut off", "4401"],
  ["an array cut off", "8201"],
  ["a map cut off after a key", "a101"],
  ["a byte string of 2^32 bytes", "5b0000000100000000"],
  ["a byte string of 2^63 bytes", "5b8000000000000000"],
  ["a text of 2^32 - 1 bytes", "7affffffff"],
  ["an array of 2^32 - 1 items", "9affffffff"],
  ["an array of 2^64 - 1 items", "9bffffffffffffffff"],
  ["a map of 2^64 - 1 entries", "bbffffffffffffffff"],
] as const;

describe("what is not deterministic cbor", () => {
  it.each(REFUSED)("%s is refused", (_, hex) => {
    expectCode(() => decodeCbor(fromHex(hex)), "ERR_CBOR_MALFORMED");
    expectCode(() => decodeCanonical(fromHex(hex), LIMIT), "ERR_CBOR_MALFORMED");
  });

  it("is each row of the table", () => {
    expect(REFUSED).toHaveLength(48);
  });

  it.each([
    ["map in another order", "a202010101"],
    ["map with arrays as keys", "a2810101810202"],
  ])("a %s is refused by decodeCanonical", (_, hex) => {
    expectCode(() => decodeCanonical(fromHex(hex), LIMIT), "ERR_CBOR_MALFORMED");
  });

  it("a value over the limit is refused before it is read", () => {
    expectCode(() => decodeCanonical(new Uint8Array(11), 10), "ERR_LENGTH_LIMIT");
    expect(decodeCanonical(encodeCbor(new Uint8Array(9)), 10)).toEqual(new Uint8Array(9));
  });
});

const items = (count: number): Uint8Array => concatBytes(head(4, count), new Uint8Array(count));

describe("values of many items", () => {
  it(`has at most ${CBOR_ITEMS_MAX} items`, () => {
    expect(decodeCbor(items(CBOR_ITEMS_MAX - 1))).toHaveLength(CBOR_ITEMS_MAX - 1);
    expectCode(() => decodeCbor(items(CBOR_ITEMS_MAX)), "ERR_CBOR_MALFORMED");
  });

  it("has as many as the caller allows", () => {
    expect(decodeCbor(items(5000), 5001)).toHaveLength(5000);
    expectCode(() => decodeCbor(items(5000), 5000), "ERR_CBOR_MALFORMED");
  });

  it("counts the keys of maps", () => {
    expectCode(() => decodeCbor(fromHex("a201020304"), 4), "ERR_CBOR_MALFORMED");
    expect(decodeCbor(fromHex("a201020304"), 5)).toHaveProperty("size", 2);
  });

  it("nested as deep as may be are read and refused without another error", () => {
    const deep = new Uint8Array(CBOR_ITEMS_MAX).fill(0x81);
    deep[CBOR_ITEMS_MAX - 1] = 0;
    expect(decodeCanonical(deep, LIMIT)).toHaveLength(1);
    expectCode(() => decodeCanonical(new Uint8Array(1 << 16).fill(0x81), LIMIT), "ERR_CBOR_MALFORMED");
    expectCode(() => decodeCanonical(new Uint8Array(1 << 16).fill(0xa1), LIMIT), "ERR_CBOR_MALFORMED");
  });

  it.each([
    ["empty arrays", 0x80],
    ["empty maps", 0xa0],
    ["empty byte strings", 0x40],
    ["empty texts", 0x60],
    ["numbers", 0x00],
  ])("of 20 MiB of %s are refused without building them", (_, byte) => {
    const bytes = new Uint8Array(20 * 1024 * 1024).fill(byte);
    bytes.set(head(4, bytes.length - 5));
    const heapBytes = process.memoryUsage().heapUsed;
    expectCode(() => decodeCbor(bytes), "ERR_CBOR_MALFORMED");
    expect(process.memoryUsage().heapUsed - heapBytes).toBeLessThan(16 * 1024 * 1024);
  });
});

describe("decodeFirstCbor", () => {
  it("gives the first value and the bytes after it", () => {
    expect(decodeFirstCbor(fromHex("8201020304"))).toEqual([[1, 2], Uint8Array.of(3, 4)]);
  });

  it("refuses what is no value", () => {
    expectCode(() => decodeFirstCbor(new Uint8Array(0)), "ERR_CBOR_MALFORMED");
    expectCode(() => decodeFirstCbor(fromHex("ff00")), "ERR_CBOR_MALFORMED");
  });
});

describe("bytes that an encoder gives", () => {
  it.each([1, 40, 300, 5000])("are plain and share no memory, for %i bytes of content", (sizeBytes) => {
    const bytes = encodeCbor([new Uint8Array(sizeBytes), sizeBytes]);
    expect(bytes.constructor).toBe(Uint8Array);
    expect(bytes.buffer.byteLength).toBe(bytes.length);
  });
});

describe("bytes given to a decoder", () => {
  it("are copied, also from a Buffer", () => {
    for (const given of [fromHex("43010203"), Buffer.from("43010203", "hex")]) {
      const value = decodeCbor(given) as Uint8Array;
      given.fill(0xff);
      expect(value).toEqual(Uint8Array.of(1, 2, 3));
      expect(value.constructor).toBe(Uint8Array);
    }
  });

  it("may be a part of a larger memory", () => {
    const memory = fromHex("ffff43010203ff");
    expect(decodeCbor(memory.subarray(2, 6))).toEqual(Uint8Array.of(1, 2, 3));
  });
});
