/**
 * Deterministic CBOR: the one encoding that every Pericard structure uses.
 *
 * Source: RFC 8949 §4.2.1; docs/format.md §1.
 */
import { CborReader } from "./cbor-decode.ts";
import { encodeValue } from "./cbor-encode.ts";
import { headBytes, MAJOR, writeHead } from "./cbor-head.ts";
import { ProtocolError } from "./errors.ts";
import { CBOR_ITEMS_MAX } from "./limits.ts";

/** What CBOR carries here: no floats, no tags inside, no undefined. Maps have integer or text keys. */
export type CborValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly CborValue[]
  | ReadonlyMap<number | string, CborValue>;

/**
 * Encodes one value in the core deterministic encoding, into memory that nothing else shares. Integers must be safe
 * integers.
 */
export function encodeCbor(value: CborValue): Uint8Array {
  return encodeValue(value);
}

/** The head of a byte string of that many bytes: for a caller that puts a large content after it without a copy. */
export function byteStringHead(sizeBytes: number): Uint8Array {
  return headOf(MAJOR.bytes, sizeBytes);
}

/** The head of an array of that many items, which the caller puts after it. */
export function arrayHead(itemCount: number): Uint8Array {
  return headOf(MAJOR.array, itemCount);
}

function headOf(major: number, argument: number): Uint8Array {
  const head = new Uint8Array(headBytes(argument));
  writeHead(head, 0, major, argument);
  return head;
}

/**
 * Decodes exactly one CBOR value of at most `itemCountMax` items in deterministic encoding. Byte strings of 1 KiB or more
 * are views into `bytes`, shorter ones copies.
 *
 * @throws {ProtocolError} ERR_CBOR_MALFORMED when the bytes are anything else.
 */
export function decodeCbor(bytes: Uint8Array, itemCountMax: number = CBOR_ITEMS_MAX): unknown {
  const [value, rest] = decodeFirstCbor(bytes, itemCountMax);
  if (rest.length > 0) throw new ProtocolError("ERR_CBOR_MALFORMED", "bytes are more than one cbor item");
  return value;
}

/** Decodes the first CBOR value and gives the bytes after it. @throws {ProtocolError} ERR_CBOR_MALFORMED. */
export function decodeFirstCbor(
  bytes: Uint8Array,
  itemCountMax: number = CBOR_ITEMS_MAX,
): [value: unknown, rest: Uint8Array] {
  try {
    const reader = new CborReader(bytes, itemCountMax);
    const value = reader.read();
    return [value, bytes.subarray(reader.offsetBytes)];
  } catch (cause) {
    throw new ProtocolError("ERR_CBOR_MALFORMED", "bytes do not begin with a deterministic cbor item", { cause });
  }
}

/**
 * As {@link decodeCbor}, of at most `sizeBytesMax` bytes.
 *
 * @throws {ProtocolError} ERR_LENGTH_LIMIT when it is longer, ERR_CBOR_MALFORMED.
 */
export function decodeCanonical(
  bytes: Uint8Array,
  sizeBytesMax: number,
  itemCountMax: number = CBOR_ITEMS_MAX,
): unknown {
  if (bytes.length > sizeBytesMax) {
    throw new ProtocolError("ERR_LENGTH_LIMIT", `value is ${bytes.length} bytes, at most ${sizeBytesMax} are allowed`);
  }
  return decodeCbor(bytes, itemCountMax);
}
