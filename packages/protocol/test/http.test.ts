import { describe, expect, it } from "vitest";
import { problem } from "@pericard/protocol";

describe("a refusal over http", () => {
  it("has the members of rfc 9457 and its code", () => {
    expect(problem(503, "ERR_BUFFER_FULL", "buffer is full")).toEqual({
      type: "urn:pericard:error:ERR_BUFFER_FULL",
      title: "buffer is full",
      status: 503,
      code: "ERR_BUFFER_FULL",
    });
  });

  it("has a detail when there is one", () => {
    expect(problem(400, "ERR_X", "x", "why")).toHaveProperty("detail", "why");
  });
});
