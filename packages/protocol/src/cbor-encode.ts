/** Writes a value in the core deterministic encoding. Source: RFC 8949 §4.2.1; docs/format.md §1. */
import { utf8 } from "./bytes.ts";
import { headBytes, MAJOR, SIMPLE, writeHead } from "./cbor-head.ts";
import { compareKeys, type CborKey } from "./cbor-order.ts";
import type { CborValue } from "./cbor.ts";

const LAST_ASCII = 0x7f;

/** The encoding of a value, measured first and then written into memory of just that size. */
export function encodeValue(value: CborValue): Uint8Array {
  const bytes = new Uint8Array(sizeOf(value));
  write(bytes, 0, value);
  return bytes;
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) if (text.charCodeAt(i) > LAST_ASCII) return false;
  return true;
}

/** Entries in the order of their keys. Most maps are written in it already. */
function inOrder(map: ReadonlyMap<CborKey, CborValue>): readonly (readonly [CborKey, CborValue])[] {
  return map.size < 2 ? [...map] : [...map].sort(([a], [b]) => compareKeys(a, b));
}

function argumentOf(value: number | bigint): number | bigint {
  if (typeof value === "number" && !Number.isSafeInteger(value)) throw new TypeError("number is no safe integer");
  if (value >= 0) return value;
  return typeof value === "number" ? -1 - value : -1n - value;
}

function sizeOf(value: CborValue): number {
  if (value === null || typeof value === "boolean") return 1;
  if (typeof value === "number" || typeof value === "bigint") return headBytes(argumentOf(value));
  if (typeof value === "string") {
    const sizeBytes = isAscii(value) ? value.length : utf8(value).length;
    return headBytes(sizeBytes) + sizeBytes;
  }
  if (value instanceof Uint8Array) return headBytes(value.length) + value.length;
  if (value instanceof Map) {
    let sizeBytes = headBytes(value.size);
    for (const [key, content] of value as ReadonlyMap<CborKey, CborValue>) sizeBytes += sizeOf(key) + sizeOf(content);
    return sizeBytes;
  }
  const items = requireArray(value);
  return items.reduce<number>((sum, item) => sum + sizeOf(item), headBytes(items.length));
}

function requireArray(value: unknown): readonly CborValue[] {
  if (Array.isArray(value)) return value as readonly CborValue[];
  throw new TypeError("value is not one that is encoded here");
}

/** @returns the place after what was written. */
function write(into: Uint8Array, at: number, value: CborValue): number {
  if (value === null || typeof value === "boolean") {
    into[at] = value === null ? SIMPLE.null : value ? SIMPLE.true : SIMPLE.false;
    return at + 1;
  }
  if (typeof value === "number" || typeof value === "bigint") {
    return writeHead(into, at, value < 0 ? MAJOR.negative : MAJOR.unsigned, argumentOf(value));
  }
  if (typeof value === "string") return writeText(into, at, value);
  if (value instanceof Uint8Array) {
    const start = writeHead(into, at, MAJOR.bytes, value.length);
    into.set(value, start);
    return start + value.length;
  }
  if (value instanceof Map) {
    const map = value as ReadonlyMap<CborKey, CborValue>;
    const start = writeHead(into, at, MAJOR.map, map.size);
    return inOrder(map).reduce((next, [key, content]) => write(into, write(into, next, key), content), start);
  }
  const items = value as readonly CborValue[];
  return items.reduce<number>((next, item) => write(into, next, item), writeHead(into, at, MAJOR.array, items.length));
}

function writeText(into: Uint8Array, at: number, text: string): number {
  if (!isAscii(text)) {
    const bytes = utf8(text);
    const start = writeHead(into, at, MAJOR.text, bytes.length);
    into.set(bytes, start);
    return start + bytes.length;
  }
  const start = writeHead(into, at, MAJOR.text, text.length);
  for (let i = 0; i < text.length; i += 1) into[start + i] = text.charCodeAt(i);
  return start + text.length;
}
