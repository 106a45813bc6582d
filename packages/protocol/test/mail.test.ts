import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeMail,
  encodeMail,
  MAIL_ANSWER_BYTES_MAX,
  RETURNED_BYTES_MAX,
  STATEMENT_BYTES_MAX,
  type ProtocolError,
} from "@pericard/protocol";
import { bytesOf, countCases, loadCases } from "../../../vectors/load.ts";
import { expectCode, thrownBy } from "./support/expect-code.ts";

describe("mail", () => {
  it("goes both ways", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array(), { maxLength: 256 }), (messages) => {
        expect(decodeMail(encodeMail(messages))).toEqual(messages);
      }),
    );
  });

  it("is not written when no reader takes it", () => {
    const statement = new Uint8Array(STATEMENT_BYTES_MAX);
    expectCode(() => encodeMail([new Uint8Array(RETURNED_BYTES_MAX + 1)]), "ERR_FIELD_RANGE");
    expectCode(() => encodeMail(Array.from({ length: 257 }, () => new Uint8Array(0))), "ERR_FIELD_RANGE");
    expectCode(() => encodeMail(Array.from({ length: 16 }, () => statement)), "ERR_LENGTH_LIMIT");
  });

  it("over 1 MiB is refused before it is read", () => {
    expectCode(() => decodeMail(new Uint8Array(MAIL_ANSWER_BYTES_MAX + 1)), "ERR_LENGTH_LIMIT");
  });
});

describe("mail vectors", () => {
  const cases = loadCases("mail");

  it.each(cases)("$name", (vector) => {
    const bytes = bytesOf(vector, "bytesHex");
    if (vector.expect === "accept") {
      expect({ messages: decodeMail(bytes).map((message) => Buffer.from(message).toString("hex")) }).toEqual(
        vector.decoded,
      );
    } else {
      expect((thrownBy(() => decodeMail(bytes)) as ProtocolError).code).toBe(vector.expect);
    }
  });

  it("are as many as there should be", () => {
    expect(countCases(cases)).toEqual({ accepted: 3, refused: 11 });
  });
});
