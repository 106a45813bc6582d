import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decimalNumber, decimalText, parseDecimal } from "@pericard/protocol";

describe("a decimal", () => {
  it.each([
    ["36.60", 3660, -2],
    ["0", 0, 0],
    ["-0.0", 0, -1],
    ["-12", -12, 0],
    ["0.005", 5, -3],
    ["1e3", 1, 3],
    ["1.25e-2", 125, -4],
    ["1.5E+2", 15, 1],
    ["9007199254740991", Number.MAX_SAFE_INTEGER, 0],
  ])("is read from %s", (text, mantissa, exponent) => {
    expect(parseDecimal(text)).toEqual({ mantissa, exponent });
  });

  it.each(["", "-", ".5", "5.", "+5", "1,5", " 1", "1 ", "0x10", "NaN", "Infinity", "1e", "9007199254740992", "1e13"])(
    "is not read from '%s'",
    (text) => expect(parseDecimal(text)).toBeUndefined(),
  );

  it.each(["0.0000000000001", "1e9999", "1".repeat(41)])("that is too long or small is refused: %s", (text) => {
    expect(parseDecimal(text)).toBeUndefined();
  });

  it("keeps its digits both ways", () => {
    const decimal = fc.record({ mantissa: fc.maxSafeInteger(), exponent: fc.integer({ min: -12, max: 0 }) });
    fc.assert(
      fc.property(decimal, (value) => {
        expect(parseDecimal(decimalText(value))).toEqual(value);
      }),
    );
  });

  it("is written in digits also with an exponent above 0", () => {
    expect(decimalText({ mantissa: -15, exponent: 3 })).toBe("-15000");
    expect(decimalText({ mantissa: 0, exponent: 12 })).toBe("0");
  });

  it("is a number for comparing", () => {
    expect(decimalNumber({ mantissa: 3660, exponent: -2 })).toBe(36.6);
  });
});
