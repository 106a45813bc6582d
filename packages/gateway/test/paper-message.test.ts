/** Messages of suite paper-2018 at a gateway: carried unread, like any other. */
import { bytesOf, loadCases } from "../../../vectors/load.ts";
import { ProtocolError, toHex } from "@pericard/protocol";
import { describe, expect, test } from "vitest";
import { readClientMessage } from "../src/message.ts";

const isAnswer = (type: unknown): boolean => type === "paper-2018/key-answer";

describe("an envelope of suite paper-2018", () => {
  const cases = loadCases("paper-envelope");
  const accepted = cases.filter(({ expect: outcome }) => outcome === "accept");

  test.each(accepted)("is taken by its form: $name", (vector) => {
    const bytes = bytesOf(vector, "bytesHex");
    const message = readClientMessage(bytes);
    expect(message).toMatchObject({ type: "pericard/envelope", bytes });
    expect(vector.decoded).toMatchObject({ routing: message.routing });
    // The signature ends the message.
    expect(message.fingerprint).toBe(toHex(bytes.subarray(-16)));
  });

  test("is refused when it has another form, and taken when only its contents are wrong", () => {
    const outcomes = cases.map((vector) => {
      try {
        readClientMessage(bytesOf(vector, "bytesHex"));
        return "taken";
      } catch (error) {
        if (error instanceof ProtocolError) return "refused";
        throw error;
      }
    });
    expect(outcomes.filter((outcome) => outcome === "refused")).toHaveLength(25);
    expect(outcomes.filter((outcome) => outcome === "taken")).toHaveLength(23);
  });
});

describe("the key change of suite paper-2018", () => {
  const cases = loadCases("paper-key-change");

  test("has its answers carried like any other", () => {
    const answers = cases.filter(({ expect: outcome, type }) => outcome === "accept" && isAnswer(type));
    expect(answers).toHaveLength(2);
    for (const vector of answers) {
      const bytes = bytesOf(vector, "bytesHex");
      const message = readClientMessage(bytes);
      expect(message).toMatchObject({ type: "pericard/key-answer", bytes });
      expect(vector.decoded).toMatchObject({ routing: message.routing });
      // B ends the message.
      expect(message.fingerprint).toBe(toHex(bytes.subarray(-16)));
    }
  });

  test("has everything else refused: a terminal sends neither offers nor orders, nor what is malformed", () => {
    const others = cases.filter(({ expect: outcome, type }) => outcome !== "accept" || !isAnswer(type));
    expect(others.length).toBeGreaterThan(80);
    for (const vector of others) {
      expect(() => readClientMessage(bytesOf(vector, "bytesHex")), vector.name).toThrow(ProtocolError);
    }
  });
});
