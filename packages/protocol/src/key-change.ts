/**
 * The key change: four messages by which a server gives a terminal another maximum use count, and the terminal's refusal.
 *
 *     M1 offer  server → terminal      M2 answer  terminal → server
 *     M3 order  server → terminal      M4 taken   terminal → server
 *
 * Source: docs/format.md §7.8; paper A §II.H, as corrected in docs/papers.md.
 */
import { decodeCanonical, encodeCbor, type CborValue } from "./cbor.ts";
import { ALGORITHM, decodeEncrypt0, decodePericardHeader, encodePericardHeader } from "./cose.ts";
import { ProtocolError } from "./errors.ts";
import { readBytes, readInt, readText, readTuple, readUint32 } from "./fields.ts";
import { RoutingId } from "./ids.ts";
import { KEYS_PER_BLOCK, STATEMENT_BYTES_MAX, UINT32_MAX, USE_COUNT_MAX } from "./limits.ts";
import type { KeyUse } from "./segment.ts";
import { statementKind } from "./statement-kind.ts";
import { readPericardSuite, type SUITE } from "./suites.ts";

/** external_aad of the sealed part of an order. */
export const KEY_ORDER_TYPE = "pericard/key-order";

/** Version 0 is what a terminal has before any change, and never offered. */
const readVersion = (value: unknown): number => readInt("version", value, 1, UINT32_MAX);
const readHash = (name: string, value: unknown): Uint8Array => readBytes(name, value, 32);

function readKeyUse([cycle, index, use]: readonly unknown[]): KeyUse {
  return {
    cycle: readUint32("cycle", cycle),
    index: readInt("key index", index, 0, KEYS_PER_BLOCK - 1),
    use: readUint32("use", use),
  };
}

/** M1, server to terminal: a change of this version is offered. Versions rise strictly for one terminal. */
export interface KeyOffer {
  readonly routing: RoutingId;
  readonly version: number;
  /** epk_S, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 32 random bytes, so that no two offers are the same. */
  readonly nonce: Uint8Array;
}

export const KeyOffer = statementKind<KeyOffer>(
  "key offer",
  4,
  (offer) => [RoutingId.toBytes(offer.routing), offer.version, offer.publicKey, offer.nonce],
  (fields) => ({
    routing: RoutingId.fromBytes(fields[0]),
    version: readVersion(fields[1]),
    publicKey: readBytes("public key", fields[2], 32),
    nonce: readBytes("nonce", fields[3], 32),
  }),
);

/** M2, terminal to server: the answer to one offer. */
export interface KeyAnswer {
  readonly routing: RoutingId;
  /** SHA-256 of the signed bytes of M1. */
  readonly offerHash: Uint8Array;
  /** epk_T, 32 bytes. */
  readonly publicKey: Uint8Array;
}

export const KeyAnswer = statementKind<KeyAnswer>(
  "key answer",
  3,
  (answer) => [RoutingId.toBytes(answer.routing), answer.offerHash, answer.publicKey],
  (fields) => ({
    routing: RoutingId.fromBytes(fields[0]),
    offerHash: readHash("offer", fields[1]),
    publicKey: readBytes("public key", fields[2], 32),
  }),
);

/** M4, terminal to server: the order is taken and durable. The key use is the next one at that moment. */
export interface KeyTaken extends KeyUse {
  readonly routing: RoutingId;
  /** SHA-256 of the signed bytes of M3. */
  readonly orderHash: Uint8Array;
  readonly version: number;
}

export const KeyTaken = statementKind<KeyTaken>(
  "key taken",
  6,
  (taken) => [RoutingId.toBytes(taken.routing), taken.orderHash, taken.version, taken.cycle, taken.index, taken.use],
  (fields) => ({
    routing: RoutingId.fromBytes(fields[0]),
    orderHash: readHash("order", fields[1]),
    version: readVersion(fields[2]),
    ...readKeyUse(fields.slice(3)),
  }),
);

/** Terminal to server, in place of M2 or M4: the offer or order with this hash is refused, and nothing was changed. */
export interface KeyRefused {
  readonly routing: RoutingId;
  /** SHA-256 of the signed bytes of the refused M1 or M3. */
  readonly messageHash: Uint8Array;
  /** The highest version that the terminal has answered; 0 before the first. */
  readonly version: number;
  /** An error code of docs/errors.md. */
  readonly code: string;
}

export const KeyRefused = statementKind<KeyRefused>(
  "key refused",
  4,
  (refused) => [RoutingId.toBytes(refused.routing), refused.messageHash, refused.version, refused.code],
  (fields) => ({
    routing: RoutingId.fromBytes(fields[0]),
    messageHash: readHash("message", fields[1]),
    version: readUint32("version", fields[2]),
    code: readText("code", fields[3], 64),
  }),
);

/** Protected header of the COSE_Encrypt0 that M3 signs: which group of the block it is sealed under. */
export interface KeyOrderHeader {
  readonly suite: typeof SUITE.pericard1;
  readonly routing: RoutingId;
  readonly version: number;
  /** K_command's. */
  readonly cycle: number;
  readonly index: number;
  /** 32 random bytes. */
  readonly salt: Uint8Array;
  /** 32 bytes that bind the ciphertext to one key. */
  readonly commitment: Uint8Array;
}

/** What M3 seals. */
export interface KeyOrder {
  readonly version: number;
  /** Uses after which a key gives way to the next, 360 to 2^24. */
  readonly maximum: number;
  /** The maximum holds from this use on: at once when the terminal's next use is this one or a later one. */
  readonly effectiveFrom: KeyUse;
}

/** The deterministic bytes of an order's protected header. @throws {ProtocolError} as {@link parseKeyOrder}. */
export function encodeKeyOrderHeader(header: KeyOrderHeader): Uint8Array {
  const { suite, routing, version, cycle, index, salt, commitment } = header;
  const fields: readonly CborValue[] = [suite, RoutingId.toBytes(routing), version, cycle, index, salt, commitment];
  readKeyOrderHeader(fields);
  return encodePericardHeader(ALGORITHM.aes256Gcm, fields);
}

function readKeyOrderHeader(value: unknown): KeyOrderHeader {
  const fields = readTuple("key order header", value, 7);
  return {
    suite: readPericardSuite(fields[0]),
    routing: RoutingId.fromBytes(fields[1]),
    version: readVersion(fields[2]),
    cycle: readUint32("cycle", fields[3]),
    index: readInt("key index", fields[4], 0, KEYS_PER_BLOCK - 1),
    salt: readBytes("salt", fields[5], 32),
    commitment: readBytes("commitment", fields[6], 32),
  };
}

/** The sealed part of M3 taken apart, nothing of it verified. */
export interface ParsedKeyOrder {
  readonly header: KeyOrderHeader;
  readonly protectedBytes: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/** Takes M3's payload apart. @throws {ProtocolError} with the code of the first thing that is wrong. */
export function parseKeyOrder(payload: Uint8Array): ParsedKeyOrder {
  if (payload.length > STATEMENT_BYTES_MAX) {
    throw new ProtocolError("ERR_LENGTH_LIMIT", `key order is ${payload.length} bytes`);
  }
  const { protectedBytes, ciphertext } = decodeEncrypt0(payload);
  const header = readKeyOrderHeader(decodePericardHeader(protectedBytes, ALGORITHM.aes256Gcm));
  return { header, protectedBytes, ciphertext };
}

/** The plaintext of M3. @throws {ProtocolError} ERR_FIELD_RANGE, as {@link decodeKeyOrder}. */
export function encodeKeyOrder({ version, maximum, effectiveFrom }: KeyOrder): Uint8Array {
  const fields = [version, maximum, [effectiveFrom.cycle, effectiveFrom.index, effectiveFrom.use]];
  readKeyOrder(fields);
  return encodeCbor(fields);
}

/** @throws {ProtocolError} ERR_FIELD_RANGE when the maximum or another field is out of range. */
export function decodeKeyOrder(plain: Uint8Array): KeyOrder {
  return readKeyOrder(decodeCanonical(plain, STATEMENT_BYTES_MAX));
}

function readKeyOrder(value: unknown): KeyOrder {
  const fields = readTuple("key order", value, 3);
  return {
    version: readVersion(fields[0]),
    maximum: readInt("maximum", fields[1], USE_COUNT_MAX.min, USE_COUNT_MAX.max),
    effectiveFrom: readKeyUse(readTuple("effective from", fields[2], 3)),
  };
}
