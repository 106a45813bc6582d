/** Sealing and opening of segments under a terminal's storage key. Source: docs/format.md §5; paper A Fig. 1. */
import {
  decodeSegmentBody,
  encodeCbor,
  encodeSegmentBody,
  encodeSegmentHeader,
  ProtocolError,
  RecordingId,
  SEALED_SEGMENT_BYTES_MAX,
  SEGMENT_TYPE,
  type ParsedSegment,
  type SegmentBody,
  type SegmentHeader,
} from "@pericard/protocol";
import { CryptoError } from "./errors.ts";
import { equalSecrets, sha256 } from "./hash.ts";
import type { RandomSource } from "./random.ts";
import { deriveMessageKey, openEncrypt0, SALT_BYTES, sealEncrypt0, type MessageKey } from "./seal-encrypt0.ts";

/** A header before sealing: salt and commitment are made while sealing. */
export type SegmentHeaderDraft = Omit<SegmentHeader, "salt" | "commitment">;

/** A body before sealing: the digest P' is made while sealing. */
export type SegmentBodyDraft = Omit<SegmentBody, "digest">;

function segmentKey(storageKey: Uint8Array, header: Omit<SegmentHeader, "commitment">): MessageKey {
  const { recording, stream, sequence, use } = header;
  const info = encodeCbor(["segment", RecordingId.toBytes(recording), stream, sequence, use]);
  return deriveMessageKey(header.salt, storageKey, info);
}

/**
 * Seals one segment: the bytes that are journalled and that h is the SHA-256 of.
 *
 * @throws {ProtocolError} when header, body or length is one that no reader takes.
 */
export function sealSegment(
  storageKey: Uint8Array,
  draft: SegmentHeaderDraft,
  body: SegmentBodyDraft,
  random: RandomSource,
): Uint8Array {
  const salted = { ...draft, salt: random(SALT_BYTES) };
  const messageKey = segmentKey(storageKey, salted);
  const protectedBytes = encodeSegmentHeader({ ...salted, commitment: messageKey.commitment });
  const plain = encodeSegmentBody({ ...body, digest: sha256(body.encoded) });
  const sealed = sealEncrypt0(messageKey, protectedBytes, SEGMENT_TYPE, [plain]);
  if (sealed.length <= SEALED_SEGMENT_BYTES_MAX) return sealed;
  throw new ProtocolError("ERR_LENGTH_LIMIT", `sealed segment would be ${sealed.length} bytes`);
}

/** An opened segment: its plaintext as sealed, and what it says. The samples are not decoded. */
export interface OpenedSegment {
  readonly plain: Uint8Array;
  readonly body: SegmentBody;
}

/** Checks a body's P' against its encoded bytes. @throws {CryptoError} ERR_DIGEST_MISMATCH. */
export function verifyDigest(body: SegmentBody): void {
  if (!equalSecrets(sha256(body.encoded), body.digest)) {
    throw new CryptoError("ERR_DIGEST_MISMATCH", "digest does not belong to the encoded samples");
  }
}

/**
 * Opens one segment and checks P'.
 *
 * @throws {CryptoError} ERR_KEY_COMMITMENT, ERR_SEAL_BROKEN or ERR_DIGEST_MISMATCH.
 * @throws {ProtocolError} when the plaintext is not a segment body.
 */
export function openSegment(storageKey: Uint8Array, parsed: ParsedSegment): OpenedSegment {
  const messageKey = segmentKey(storageKey, parsed.header);
  const plain = openEncrypt0(messageKey, parsed.header.commitment, parsed, SEGMENT_TYPE);
  const body = decodeSegmentBody(plain);
  verifyDigest(body);
  return { plain, body };
}
