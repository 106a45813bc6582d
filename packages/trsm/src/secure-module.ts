/**
 * The port of a secure module: keys go in and never come out; callers get sealed and signed bytes.
 *
 * Source: paper A §II.A, F; docs/keys.md.
 */
import type {
  KeyId,
  KeyUse,
  ReturnedContent,
  RoutingId,
  SegmentBody,
  SegmentHeader,
  SUITE,
  TerminalId,
  TerminalSignedType,
} from "@pericard/protocol";
import type { KeyObject, ReturnRequest } from "@pericard/crypto";

/** What a caller decides of a segment's header; the module adds identity, key use, salt and commitment. */
export type SegmentRequest = Pick<SegmentHeader, "recording" | "stream" | "sequence" | "prev" | "final">;

/** What a note is: an observation that waits, or an input that was refused. */
export type NoteKind = "draft" | "refused";

/** The server's HPKE key that envelopes are sealed to. */
export interface EnvelopeRecipient {
  readonly hpkeKey: KeyId;
  readonly hpkePublic: KeyObject;
}

/** Signs a statement of the terminal. */
export type SignStatement = (
  type: Exclude<TerminalSignedType, "pericard/envelope">,
  routing: RoutingId,
  payload: Uint8Array,
) => Uint8Array;

/** What a module does with the server's messages of a key change. */
export interface KeyChangeSteps {
  /**
   * Answers M1 with M2; the exchange is durable when it returns. The same M1 gives the same bytes. A higher version ends
   * the exchange before it.
   *
   * @throws {TrsmError} ERR_KEY_CHANGE_OLD when the version is not higher than the last. @throws {CryptoError}
   * ERR_SHARED_SECRET. @throws {ProtocolError} when it is malformed or for another terminal.
   */
  answerKeyOffer(routing: RoutingId, offer: Uint8Array): Uint8Array;
  /**
   * Takes M3 and gives M4; the new maximum and the end of the exchange are durable, in one step, when it returns. The same
   * M3 gives the same bytes.
   *
   * @throws {TrsmError} ERR_KEY_CHANGE_OLD, ERR_KEY_CHANGE_UNKNOWN when it belongs to no exchange that waits for it,
   * ERR_KEY_CHANGE_LIMIT. @throws {CryptoError} ERR_KEY_COMMITMENT or ERR_SEAL_BROKEN. @throws {ProtocolError} when it is
   * malformed, for another terminal or out of range.
   */
  takeKeyOrder(routing: RoutingId, order: Uint8Array): Uint8Array;
  /** The signed refusal of an M1 or M3, with the code of what was thrown. */
  refuseKeyChange(routing: RoutingId, message: Uint8Array, code: string): Uint8Array;
}

/** A loaded module of suite pericard-1. */
export interface SecureModule extends KeyChangeSteps {
  readonly suite: typeof SUITE.pericard1;
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
  /**
   * Seals what waits on this terminal's disk to become part of a segment, without counting a use: only this module opens
   * it. Source: docs/format.md §11.9.
   */
  sealNote(kind: NoteKind, number: number, plain: Uint8Array): Uint8Array;
  /** @throws {CryptoError} ERR_SEAL_BROKEN when it is not what this module sealed under that kind and number. */
  openNote(kind: NoteKind, number: number, sealed: Uint8Array): Uint8Array;
  /** Wraps 1 to 64 sealed segments under the current transport key and signs: the bytes of an envelope. */
  sealEnvelope(recipient: EnvelopeRecipient, routing: RoutingId, segments: readonly Uint8Array[]): Uint8Array;
  /**
   * Opens a page that the server returned to this module: streams come out, never a key. The caller has verified the
   * server's signature.
   *
   * @param payload of the signed message.
   * @throws {CryptoError} ERR_RETURN_MISMATCH when it answers another request; ERR_SHARED_SECRET, ERR_SEAL_BROKEN or ERR_KEY_COMMITMENT when it is not sealed to this module.
   * @throws {ProtocolError} when it is malformed.
   */
  openReturned(payload: Uint8Array, asked: ReturnRequest): ReturnedContent;
  readonly sign: SignStatement;
  /** A number that was never handed out before, for a status. */
  takeContact(): number;
  /** Proves the deployed block and vouches for the public keys. Source: paper A §II.G. */
  answerChallenge(challenge: Uint8Array): Uint8Array;
}
