/**
 * Envelopes of suite paper-2018: paper B's D' = Sig(C ‖ P' ‖ K_K), with what a reader must know before it.
 *
 * The signature covers C, P' and K_K alone, as in the paper. Whoever is on the path may change every other field; the
 * registration, the block and the digest are what a reader judges by.
 *
 * Source: docs/format-paper-2018.md §5; paper B eqs. 1 to 5, as corrected in docs/papers.md; paper A Fig. 1.
 */
import { concatBytes } from "./bytes.ts";
import { decodeCbor, encodeCbor } from "./cbor.ts";
import { ProtocolError } from "./errors.ts";
import { readArray, readBytes, readBytesUpTo, readInt, readOneOf, readTuple, readUint32 } from "./fields.ts";
import { EnvelopeId, RoutingId } from "./ids.ts";
import { ENVELOPE_BYTES_MAX, KEYS_PER_BLOCK, SEALED_SEGMENT_BYTES_MAX, SEGMENTS_PER_ENVELOPE_MAX } from "./limits.ts";
import type { KeyUse } from "./segment.ts";
import { readPaperSuite, SUITE } from "./suites.ts";
import { readDesBlocks } from "./paper-des-blocks.ts";
import { DES_BLOCK_BYTES, PAPER_CONTENT_BYTES_MAX, PAPER_ENCODED_BYTES_MAX, PAPER_RSA_BYTES } from "./paper-limits.ts";

/** What lies between the two encryptions. Source: paper A Fig. 1, Table I. */
export const PAPER_CODECS = ["gzip", "dedup", "gzip+dedup", "dedup+gzip"] as const;
export type PaperCodec = (typeof PAPER_CODECS)[number];

/** An envelope taken apart, nothing of it verified. */
export interface PaperEnvelope extends Pick<KeyUse, "cycle" | "index"> {
  readonly envelope: EnvelopeId;
  readonly routing: RoutingId;
  readonly codec: PaperCodec;
  /** C: P under K_C, a multiple of 8 bytes. */
  readonly ciphertext: Uint8Array;
  /** P': SHA-256 of P, in clear. */
  readonly digest: Uint8Array;
  /** K_K: K_C for the server. */
  readonly wrappedKey: Uint8Array;
  readonly signature: Uint8Array;
}

/** Items of an envelope's array, and so its first byte: a COSE message begins with a tag instead. */
const FIELD_COUNT = 10;
const FIRST_BYTE = 0x80 | FIELD_COUNT;

/** Whether a message from a terminal has this form, so that {@link parsePaperEnvelope} is its parser. */
export function isPaperEnvelope(bytes: Uint8Array): boolean {
  return bytes[0] === FIRST_BYTE;
}

/** D: the bytes that the signature covers. */
export function paperSignedBytes(envelope: Pick<PaperEnvelope, "ciphertext" | "digest" | "wrappedKey">): Uint8Array {
  return concatBytes(envelope.ciphertext, envelope.digest, envelope.wrappedKey);
}

/** The bytes of an envelope. @throws {ProtocolError} as {@link parsePaperEnvelope}. */
export function encodePaperEnvelope(envelope: PaperEnvelope): Uint8Array {
  const bytes = encodeCbor([
    SUITE.paper2018,
    EnvelopeId.toBytes(envelope.envelope),
    RoutingId.toBytes(envelope.routing),
    envelope.cycle,
    envelope.index,
    envelope.codec,
    envelope.ciphertext,
    envelope.digest,
    envelope.wrappedKey,
    envelope.signature,
  ]);
  parsePaperEnvelope(bytes);
  return bytes;
}

/** @throws {ProtocolError} with the code of the first thing that is wrong. */
export function parsePaperEnvelope(bytes: Uint8Array): PaperEnvelope {
  if (bytes.length > ENVELOPE_BYTES_MAX) {
    throw new ProtocolError("ERR_LENGTH_LIMIT", `envelope is ${bytes.length} bytes`);
  }
  const fields = readTuple("paper envelope", decodeCbor(bytes), FIELD_COUNT);
  readPaperSuite(fields[0]);
  return {
    envelope: EnvelopeId.fromBytes(fields[1]),
    routing: RoutingId.fromBytes(fields[2]),
    cycle: readUint32("cycle", fields[3]),
    index: readInt("key index", fields[4], 0, KEYS_PER_BLOCK - 1),
    codec: readCodec(fields[5]),
    ciphertext: readDesBlocks("ciphertext", fields[6], PAPER_ENCODED_BYTES_MAX + DES_BLOCK_BYTES),
    digest: readBytes("digest", fields[7], 32),
    wrappedKey: readBytes("wrapped key", fields[8], PAPER_RSA_BYTES),
    signature: readBytes("signature", fields[9], PAPER_RSA_BYTES),
  };
}

function readCodec(value: unknown): PaperCodec {
  try {
    return readOneOf("codec", value, PAPER_CODECS);
  } catch (cause) {
    throw new ProtocolError("ERR_CODEC_UNKNOWN", "envelope declares an unknown codec", { cause });
  }
}

/**
 * What the codec is given: 1 to 64 sealed segments exactly as journalled.
 *
 * @throws {RangeError} when there are none or more than 64, or when they are longer than a reader takes.
 */
export function encodePaperContent(segments: readonly Uint8Array[]): Uint8Array {
  if (segments.length < 1 || segments.length > SEGMENTS_PER_ENVELOPE_MAX) {
    throw new RangeError(`segments: expected 1 to ${SEGMENTS_PER_ENVELOPE_MAX}, got ${segments.length}`);
  }
  const content = encodeCbor(segments);
  if (content.length <= PAPER_CONTENT_BYTES_MAX) return content;
  throw new RangeError(`content: expected at most ${PAPER_CONTENT_BYTES_MAX} bytes, got ${content.length}`);
}

/** The sealed segments of a content. @throws {ProtocolError} ERR_LENGTH_LIMIT, ERR_CBOR_MALFORMED or ERR_FIELD_RANGE. */
export function decodePaperContent(content: Uint8Array): readonly Uint8Array[] {
  if (content.length > PAPER_CONTENT_BYTES_MAX) {
    throw new ProtocolError("ERR_LENGTH_LIMIT", `content is ${content.length} bytes`);
  }
  return readArray("segments", decodeCbor(content), 1, SEGMENTS_PER_ENVELOPE_MAX).map((item) =>
    readBytesUpTo("sealed segment", item, SEALED_SEGMENT_BYTES_MAX),
  );
}
