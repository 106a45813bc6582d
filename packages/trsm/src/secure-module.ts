/**
 * The port of a secure module: keys go in and never come out; callers get sealed and signed bytes.
 *
 * Source: paper A §II.A, F; docs/keys.md.
 */
import type {
  KeyId,
  KeyUse,
  RoutingId,
  SegmentBody,
  SegmentHeader,
  TerminalId,
  TerminalSignedType,
} from "@pericard/protocol";
import type { KeyObject } from "@pericard/crypto";

/** What a caller decides of a segment's header; the module adds identity, key use, salt and commitment. */
export type SegmentRequest = Pick<SegmentHeader, "recording" | "stream" | "sequence" | "prev" | "final">;

/** The server's HPKE key that envelopes are sealed to. */
export interface EnvelopeRecipient {
  readonly hpkeKey: KeyId;
  readonly hpkePublic: KeyObject;
}

/** A loaded module. */
export interface SecureModule {
  readonly terminal: TerminalId;
  /** First 16 bytes of SHA-256 of the installation's root key. */
  readonly rootPin: Uint8Array;
  /** Ed25519, 32 bytes: the source's public key, paper B's P_K-R. */
  readonly signPublicKey: Uint8Array;
  /** X25519, 32 bytes. */
  readonly agreePublicKey: Uint8Array;
  /** The key use that the next segment will have, and the policy in force. */
  readonly keyUse: KeyUse & { readonly policyVersion: number; readonly maximum: number };
  /** Seals one segment under the current storage key and counts one use. */
  sealSegment(request: SegmentRequest, body: Omit<SegmentBody, "digest">): Uint8Array;
  /**
   * Opens a segment that this module sealed, under whichever of its keys: samples come out, never a key.
   *
   * @throws {CryptoError} ERR_KEY_COMMITMENT, ERR_SEAL_BROKEN or ERR_DIGEST_MISMATCH when it is not one of this module.
   * @throws {ProtocolError} when the bytes are not a sealed segment.
   */
  openSegment(sealed: Uint8Array): SegmentBody;
  /** Wraps 1 to 64 sealed segments under the current transport key and signs: the bytes of an envelope. */
  sealEnvelope(recipient: EnvelopeRecipient, routing: RoutingId, segments: readonly Uint8Array[]): Uint8Array;
  /** Signs a statement of the terminal. */
  sign(type: Exclude<TerminalSignedType, "pericard/envelope">, routing: RoutingId, payload: Uint8Array): Uint8Array;
  /** A number that was never handed out before, for a status. */
  takeContact(): number;
  /** Proves the deployed block and vouches for the public keys. Source: paper A §II.G. */
  answerChallenge(challenge: Uint8Array): Uint8Array;
}
