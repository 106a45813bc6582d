/**
 * Signed messages: COSE_Sign1 whose type stands in the protected header and in external_aad, so that one can never be
 * taken for another.
 *
 * Source: docs/format.md §3.3; RFC 9052 §4; RFC 9596 (typ).
 */
import { encodeCbor, type CborValue } from "./cbor.ts";
import { ALGORITHM, decodeHeader, decodeSign1, HEADER, type CoseSign1 } from "./cose.ts";
import { ProtocolError } from "./errors.ts";
import { readBytes, readOneOf } from "./fields.ts";
import { ENVELOPE_BYTES_MAX, RETURNED_BYTES_MAX, STATEMENT_BYTES_MAX, TRANSFER_BYTES_MAX } from "./limits.ts";

/** Types that a terminal signs; their key id is its routing id. */
export const TERMINAL_SIGNED_TYPES = [
  "pericard/envelope",
  "pericard/status",
  "pericard/gap",
  "pericard/key-answer",
  "pericard/key-taken",
  "pericard/key-refused",
  "pericard/fetch-back",
] as const;
export type TerminalSignedType = (typeof TERMINAL_SIGNED_TYPES)[number];

/** Every type of signed message: those of terminals, those of the server, and the one of a factory. */
export const SIGNED_TYPES = [
  ...TERMINAL_SIGNED_TYPES,
  "pericard/receipt",
  "pericard/conflict",
  "pericard/rejected",
  "pericard/rewrap",
  "pericard/erased",
  "pericard/command",
  "pericard/key-offer",
  "pericard/key-order",
  "pericard/fetch-challenge",
  "pericard/returned",
  "pericard/key-statement",
  "pericard/stubs",
  "pericard/erasure",
  "pericard/intake",
  "pericard/transfer",
] as const;
export type SignedType = (typeof SIGNED_TYPES)[number];

/** A signed message taken apart. Its signature is not verified. */
export interface ParsedSigned extends CoseSign1 {
  readonly type: SignedType;
  /** 8 bytes: a terminal's routing id, or the id of a server's or a factory's key. */
  readonly keyIdBytes: Uint8Array;
}

/** The deterministic bytes of a signed message's protected header. */
export function encodeSignedHeader(type: SignedType, keyIdBytes: Uint8Array): Uint8Array {
  return encodeCbor(
    new Map<number, CborValue>([
      [HEADER.alg, ALGORITHM.ed25519],
      [HEADER.kid, keyIdBytes],
      [HEADER.typ, type],
    ]),
  );
}

/** @throws {ProtocolError} with the code of the first thing that is wrong; ERR_TYPE_MISMATCH for an unknown type. */
export function parseSigned(bytes: Uint8Array): ParsedSigned {
  if (bytes.length > ENVELOPE_BYTES_MAX) {
    throw new ProtocolError("ERR_LENGTH_LIMIT", `signed message is ${bytes.length} bytes`);
  }
  const message = decodeSign1(bytes);
  const map = decodeHeader(message.protectedBytes, ALGORITHM.ed25519, [HEADER.kid, HEADER.typ]);
  const type = readType(map.get(HEADER.typ));
  if (bytes.length > sizeBytesMaxOf(type)) {
    throw new ProtocolError("ERR_LENGTH_LIMIT", `${type} is ${bytes.length} bytes`);
  }
  readBytes("signature", message.signature, 64);
  return { ...message, type, keyIdBytes: readBytes("key id", map.get(HEADER.kid), 8) };
}

function sizeBytesMaxOf(type: SignedType): number {
  if (type === "pericard/envelope") return ENVELOPE_BYTES_MAX;
  if (type === "pericard/returned") return RETURNED_BYTES_MAX;
  return type === "pericard/transfer" ? TRANSFER_BYTES_MAX : STATEMENT_BYTES_MAX;
}

function readType(value: unknown): SignedType {
  try {
    return readOneOf("type", value, SIGNED_TYPES);
  } catch (cause) {
    throw new ProtocolError("ERR_TYPE_MISMATCH", "signed message has an unknown type", { cause });
  }
}
