/**
 * Sealing and opening of envelopes of suite paper-2018.
 *
 * Source: paper B eqs. 1 to 8, as corrected in docs/papers.md; paper A Fig. 1; docs/format-paper-2018.md §5.
 */
import {
  encodePaperEnvelope,
  EnvelopeId,
  PAPER_ENCODED_BYTES_MAX,
  paperSignedBytes,
  type PaperCodec,
  type PaperEnvelope,
  type RoutingId,
} from "@pericard/protocol";
import { CryptoError } from "../errors.ts";
import { equalSecrets, sha256 } from "../hash.ts";
import type { KeyObject } from "../keys.ts";
import type { RandomSource } from "../random.ts";
import { desDecrypt, desEncrypt } from "./des.ts";
import type { SyntheticTenant } from "./guard.ts";
import { paperSign, paperUnwrapKey, paperVerify, paperWrapKey } from "./rsa.ts";

/** A terminal's keys for one envelope. `transportKey` is K_C, 8 bytes, of that cycle and index. */
export interface PaperSealKeys {
  readonly transportKey: Uint8Array;
  readonly cycle: number;
  readonly index: number;
  /** P_K-S: the server's public key. */
  readonly recipient: KeyObject;
  /** S_K-R: the terminal's private key. */
  readonly signKey: KeyObject;
}

/** P, and what made it. */
export interface PaperPlain {
  readonly codec: PaperCodec;
  /** What the codec made of the sealed segments; at most 18 MiB. */
  readonly encoded: Uint8Array;
}

/** Seals and signs: the bytes of an envelope. @throws {RangeError} when P is longer than a reader takes. */
export function sealPaperEnvelope(
  leave: SyntheticTenant,
  keys: PaperSealKeys,
  routing: RoutingId,
  { codec, encoded }: PaperPlain,
  random: RandomSource,
): { envelope: EnvelopeId; bytes: Uint8Array } {
  if (encoded.length > PAPER_ENCODED_BYTES_MAX) {
    throw new RangeError(`content: expected at most ${PAPER_ENCODED_BYTES_MAX} bytes, got ${encoded.length}`);
  }
  const { transportKey, cycle, index } = keys;
  const envelope = EnvelopeId.fromBytes(random(16));
  const covered = {
    ciphertext: desEncrypt(leave, transportKey, encoded),
    digest: sha256(encoded),
    wrappedKey: paperWrapKey(leave, keys.recipient, transportKey, random),
  };
  const signature = paperSign(leave, keys.signKey, paperSignedBytes(covered));
  return { envelope, bytes: encodePaperEnvelope({ envelope, routing, cycle, index, codec, ...covered, signature }) };
}

/** Verifies D' under P_K-R. @throws {CryptoError} ERR_SIGNATURE_INVALID. */
export function verifyPaperEnvelope(leave: SyntheticTenant, verifyKey: KeyObject, envelope: PaperEnvelope): void {
  if (paperVerify(leave, verifyKey, paperSignedBytes(envelope), envelope.signature)) return;
  throw new CryptoError("ERR_SIGNATURE_INVALID", "signature is not the sender's");
}

/** The server's keys for one envelope. `transportKey` is K_C of the cycle and index that the envelope names. */
export interface PaperOpenKeys {
  readonly recipient: KeyObject;
  readonly transportKey: Uint8Array;
}

/**
 * P of an envelope whose signature was verified; its codec is not undone.
 *
 * @throws {CryptoError} ERR_SEAL_BROKEN when K_K does not open to 8 bytes or C does not open, ERR_KEY_COMMITMENT when K_K
 * is another key than the block's, ERR_DIGEST_MISMATCH when P' is not of P.
 */
export function openPaperEnvelope(leave: SyntheticTenant, keys: PaperOpenKeys, envelope: PaperEnvelope): Uint8Array {
  const contentKey = paperUnwrapKey(leave, keys.recipient, envelope.wrappedKey);
  if (!equalSecrets(contentKey, keys.transportKey)) {
    throw new CryptoError("ERR_KEY_COMMITMENT", "envelope was sealed under another key");
  }
  const encoded = desDecrypt(leave, contentKey, envelope.ciphertext);
  if (equalSecrets(sha256(encoded), envelope.digest)) return encoded;
  throw new CryptoError("ERR_DIGEST_MISMATCH", "digest does not belong to the content");
}
