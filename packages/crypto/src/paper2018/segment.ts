/** Sealing and opening of segments of suite paper-2018. Source: paper A Fig. 1; docs/format-paper-2018.md §4. */
import {
  encodePaperSegment,
  ProtocolError,
  SEALED_SEGMENT_BYTES_MAX,
  type PaperSegment,
  type PaperSegmentHeader,
  type WaveformDescriptor,
} from "@pericard/protocol";
import { desDecrypt, desEncrypt } from "./des.ts";
import { requireLeaveFor, type SyntheticTenant } from "./guard.ts";

/**
 * Seals one segment under k_i: the bytes that are journalled and that h is the SHA-256 of. The same samples under the same
 * key give the same ciphertext.
 *
 * @param samples encoded by the codec `raw`.
 * @throws {ProtocolError} when header, descriptor or length is one that no reader takes.
 * @throws {CryptoError} ERR_SUITE_GUARD when the header names another tenant than the leave is for.
 */
export function sealPaperSegment(
  leave: SyntheticTenant,
  storageKey: Uint8Array,
  header: PaperSegmentHeader,
  descriptor: WaveformDescriptor,
  samples: Uint8Array,
): Uint8Array {
  requireLeaveFor(leave, header.tenant);
  if (samples.length > SEALED_SEGMENT_BYTES_MAX) {
    throw new ProtocolError("ERR_LENGTH_LIMIT", `segment has ${samples.length} bytes of samples`);
  }
  return encodePaperSegment({ header, descriptor, ciphertext: desEncrypt(leave, storageKey, samples) });
}

/**
 * The encoded samples of a segment. Bytes that were changed on the way come out as other samples, unless they spoil the
 * padding: the suite has no integrity.
 *
 * @throws {CryptoError} ERR_SEAL_BROKEN; ERR_SUITE_GUARD when it names another tenant than the leave is for.
 */
export function openPaperSegment(leave: SyntheticTenant, storageKey: Uint8Array, segment: PaperSegment): Uint8Array {
  requireLeaveFor(leave, segment.header.tenant);
  return desDecrypt(leave, storageKey, segment.ciphertext);
}
