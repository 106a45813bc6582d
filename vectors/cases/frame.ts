/** Vectors of frames, and of mail. Source: docs/format.md §9.2, §10. */
import { crc32 } from "node:zlib";
import { encodeFrame } from "@pericard/framelog";
import { concatBytes, encodeMail, MAIL_MESSAGES_MAX, toHex, utf8, type ProtocolErrorCode } from "@pericard/protocol";
import type { VectorCase, VectorFile } from "./case.ts";
import { array, bytes, head, int, map, NULL, text } from "./cbor-writer.ts";
import { flipBit } from "./edit.ts";

const START = Uint8Array.of(0xd9, 0xd9, 0xf7);
const CONTENT = utf8("content of a frame");

/** A frame from items that are encoded already, with the checksum that they have. */
function framed(items: readonly Uint8Array[], arrayHead = head(4, 4)): Uint8Array {
  const covered = concatBytes(START, arrayHead, ...items);
  const checksum = new Uint8Array(4);
  new DataView(checksum.buffer).setUint32(0, crc32(covered));
  return concatBytes(covered, bytes(checksum));
}

function accept(
  name: string,
  frame: Uint8Array,
  kind: number,
  number: number,
  content: Uint8Array,
  rest = "",
): VectorCase {
  const decoded = { kind, number, content: toHex(content), sizeBytes: frame.length };
  return { name, expect: "accept", bytesHex: toHex(frame) + rest, decoded };
}

const GOOD = framed([int(5), int(300), bytes(CONTENT)]);

const refusedFrames = (expect: "cut" | "damaged") => (list: readonly (readonly [string, Uint8Array])[]) =>
  list.map(([name, frame]): VectorCase => ({ name, expect, bytesHex: toHex(frame) }));

const joined = (kind: number, number: number, content: Uint8Array) =>
  concatBytes(...encodeFrame({ kind, number, content }));

/** Every vector of a frame. */
export function frameVectors(): VectorFile {
  const large = new Uint8Array(300).fill(0xd9);
  const cuts = [1, 3, 4, 5, 7, 8, GOOD.length - 5, GOOD.length - 4, GOOD.length - 1];
  return {
    structure: "frame",
    source: "docs/format.md §10",
    steps: "read the frame at the beginning of bytes, which go to the end of the file",
    cases: [
      accept("a frame", joined(5, 300, CONTENT), 5, 300, CONTENT),
      accept("a frame written by a second encoder", GOOD, 5, 300, CONTENT),
      accept("a frame of no content", joined(0, 0, new Uint8Array(0)), 0, 0, new Uint8Array(0)),
      accept(
        "a frame of the greatest kind and number",
        joined(23, Number.MAX_SAFE_INTEGER, CONTENT),
        23,
        Number.MAX_SAFE_INTEGER,
        CONTENT,
      ),
      accept("a frame of 300 bytes that look like starts", joined(1, 7, large), 1, 7, large),
      accept("a frame with another one after it", GOOD, 5, 300, CONTENT, toHex(GOOD)),
      accept("a frame with garbage after it", GOOD, 5, 300, CONTENT, "ffff"),
      ...refusedFrames("cut")(cuts.map((sizeBytes) => [`cut after ${sizeBytes} bytes`, GOOD.slice(0, sizeBytes)])),
      ...refusedFrames("damaged")([
        ["one bit of the start is turned over", flipBit(GOOD, 2)],
        ["one bit of the kind is turned over", flipBit(GOOD, 4)],
        ["one bit of the number is turned over", flipBit(GOOD, 7)],
        ["one bit of the content is turned over", flipBit(GOOD, 20)],
        ["one bit of the checksum's head is turned over", flipBit(GOOD, -5)],
        ["one bit of the checksum is turned over", flipBit(GOOD, -1)],
        ["checksum is written in little-endian order", concatBytes(GOOD.slice(0, -4), GOOD.slice(-4).toReversed())],
        [
          "content length is one too small",
          concatBytes(GOOD.slice(0, 8), Uint8Array.of(0x40 + CONTENT.length - 1), GOOD.slice(9)),
        ],
        ["array has three items", framed([int(5), bytes(CONTENT)], head(4, 3))],
        ["array has five items", framed([int(5), int(300), bytes(CONTENT), NULL], head(4, 5))],
        ["array has indefinite length", framed([int(5), int(300), bytes(CONTENT)], Uint8Array.of(0x9f))],
        ["kind is 24", framed([int(24), int(300), bytes(CONTENT)])],
        ["kind is negative", framed([int(-1), int(300), bytes(CONTENT)])],
        ["number is 2^53", framed([int(5), int(2n ** 53n), bytes(CONTENT)])],
        ["content is text", framed([int(5), int(300), text(CONTENT)])],
        ["content claims 2^32 bytes", concatBytes(START, head(4, 4), int(5), int(300), head(2, 2n ** 32n), CONTENT)],
        ["tag is missing", GOOD.slice(3)],
        ["bytes are zeros", new Uint8Array(64)],
      ]),
    ],
  };
}

const acceptedMail = (name: string, list: readonly Uint8Array[]): VectorCase => ({
  name,
  expect: "accept",
  bytesHex: toHex(encodeMail(list)),
  decoded: { messages: list.map(toHex) },
});

const refusedMail = (name: string, mail: Uint8Array, expect: ProtocolErrorCode): VectorCase => ({
  name,
  expect,
  bytesHex: toHex(mail),
});

/** Every vector of mail. */
export function mailVectors(): VectorFile {
  const messages = [utf8("first"), utf8("second")];
  const many = Array.from({ length: MAIL_MESSAGES_MAX }, () => new Uint8Array(0));
  const items = messages.map((message) => bytes(message));
  return {
    structure: "mail",
    source: "docs/format.md §9.2",
    steps: "decode; the messages are not verified here",
    cases: [
      acceptedMail("no messages", []),
      acceptedMail("two messages", messages),
      acceptedMail("256 messages", many),
      refusedMail("empty", new Uint8Array(0), "ERR_CBOR_MALFORMED"),
      refusedMail(
        "257 messages",
        array(Array.from({ length: 257 }, () => bytes(new Uint8Array(0)))),
        "ERR_FIELD_RANGE",
      ),
      refusedMail("a message as text", array([text("first")]), "ERR_FIELD_RANGE"),
      refusedMail("a message as an array of bytes", array([array([int(1)])]), "ERR_FIELD_RANGE"),
      refusedMail("a map of messages", map([[int(0), bytes(CONTENT)]]), "ERR_FIELD_RANGE"),
      refusedMail("one message without its array", bytes(CONTENT), "ERR_FIELD_RANGE"),
      refusedMail(
        "an array of indefinite length",
        concatBytes(Uint8Array.of(0x9f), ...items, Uint8Array.of(0xff)),
        "ERR_CBOR_MALFORMED",
      ),
      refusedMail("an array length written longer than needed", array(items, 1), "ERR_CBOR_MALFORMED"),
      refusedMail("a trailing byte", concatBytes(array(items), Uint8Array.of(0)), "ERR_CBOR_MALFORMED"),
      refusedMail("cut before its last byte", array(items).slice(0, -1), "ERR_CBOR_MALFORMED"),
      refusedMail("claims 2^32 - 1 messages", concatBytes(head(4, 2n ** 32n - 1n), ...items), "ERR_CBOR_MALFORMED"),
    ],
  };
}
