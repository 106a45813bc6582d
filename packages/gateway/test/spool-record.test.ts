import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeCbor, ENVELOPE_BYTES_MAX, FRAME_CONTENT_BYTES_MAX } from "@pericard/protocol";
import { decodeDone, decodeItem, encodeDone, encodeItem, ITEM_OVERHEAD_BYTES_MAX } from "../src/spool-record.ts";

const order = fc.oneof(fc.nat(), fc.maxSafeNat());

describe("an item", () => {
  test("comes back as it was written, within the bytes reserved for it", () => {
    const client = fc.stringMatching(/^[\w.-]{1,64}$/);
    const message = fc.uint8Array({ maxLength: 300 });
    const item = fc.record({ order: fc.option(order), receivedAtUnixMs: fc.maxSafeNat(), client, message });
    fc.assert(
      fc.property(item, (record) => {
        const content = encodeItem(record);
        expect(decodeItem(content)).toEqual(record);
        expect(content.length).toBeLessThanOrEqual(record.message.length + ITEM_OVERHEAD_BYTES_MAX);
      }),
    );
  });

  test("of the largest message fits into a frame", () => {
    expect(ENVELOPE_BYTES_MAX + ITEM_OVERHEAD_BYTES_MAX).toBeLessThanOrEqual(FRAME_CONTENT_BYTES_MAX);
  });

  test.each([
    ["too few fields", [null, 0, "a"]],
    ["a negative order", [-1, 0, "a", new Uint8Array(1)]],
    ["a client of 65 characters", [null, 0, "a".repeat(65), new Uint8Array(1)]],
    ["a message that is a text", [null, 0, "a", "b"]],
  ])("with %s is none", (_, fields) => {
    expect(() => decodeItem(encodeCbor(fields))).toThrow(expect.objectContaining({ code: "ERR_FIELD_RANGE" }));
  });
});

describe("a done mark", () => {
  test("comes back as it was written", () => {
    const fingerprint = fc
      .uint8Array({ minLength: 16, maxLength: 16 })
      .map((bytes) => Buffer.from(bytes).toString("hex"));
    fc.assert(
      fc.property(fc.record({ order, fingerprint, fileNumber: order }), (record) => {
        expect(decodeDone(encodeDone(record))).toEqual(record);
      }),
    );
  });

  test.each([
    ["a short fingerprint", [0, new Uint8Array(15), 0]],
    ["no file", [0, new Uint8Array(16)]],
    ["a negative file", [0, new Uint8Array(16), -1]],
  ])("with %s is none", (_, fields) => {
    expect(() => decodeDone(encodeCbor(fields))).toThrow(expect.objectContaining({ code: "ERR_FIELD_RANGE" }));
  });
});
