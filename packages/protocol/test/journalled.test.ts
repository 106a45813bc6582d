/** Headers of journalled segments, of whichever suite. */
import { describe, expect, it } from "vitest";
import { parseJournalledHeader, parsePaperSegment, parseSegment, ProtocolError } from "@pericard/protocol";
import { bytesOf, loadCases } from "../../../vectors/load.ts";

const SUITES = [
  { name: "segment", suite: 1, parse: parseSegment },
  { name: "paper-segment", suite: 0, parse: parsePaperSegment },
] as const;

describe.each(SUITES)("of $name", ({ name, suite, parse }) => {
  const cases = loadCases(name);

  it("are those of the suite's own parser", () => {
    const accepted = cases.filter(({ expect: outcome }) => outcome === "accept");
    expect(accepted.length).toBeGreaterThan(4);
    for (const vector of accepted) {
      const bytes = bytesOf(vector, "bytesHex");
      expect(parseJournalledHeader(bytes)).toEqual(parse(bytes).header);
      expect(parseJournalledHeader(bytes).suite).toBe(suite);
    }
  });

  it("are refused where the suite's own parser refuses", () => {
    for (const vector of cases) {
      const bytes = bytesOf(vector, "bytesHex");
      const [own, either] = [parse, parseJournalledHeader].map((read) => refused(() => read(bytes)));
      // What begins as the other suite's form is that form's to judge.
      if (own && !either) expect(parseJournalledHeader(bytes).suite).not.toBe(suite);
      else expect(either, vector.name).toBe(own);
    }
  });
});

function refused(read: () => unknown): boolean {
  try {
    read();
    return false;
  } catch (error) {
    if (error instanceof ProtocolError) return true;
    throw error;
  }
}
