import { describe, expect, it } from "vitest";
import {
  findMeasurement,
  isImplausible,
  isUnitOf,
  leadCode,
  leadUnit,
  MEASUREMENTS,
  readObservationCode,
  readUnit,
} from "@pericard/protocol";

const value = (mantissa: number, exponent = 0) => ({ mantissa, exponent });

describe("the vocabulary", () => {
  it("has codes and units that the format carries, each code once", () => {
    const codes = MEASUREMENTS.flatMap((one) => one.codes);
    for (const code of codes) expect(readObservationCode(code)).toBe(code);
    for (const { unit, min, max } of MEASUREMENTS.flatMap((one) => one.units)) {
      expect(readUnit(unit)).toBe(unit);
      expect(min).toBeLessThan(max);
    }
    expect(new Set(codes).size).toBe(codes.length);
    expect(codes.length).toBeGreaterThan(25);
  });

  it("has LOINC numbers whose check digit is right", () => {
    const numbers = MEASUREMENTS.flatMap((one) => one.codes).filter((code) => code.includes("-"));
    for (const code of numbers) {
      const [digits = "", check] = code.split("-");
      const sum = [...digits]
        .toReversed()
        .map((digit, i) => (i % 2 === 0 ? 2 * Number(digit) : Number(digit)))
        .reduce((total, one) => total + (one > 9 ? one - 9 : one), 0);
      expect([code, String((10 - (sum % 10)) % 10)]).toEqual([code, check]);
    }
    expect(numbers.length).toBeGreaterThan(12);
  });

  it("knows a measurement by either code", () => {
    expect(findMeasurement("8480-6")).toBe(findMeasurement("MDC_PRESS_BLD_NONINV_SYS"));
    expect(findMeasurement("8480-6")?.name).toBe("systolic blood pressure");
    expect(findMeasurement("1-8")).toBeUndefined();
  });

  it("lets a code have its own units alone, and an unknown code any", () => {
    expect(isUnitOf("8480-6", "mm[Hg]")).toBe(true);
    expect(isUnitOf("8480-6", "mmHg")).toBe(false);
    expect(isUnitOf("2339-0", "mmol/L")).toBe(false);
    expect(isUnitOf("MDCX_ACME_STEPS", "{steps}")).toBe(true);
  });

  it.each([
    ["59408-5", "%", value(98), false],
    ["59408-5", "%", value(101), true],
    ["59408-5", "%", value(-98), true],
    ["8310-5", "Cel", value(3660, -2), false],
    ["8310-5", "Cel", value(366), true],
    ["8310-5", "[degF]", value(979, -1), false],
    ["29463-7", "kg", value(0), true],
    ["29463-7", "lb", value(70), true],
    ["1-8", "?", value(-5, 12), false],
  ])("judges %s in %s", (code, unit, decimal, implausible) => {
    expect(isImplausible({ code, unit, value: decimal })).toBe(implausible);
  });

  it("names leads as they are called, or by a reference id", () => {
    expect(leadCode("aVR")).toBe("MDC_ECG_LEAD_AVR");
    expect(leadCode("V6")).toBe("MDC_ECG_LEAD_V6");
    expect(leadCode("Pleth")).toBe("MDC_PULS_OXIM_PLETH");
    expect(leadCode("MDC_ECG_LEAD_V7")).toBe("MDC_ECG_LEAD_V7");
    expect(leadCode("MLII")).toBeNull();
    expect(leadUnit("mv")).toBe("mV");
    expect(leadUnit("furlong")).toBeNull();
  });
});
