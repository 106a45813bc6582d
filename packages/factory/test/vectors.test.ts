/** The shared vectors of the master key sequence. Source: docs/format.md §12.1. */
import { createMemoryFolder } from "@pericard/framelog";
import { toHex } from "@pericard/protocol";
import { describe, expect, test } from "vitest";
import type { VectorCase } from "../../../vectors/cases/case.ts";
import { bytesOf, countCases, loadCases, numberOf, textOf } from "../../../vectors/load.ts";
import { FactoryError } from "../src/errors.ts";
import { MasterSequence } from "../src/master-sequence.ts";

function outcomeOf(vector: VectorCase): Pick<VectorCase, "expect" | "decoded"> {
  const folder = createMemoryFolder(new Map([[textOf(vector, "fileName"), bytesOf(vector, "bytesHex")]]));
  const key = { id: bytesOf(vector, "idHex"), key: bytesOf(vector, "keyHex") };
  try {
    const sequence = MasterSequence.open(folder, key, numberOf(vector, "nextIndex"));
    const { firstIndex, endIndex } = sequence;
    const blocks = sequence.readBlocks(firstIndex, endIndex - firstIndex).map(({ block }) => toHex(block));
    return { expect: "accept", decoded: { firstIndex, blocks } };
  } catch (error) {
    if (error instanceof FactoryError) return { expect: error.code };
    throw error;
  }
}

describe("sequence vectors", () => {
  const cases = loadCases("sequence");

  test.each(cases)("$name", (vector) => {
    const { expect: wanted, decoded } = vector;
    expect(outcomeOf(vector)).toEqual(decoded === undefined ? { expect: wanted } : { expect: wanted, decoded });
  });

  test("are as many as there should be", () => {
    expect(countCases(cases)).toEqual({ accepted: 3, refused: 13 });
  });
});
