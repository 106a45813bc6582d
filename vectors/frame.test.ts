import { decodeFrame, type FrameAt } from "@pericard/framelog";
import { describe, expect, it } from "vitest";
import { toJson, type Json } from "./cases/case.ts";
import { bytesOf, countCases, loadCases } from "./load.ts";

function decodedOf(found: FrameAt): Json | undefined {
  return found.state === "frame" ? toJson({ ...found.frame, sizeBytes: found.sizeBytes }) : undefined;
}

describe("frame vectors", () => {
  const cases = loadCases("frame");

  it.each(cases)("$name", (vector) => {
    const found = decodeFrame(bytesOf(vector, "bytesHex"));
    expect(found.state).toBe(vector.expect === "accept" ? "frame" : vector.expect);
    expect(decodedOf(found)).toEqual(vector.decoded);
  });

  it("are as many as there should be", () => {
    expect(countCases(cases)).toEqual({ accepted: 7, refused: 27 });
  });
});
