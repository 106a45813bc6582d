import { describe, expect, it } from "vitest";
import {
  readArray,
  readBoolean,
  readBytes,
  readBytesUpTo,
  readInt,
  readOneOf,
  readOptional,
  readText,
  readTuple,
  readUint32,
  readUnixMs,
} from "@pericard/protocol";
import { expectCode } from "./support/expect-code.ts";

const eight = new Uint8Array(8);

const ACCEPTED: readonly (readonly [string, () => unknown, unknown])[] = [
  ["the least integer", () => readInt("x", -3, -3, 5), -3],
  ["the greatest integer", () => readInt("x", 5, -3, 5), 5],
  ["2^32 - 1", () => readUint32("x", 2 ** 32 - 1), 2 ** 32 - 1],
  ["the last safe time", () => readUnixMs("x", Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER],
  ["exactly 8 bytes", () => readBytes("x", eight, 8), eight],
  ["8 bytes of up to 8", () => readBytesUpTo("x", eight, 8), eight],
  ["no bytes of up to 8", () => readBytesUpTo("x", new Uint8Array(0), 8), new Uint8Array(0)],
  ["a text of the longest length", () => readText("x", "é♥a", 3), "é♥a"],
  ["false", () => readBoolean("x", false), false],
  ["an array of the shortest length", () => readArray("x", [1], 1, 2), [1]],
  ["an array of the longest length", () => readArray("x", [1, 2], 1, 2), [1, 2]],
  ["a tuple", () => readTuple("x", [1, 2], 2), [1, 2]],
  ["null as optional", () => readOptional(null, () => 1), null],
  ["a value as optional", () => readOptional(0, (value) => [value]), [0]],
  ["one of the choices", () => readOneOf("x", "b", ["a", "b"]), "b"],
];

const REFUSED: readonly (readonly [string, () => unknown])[] = [
  ["an integer below", () => readInt("x", -4, -3, 5)],
  ["an integer above", () => readInt("x", 6, -3, 5)],
  ["a fraction", () => readInt("x", 0.5, -3, 5)],
  ["not a number", () => readInt("x", Number.NaN, -3, 5)],
  ["a bigint", () => readInt("x", 1n, -3, 5)],
  ["a numeral", () => readInt("x", "1", -3, 5)],
  ["undefined as an integer", () => readInt("x", undefined, -3, 5)],
  ["2^32", () => readUint32("x", 2 ** 32)],
  ["a negative time", () => readUnixMs("x", -1)],
  ["a time of 2^53", () => readUnixMs("x", 2 ** 53)],
  ["7 bytes of 8", () => readBytes("x", new Uint8Array(7), 8)],
  ["9 bytes of 8", () => readBytes("x", new Uint8Array(9), 8)],
  ["an array of 8 numbers as bytes", () => readBytes("x", [0, 0, 0, 0, 0, 0, 0, 0], 8)],
  ["9 bytes of up to 8", () => readBytesUpTo("x", new Uint8Array(9), 8)],
  ["a text as bytes", () => readBytesUpTo("x", "", 8)],
  ["a text that is too long", () => readText("x", "abcd", 3)],
  ["a text with a nul", () => readText("x", "\u0000", 3)],
  ["a text with a line feed", () => readText("x", "\n", 3)],
  ["a text with a delete", () => readText("x", "\u007f", 3)],
  ["bytes as text", () => readText("x", eight, 8)],
  ["0 as a boolean", () => readBoolean("x", 0)],
  ["null as a boolean", () => readBoolean("x", null)],
  ["an array that is too short", () => readArray("x", [], 1, 2)],
  ["an array that is too long", () => readArray("x", [1, 2, 3], 1, 2)],
  ["bytes as an array", () => readArray("x", eight, 0, 10)],
  ["a map as an array", () => readArray("x", new Map(), 0, 10)],
  ["a tuple of one less", () => readTuple("x", [1], 2)],
  ["undefined as optional", () => readOptional(undefined, (value) => readBoolean("x", value))],
  ["none of the choices", () => readOneOf("x", "c", ["a", "b"])],
  ["a name of the prototype as choice", () => readOneOf("x", "constructor", ["a", "b"])],
];

describe("single fields", () => {
  it.each(ACCEPTED)("take %s", (_, read, value) => {
    expect(read()).toEqual(value);
  });

  it.each(REFUSED)("refuse %s", (_, read) => {
    expectCode(read, "ERR_FIELD_RANGE");
  });

  it("are tried in every row", () => {
    expect([ACCEPTED.length, REFUSED.length]).toEqual([15, 30]);
  });

  it("are named when they are refused", () => {
    expect(() => readInt("key index", 120, 0, 119)).toThrow("key index is not an integer from 0 to 119");
  });
});
