import { expect, test } from "vitest";
import { readClientMessage } from "../src/message.ts";
import {
  makeEnvelope,
  makeGap,
  makeMisroutedEnvelope,
  makeReceipt,
  makeStatus,
  routingOf,
} from "./support/messages.ts";

test.each([
  ["pericard/envelope", makeEnvelope(7)],
  ["pericard/gap", makeGap(7, 1)],
  ["pericard/status", makeStatus(7)],
])("a %s is read and its bytes are kept", (type, bytes) => {
  const message = readClientMessage(bytes);
  expect(message).toMatchObject({ type, routing: routingOf(7) });
  expect(message.bytes).toBe(bytes);
  expect(message.fingerprint).toBe(Buffer.from(bytes.subarray(-16)).toString("hex"));
});

test("a server's message is another type", () => {
  expect(() => readClientMessage(makeReceipt())).toThrow(expect.objectContaining({ code: "ERR_TYPE_MISMATCH" }));
});

test("an envelope signed under another routing id is refused", () => {
  expect(() => readClientMessage(makeMisroutedEnvelope())).toThrow(
    expect.objectContaining({ code: "ERR_ROUTING_MISMATCH" }),
  );
});

test("no cut of an envelope is a message", () => {
  const bytes = makeEnvelope(1, 10);
  for (let length = 0; length < bytes.length; length += 1) {
    expect(() => readClientMessage(bytes.subarray(0, length)), `first ${length} bytes`).toThrow(
      expect.objectContaining({ name: "ProtocolError" }),
    );
  }
});
