/**
 * Envelopes: paper B's D', the signed upload that carries sealed segments.
 *
 * Source: docs/format.md §6; paper B eqs. 1 to 5; draft-ietf-cose-hpke-25 §3.3.
 */
import { decodeCbor, decodeFirstCbor, encodeCbor, type CborValue } from "./cbor.ts";
import {
  ALGORITHM,
  decodeEncrypt,
  decodeHeader,
  decodePericardHeader,
  encodePericardHeader,
  headerBytes,
  HEADER,
} from "./cose.ts";
import { ProtocolError } from "./errors.ts";
import { readArray, readBytes, readBytesUpTo, readInt, readTuple, readUint32 } from "./fields.ts";
import { EnvelopeId, KeyId, RoutingId } from "./ids.ts";
import {
  ENVELOPE_CONTENT_BYTES_MAX,
  ENVELOPE_PADDING_BYTES,
  KEYS_PER_BLOCK,
  SEALED_SEGMENT_BYTES_MAX,
  SEGMENTS_PER_ENVELOPE_MAX,
} from "./limits.ts";
import { readPericardSuite, type SUITE } from "./suites.ts";

/** What the path may see of an envelope's inside. */
export interface EnvelopeHeader {
  readonly suite: typeof SUITE.pericard1;
  readonly envelope: EnvelopeId;
  readonly routing: RoutingId;
  /** 32 bytes that bind the ciphertext to one K_C. */
  readonly commitment: Uint8Array;
  /** Length of the padded plaintext in bytes, a multiple of 256. */
  readonly paddedBytes: number;
}

/** Which keys open K_K: the server's HPKE key and the terminal's transport key (psk_id). */
export interface RecipientHeader {
  readonly hpkeKey: KeyId;
  readonly cycle: number;
  readonly index: number;
}

/** The COSE_Encrypt inside an envelope, taken apart, nothing of it verified. */
export interface ParsedEnvelope {
  readonly header: EnvelopeHeader;
  readonly recipient: RecipientHeader;
  readonly protectedBytes: Uint8Array;
  readonly ciphertext: Uint8Array;
  readonly recipientProtectedBytes: Uint8Array;
  readonly encapsulatedKey: Uint8Array;
  readonly wrappedKey: Uint8Array;
}

/** The deterministic bytes of the COSE_Encrypt's protected header. @throws {ProtocolError} as {@link parseEnvelope}. */
export function encodeEnvelopeHeader(header: EnvelopeHeader): Uint8Array {
  const fields = [
    header.suite,
    EnvelopeId.toBytes(header.envelope),
    RoutingId.toBytes(header.routing),
    header.commitment,
    header.paddedBytes,
  ];
  readEnvelopeHeader(fields);
  return encodePericardHeader(ALGORITHM.aes256Gcm, fields);
}

/** HPKE's psk_id: which transport key of the terminal is the psk. @throws {ProtocolError} ERR_FIELD_RANGE. */
export function encodePskId(cycle: number, index: number): Uint8Array {
  return encodeCbor([readUint32("cycle", cycle), readInt("key index", index, 0, KEYS_PER_BLOCK - 1)]);
}

/** The deterministic bytes of the recipient's protected header. */
export function encodeRecipientHeader(recipient: RecipientHeader): Uint8Array {
  return encodeCbor(
    new Map<number, CborValue>([
      [HEADER.alg, ALGORITHM.hpke4KeyEncryption],
      [HEADER.kid, KeyId.toBytes(recipient.hpkeKey)],
      [HEADER.pskId, encodePskId(recipient.cycle, recipient.index)],
    ]),
  );
}

function readEnvelopeHeader(value: unknown): EnvelopeHeader {
  const fields = readTuple("envelope header", value, 5);
  const paddedBytes = readInt("padded length", fields[4], ENVELOPE_PADDING_BYTES, ENVELOPE_CONTENT_BYTES_MAX);
  if (paddedBytes % ENVELOPE_PADDING_BYTES !== 0) {
    throw new ProtocolError("ERR_FIELD_RANGE", `padded length is not a multiple of ${ENVELOPE_PADDING_BYTES}`);
  }
  return {
    suite: readPericardSuite(fields[0]),
    envelope: EnvelopeId.fromBytes(fields[1]),
    routing: RoutingId.fromBytes(fields[2]),
    commitment: readBytes("commitment", fields[3], 32),
    paddedBytes,
  };
}

/** Reads a recipient's protected header. @throws {ProtocolError} with the code of what is wrong. */
export function decodeRecipientHeader(bytes: Uint8Array): RecipientHeader {
  const map = decodeHeader(bytes, ALGORITHM.hpke4KeyEncryption, [HEADER.kid, HEADER.pskId]);
  const [cycle, index] = readTuple("psk id", decodeCbor(headerBytes(map, HEADER.pskId, 16)), 2);
  return {
    hpkeKey: KeyId.fromBytes(map.get(HEADER.kid)),
    cycle: readUint32("cycle", cycle),
    index: readInt("key index", index, 0, KEYS_PER_BLOCK - 1),
  };
}

/** Takes the payload of an envelope's COSE_Sign1 apart. @throws {ProtocolError} with the code of what is wrong. */
export function parseEnvelope(payload: Uint8Array): ParsedEnvelope {
  const message = decodeEncrypt(payload);
  const header = readEnvelopeHeader(decodePericardHeader(message.protectedBytes, ALGORITHM.aes256Gcm));
  if (message.ciphertext.length !== header.paddedBytes + 16) {
    throw new ProtocolError("ERR_FIELD_RANGE", "padded length does not fit the ciphertext");
  }
  return {
    header,
    recipient: decodeRecipientHeader(message.recipientProtectedBytes),
    protectedBytes: message.protectedBytes,
    ciphertext: message.ciphertext,
    recipientProtectedBytes: message.recipientProtectedBytes,
    encapsulatedKey: readBytes("encapsulated key", message.encapsulatedKey, 32),
    wrappedKey: readBytes("wrapped key", message.wrappedKey, 48),
  };
}

/**
 * P of an envelope: the sealed segments exactly as journalled, zero-padded to a multiple of 256 bytes.
 *
 * @throws {RangeError} when there are none or more than 64 segments, or when they would make an envelope over 20 MiB.
 */
export function encodeEnvelopeContent(segments: readonly Uint8Array[]): Uint8Array {
  if (segments.length < 1 || segments.length > SEGMENTS_PER_ENVELOPE_MAX) {
    throw new RangeError(`segments: expected 1 to ${SEGMENTS_PER_ENVELOPE_MAX}, got ${segments.length}`);
  }
  const items = encodeCbor(segments);
  const paddedBytes = Math.ceil(items.length / ENVELOPE_PADDING_BYTES) * ENVELOPE_PADDING_BYTES;
  if (paddedBytes > ENVELOPE_CONTENT_BYTES_MAX) {
    throw new RangeError(`content: expected at most ${ENVELOPE_CONTENT_BYTES_MAX} bytes, got ${paddedBytes}`);
  }
  const padded = new Uint8Array(paddedBytes);
  padded.set(items);
  return padded;
}

/**
 * The sealed segments of P, each a copy.
 *
 * @throws {ProtocolError} ERR_CBOR_MALFORMED, ERR_FIELD_RANGE, ERR_LENGTH_LIMIT, or ERR_PADDING_MALFORMED when what
 * follows the array is not fewer than 256 zero bytes.
 */
export function decodeEnvelopeContent(content: Uint8Array): readonly Uint8Array[] {
  const [value, padding] = decodeFirstCbor(content);
  if (padding.length >= ENVELOPE_PADDING_BYTES || padding.some((byte) => byte !== 0)) {
    throw new ProtocolError("ERR_PADDING_MALFORMED", "padding is not fewer than 256 zero bytes");
  }
  return readArray("segments", value, 1, SEGMENTS_PER_ENVELOPE_MAX).map((item) =>
    readBytesUpTo("sealed segment", item, SEALED_SEGMENT_BYTES_MAX),
  );
}
