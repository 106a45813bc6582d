/**
 * Deterministic CBOR: the one encoding that every Pericard structure uses.
 *
 * Source: RFC 8949 §4.2.1; docs/format.md §1.
 */
import { decode, decodeFirst, encode, rfc8949EncodeOptions } from "cborg";
import { equalBytes } from "./bytes.ts";
import { ProtocolError } from "./errors.ts";

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

const DECODE_OPTIONS = {
  allowIndefinite: false,
  allowUndefined: false,
  allowNaN: false,
  allowInfinity: false,
  strict: true,
  useMaps: true,
  rejectDuplicateMapKeys: true,
} as const;

/** Encodes one value in the core deterministic encoding. Integers must be safe integers. */
export function encodeCbor(value: CborValue): Uint8Array {
  return encode(value, rfc8949EncodeOptions);
}

/**
 * Decodes exactly one CBOR value; shortest lengths and integers only. Map order is not checked: see {@link decodeCanonical}.
 *
 * @throws {ProtocolError} ERR_CBOR_MALFORMED when the bytes are anything else.
 */
export function decodeCbor(bytes: Uint8Array): unknown {
  try {
    return decode(bytes, DECODE_OPTIONS);
  } catch (cause) {
    throw new ProtocolError("ERR_CBOR_MALFORMED", "value is not one deterministic cbor item", { cause });
  }
}

/** Decodes the first CBOR value and gives the bytes after it. @throws {ProtocolError} ERR_CBOR_MALFORMED. */
export function decodeFirstCbor(bytes: Uint8Array): [value: unknown, rest: Uint8Array] {
  try {
    return decodeFirst(bytes, DECODE_OPTIONS);
  } catch (cause) {
    throw new ProtocolError("ERR_CBOR_MALFORMED", "bytes do not begin with a deterministic cbor item", { cause });
  }
}

/**
 * Decodes one CBOR value of at most `sizeBytesMax` bytes that is encoded in the one deterministic way.
 *
 * @throws {ProtocolError} ERR_LENGTH_LIMIT when it is longer, ERR_CBOR_MALFORMED when another encoding of it exists
 * that this one is not.
 */
export function decodeCanonical(bytes: Uint8Array, sizeBytesMax: number): unknown {
  if (bytes.length > sizeBytesMax) {
    throw new ProtocolError("ERR_LENGTH_LIMIT", `value is ${bytes.length} bytes, at most ${sizeBytesMax} are allowed`);
  }
  const value = decodeCbor(bytes);
  if (!equalBytes(encodeCbor(value as CborValue), bytes)) {
    throw new ProtocolError("ERR_CBOR_MALFORMED", "value is not in deterministic encoding");
  }
  return value;
}
