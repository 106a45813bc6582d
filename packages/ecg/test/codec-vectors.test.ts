import { describe, expect, test } from "vitest";
import { countCases, bytesOf, loadCases, numberOf, textOf } from "../../../vectors/load.ts";
import { EcgError, getSegmentCodec } from "../src/index.ts";

describe("codec vectors", () => {
  const cases = loadCases("codec");

  test.each(cases)("$name", (vector) => {
    const limits = {
      leadCountMax: numberOf(vector, "leadCountMax"),
      sampleCountMax: numberOf(vector, "sampleCountMax"),
    };
    const codec = getSegmentCodec(textOf(vector, "codec"));
    const bytes = bytesOf(vector, "bytesHex");
    if (vector.expect === "accept") {
      const leads = codec.decode(bytes, limits);
      expect({ leads: leads.map((lead) => [...lead]) }).toEqual(vector.decoded);
      const names = leads.map((_, index) => `lead ${index}`);
      expect(codec.decode(codec.encode(leads, names), limits)).toEqual(leads);
      return;
    }
    expect(() => codec.decode(bytes, limits)).toThrow(EcgError);
    expect(() => codec.decode(bytes, limits)).toThrow(expect.objectContaining({ code: vector.expect }));
  });

  test("are as many as there should be", () => {
    expect(countCases(cases)).toEqual({ accepted: 20, refused: 83 });
  });
});
