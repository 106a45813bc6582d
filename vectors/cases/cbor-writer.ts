/**
 * A second CBOR writer, small and literal, that can also write what no deterministic encoder writes. Accepted cases built
 * with it check the real encoder; refused ones need it.
 *
 * Source: RFC 8949 §3.
 */
import { concatBytes, utf8 } from "@pericard/protocol";

/** Bytes that follow an initial byte: none, 1, 2, 4 or 8. */
export type Width = 0 | 1 | 2 | 4 | 8;

const ADDITIONAL: Readonly<Record<Exclude<Width, 0>, number>> = { 1: 24, 2: 25, 4: 26, 8: 27 };

function shortestWidth(value: bigint): Width {
  if (value < 24n) return 0;
  if (value < 0x100n) return 1;
  if (value < 0x1_0000n) return 2;
  return value < 0x1_0000_0000n ? 4 : 8;
}

/** The head of an item: shortest unless a width is given. */
export function head(major: number, value: number | bigint, width: Width = shortestWidth(BigInt(value))): Uint8Array {
  if (width === 0) return Uint8Array.of((major << 5) | Number(value));
  const bytes = new Uint8Array(1 + width);
  bytes[0] = (major << 5) | ADDITIONAL[width];
  for (let i = 0; i < width; i += 1) bytes[width - i] = Number((BigInt(value) >> BigInt(8 * i)) & 0xffn);
  return bytes;
}

/** An integer of either sign. */
export function int(value: number | bigint, width?: Width): Uint8Array {
  const big = BigInt(value);
  return big < 0n ? head(1, -1n - big, width) : head(0, big, width);
}

/** A byte string. */
export function bytes(value: Uint8Array, width?: Width): Uint8Array {
  return concatBytes(head(2, value.length, width), value);
}

/** A text of these characters, or of these bytes, which need not be UTF-8. */
export function text(value: string | Uint8Array, width?: Width): Uint8Array {
  const content = typeof value === "string" ? utf8(value) : value;
  return concatBytes(head(3, content.length, width), content);
}

/** An array of items that are encoded already. */
export function array(items: readonly Uint8Array[], width?: Width): Uint8Array {
  return concatBytes(head(4, items.length, width), ...items);
}

/** A map of entries that are encoded already, in the given order. */
export function map(entries: readonly (readonly [Uint8Array, Uint8Array])[], width?: Width): Uint8Array {
  return concatBytes(head(5, entries.length, width), ...entries.flat());
}

/** An array of indefinite length. */
export function indefiniteArray(items: readonly Uint8Array[]): Uint8Array {
  return concatBytes(Uint8Array.of(0x9f), ...items, Uint8Array.of(0xff));
}

export const FALSE = Uint8Array.of(0xf4);
export const TRUE = Uint8Array.of(0xf5);
export const NULL = Uint8Array.of(0xf6);
export const UNDEFINED = Uint8Array.of(0xf7);
/** 1.0 in half precision. */
export const FLOAT_ONE = Uint8Array.of(0xf9, 0x3c, 0x00);
