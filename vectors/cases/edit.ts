/** Edits of finished bytes, each one thing. */
import { toHex, type ProtocolErrorCode } from "@pericard/protocol";
import type { CryptoErrorCode } from "@pericard/crypto";
import type { Json, VectorCase } from "./case.ts";

/** What a refused case expects. */
export type Code = ProtocolErrorCode | CryptoErrorCode;

/** A name, the bytes, and the code of their refusal. */
export type Refusal = readonly [name: string, bytes: Uint8Array, code: Code];

/** A copy with one bit of one byte turned over; a negative place counts from the end. */
export function flipBit(bytes: Uint8Array, at: number, bit = 0): Uint8Array {
  const copy = bytes.slice();
  const place = at < 0 ? copy.length + at : at;
  const byte = copy[place];
  if (byte === undefined) throw new RangeError(`place: expected one of ${copy.length} bytes, got ${at}`);
  copy[place] = byte ^ (1 << bit);
  return copy;
}

/** Where `part` stands in `bytes`. @throws {RangeError} unless exactly once. */
export function placeOf(bytes: Uint8Array, part: Uint8Array): number {
  const haystack = toHex(bytes);
  const at = haystack.indexOf(toHex(part));
  if (at < 0 || at % 2 !== 0 || haystack.indexOf(toHex(part), at + 1) >= 0) {
    throw new RangeError("part: expected exactly one place");
  }
  return at / 2;
}

/** A copy with one bit of `part` turned over, which stands in `bytes` exactly once. */
export function flipIn(bytes: Uint8Array, part: Uint8Array): Uint8Array {
  return flipBit(bytes, placeOf(bytes, part) + Math.floor(part.length / 2));
}

/** A copy with `part` replaced, which stands in `bytes` exactly once. */
export function replaceIn(bytes: Uint8Array, part: Uint8Array, replacement: Uint8Array): Uint8Array {
  const at = placeOf(bytes, part);
  return Uint8Array.of(...bytes.subarray(0, at), ...replacement, ...bytes.subarray(at + part.length));
}

/** Cases of refusals, each with the same inputs. */
export function refusals(inputs: Readonly<Record<string, Json>>, list: readonly Refusal[]): readonly VectorCase[] {
  return list.map(([name, bytes, expect]) => ({ name, expect, ...inputs, bytesHex: toHex(bytes) }));
}
