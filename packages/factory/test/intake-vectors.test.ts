/** The shared vectors of an intake file. Source: docs/format.md §12.5. */
import { ProtocolError, toHex } from "@pericard/protocol";
import { describe, expect, test } from "vitest";
import type { VectorCase } from "../../../vectors/cases/case.ts";
import { bytesOf, countCases, loadCases, numberOf } from "../../../vectors/load.ts";
import { FactoryError } from "../src/errors.ts";
import { readIntake } from "../src/intake.ts";

function outcomeOf(vector: VectorCase): Pick<VectorCase, "expect" | "decoded"> {
  const pin = bytesOf(vector, "pinHex");
  try {
    const read = readIntake(bytesOf(vector, "bytesHex"), pin, numberOf(vector, "nowUnixMs"));
    const { id, tenant, factoryNumber, intakeKey } = read;
    return { expect: "accept", decoded: { id, tenant, factoryNumber, intakeKey: toHex(intakeKey) } };
  } catch (error) {
    if (error instanceof FactoryError || error instanceof ProtocolError) return { expect: error.code };
    throw error;
  }
}

describe("intake file vectors", () => {
  const cases = loadCases("intake-file");

  test.each(cases)("$name", (vector) => {
    const { expect: wanted, decoded } = vector;
    expect(outcomeOf(vector)).toEqual(decoded === undefined ? { expect: wanted } : { expect: wanted, decoded });
  });

  test("are as many as there should be", () => {
    expect(countCases(cases)).toEqual({ accepted: 4, refused: 24 });
  });
});
