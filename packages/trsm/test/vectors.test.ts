/** The shared vectors of the module's structures. Source: docs/format.md §11. */
import { describe, expect, test } from "vitest";
import { toJson, type Json, type VectorCase } from "../../../vectors/cases/case.ts";
import { bytesOf, countCases, loadCases } from "../../../vectors/load.ts";
import { createMemoryFolder } from "@pericard/framelog";
import { TrsmError } from "../src/errors.ts";
import { decodeTrsmImage, encodeTrsmImage } from "../src/image.ts";
import { readRefusals } from "../src/refusals.ts";
import { openCounters } from "../src/tpm-counters.ts";

/** "accept" and what a case says, or the code of its refusal. Another class of error fails the test. */
function outcomeOf(open: () => Json): Pick<VectorCase, "expect" | "decoded"> {
  try {
    return { expect: "accept", decoded: open() };
  } catch (error) {
    if (error instanceof TrsmError) return { expect: error.code };
    throw error;
  }
}

describe("image vectors", () => {
  const cases = loadCases("trsm-image");

  test.each(cases)("$name", (vector) => {
    const { expect: wanted, decoded } = vector;
    const bytes = bytesOf(vector, "bytesHex");
    expect(outcomeOf(() => toJson(decodeTrsmImage(bytes)))).toEqual(
      decoded === undefined ? { expect: wanted } : { expect: wanted, decoded },
    );
    if (wanted === "accept") expect(encodeTrsmImage(decodeTrsmImage(bytes))).toEqual(bytes);
  });

  test("are as many as there should be", () => {
    expect(countCases(cases)).toEqual({ accepted: 4, refused: 25 });
  });
});

describe("refusal vectors", () => {
  const cases = loadCases("trsm-refusals");

  test.each(cases)("$name", (vector) => {
    const folder = createMemoryFolder(new Map([["trsm.refusals", bytesOf(vector, "bytesHex")]]));
    const damaged = { counts: { load: 0, "read-out": 0, authorisation: 0, rollback: 0, record: 1 }, last: [] };
    expect(readRefusals(folder)).toEqual(vector.decoded ?? damaged);
  });

  test("are as many as there should be", () => {
    expect(countCases(cases)).toEqual({ accepted: 2, refused: 12 });
  });
});

describe("vectors of counters beside a TPM", () => {
  const cases = loadCases("trsm-tpm-counters");

  test.each(cases)("$name", (vector) => {
    const { expect: wanted, decoded } = vector;
    const open = (): Json => {
      const [count, counters] = openCounters(bytesOf(vector, "authorisationHex"), bytesOf(vector, "bytesHex"));
      return toJson({ count, counters });
    };
    expect(outcomeOf(open)).toEqual(decoded === undefined ? { expect: wanted } : { expect: wanted, decoded });
  });

  test("are as many as there should be", () => {
    expect(countCases(cases)).toEqual({ accepted: 2, refused: 14 });
  });
});
