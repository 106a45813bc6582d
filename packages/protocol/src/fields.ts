/** Readers of single fields: each takes what CBOR gave and returns a value of one type, or refuses with the field's name. */
import { ProtocolError } from "./errors.ts";
import { UINT32_MAX } from "./limits.ts";

function refuse(name: string, wanted: string): never {
  throw new ProtocolError("ERR_FIELD_RANGE", `${name} is not ${wanted}`);
}

/** An integer between the bounds, both included. @throws {ProtocolError} ERR_FIELD_RANGE otherwise. */
export function readInt(name: string, value: unknown, min: number, max: number): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < min || value > max) {
    return refuse(name, `an integer from ${min} to ${max}`);
  }
  return value;
}

/** An unsigned 32-bit integer. @throws {ProtocolError} ERR_FIELD_RANGE otherwise. */
export function readUint32(name: string, value: unknown): number {
  return readInt(name, value, 0, UINT32_MAX);
}

/** A time in milliseconds since 1970 in UTC, never negative. @throws {ProtocolError} ERR_FIELD_RANGE otherwise. */
export function readUnixMs(name: string, value: unknown): number {
  return readInt(name, value, 0, Number.MAX_SAFE_INTEGER);
}

/** Exactly `sizeBytes` bytes. @throws {ProtocolError} ERR_FIELD_RANGE otherwise. */
export function readBytes(name: string, value: unknown, sizeBytes: number): Uint8Array {
  return value instanceof Uint8Array && value.length === sizeBytes ? value : refuse(name, `${sizeBytes} bytes`);
}

/** At most `sizeBytesMax` bytes. @throws {ProtocolError} ERR_FIELD_RANGE otherwise. */
export function readBytesUpTo(name: string, value: unknown, sizeBytesMax: number): Uint8Array {
  return value instanceof Uint8Array && value.length <= sizeBytesMax
    ? value
    : refuse(name, `at most ${sizeBytesMax} bytes`);
}

/** A text of at most `lengthMax` UTF-16 units without control characters. @throws {ProtocolError} ERR_FIELD_RANGE otherwise. */
export function readText(name: string, value: unknown, lengthMax: number): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what this refuses
  return typeof value === "string" && value.length <= lengthMax && !/[\u0000-\u001f\u007f]/.test(value)
    ? value
    : refuse(name, `a text of at most ${lengthMax} printable characters`);
}

/** A text as {@link readText}, of at least one character and without what `refused` finds. @throws {ProtocolError} ERR_FIELD_RANGE otherwise. */
export function readLabel(name: string, value: unknown, lengthMax: number, refused: RegExp): string {
  const text = readText(name, value, lengthMax);
  return text.length > 0 && !refused.test(text)
    ? text
    : refuse(name, `a text of 1 to ${lengthMax} printable characters`);
}

/** true or false. @throws {ProtocolError} ERR_FIELD_RANGE otherwise. */
export function readBoolean(name: string, value: unknown): boolean {
  return typeof value === "boolean" ? value : refuse(name, "true or false");
}

/** An array whose length lies between the bounds. @throws {ProtocolError} ERR_FIELD_RANGE otherwise. */
export function readArray(name: string, value: unknown, lengthMin: number, lengthMax: number): readonly unknown[] {
  return Array.isArray(value) && value.length >= lengthMin && value.length <= lengthMax
    ? (value as readonly unknown[])
    : refuse(name, `an array of ${lengthMin} to ${lengthMax} items`);
}

/** An array of exactly `length` fields: the form of every structure here. @throws {ProtocolError} ERR_FIELD_RANGE otherwise. */
export function readTuple(name: string, value: unknown, length: number): readonly unknown[] {
  return readArray(name, value, length, length);
}

/** null, or what `read` makes of the value. */
export function readOptional<T>(value: unknown, read: (value: unknown) => T): T | null {
  return value === null ? null : read(value);
}

/** One of the listed texts. @throws {ProtocolError} ERR_FIELD_RANGE otherwise. */
export function readOneOf<T extends string>(name: string, value: unknown, choices: readonly T[]): T {
  return choices.find((choice) => choice === value) ?? refuse(name, `one of ${choices.join(", ")}`);
}
