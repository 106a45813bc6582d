/** The server's signed answers to a terminal. Source: docs/format.md §7. */
import { ed25519Public, rawPublicKey, signMessage, verifyMessage } from "@pericard/crypto";
import {
  Conflict,
  equalBytes,
  Erased,
  FetchChallenge,
  parseSigned,
  ProtocolError,
  KeyId,
  Receipt,
  Rejected,
  Rewrap,
  type RecordingId,
  type RoutingId,
  type SignedType,
} from "@pericard/protocol";
import type { StatementSigner } from "../keys/server-keys.ts";
import type { ClosedEnvelope, Refusal } from "./open-segments.ts";
import type { Contradiction } from "./store-segments.ts";

/** Makes signed statements for terminals. */
export class StatementMaker {
  readonly #keys: StatementSigner;

  constructor(keys: StatementSigner) {
    this.#keys = keys;
  }

  #sign(type: SignedType, payload: Uint8Array): Uint8Array {
    const { privateKey, keyId } = this.#keys.statementKey;
    return signMessage(privateKey, type, KeyId.toBytes(keyId), payload);
  }

  /** These segments are durable in `copyCount` copies. Called after they are. */
  receipt(routing: RoutingId, receivedAtUnixMs: number, copyCount: number, hashes: readonly Uint8Array[]): Uint8Array {
    return this.#sign("pericard/receipt", Receipt.encode({ routing, receivedAtUnixMs, copyCount, hashes }));
  }

  /** Nothing of this recording is stored or will be. */
  erased(
    routing: RoutingId,
    erasedAtUnixMs: number,
    recording: RecordingId,
    hashes: readonly Uint8Array[],
  ): Uint8Array {
    return this.#sign("pericard/erased", Erased.encode({ routing, erasedAtUnixMs, recording, hashes }));
  }

  conflict(routing: RoutingId, detectedAtUnixMs: number, { item, cause }: Contradiction): Uint8Array {
    const { recording, stream, sequence } = item.header;
    const place = { recording, stream, sequence };
    return this.#sign(
      "pericard/conflict",
      Conflict.encode({ routing, detectedAtUnixMs, hash: item.hash, cause, ...place }),
    );
  }

  /** What a terminal has to repeat when it asks for its streams. */
  fetchChallenge(challenge: FetchChallenge): Uint8Array {
    return this.#sign("pericard/fetch-challenge", FetchChallenge.encode(challenge));
  }

  /** @param sealed a COSE_Encrypt of a returned page. */
  returned(sealed: Uint8Array): Uint8Array {
    return this.#sign("pericard/returned", sealed);
  }

  /**
   * The payload of a statement that this server signed under its present key.
   *
   * @throws {ProtocolError} when it is malformed, of another type or of another key. @throws {CryptoError}
   * ERR_SIGNATURE_INVALID.
   */
  readOwn(type: SignedType, signed: Uint8Array): Uint8Array {
    const { keyId, privateKey } = this.#keys.statementKey;
    const message = parseSigned(signed);
    if (message.type !== type || !equalBytes(message.keyIdBytes, KeyId.toBytes(keyId))) {
      throw new ProtocolError("ERR_TYPE_MISMATCH", `message is not a ${type} of the server's present key`);
    }
    verifyMessage(ed25519Public(rawPublicKey(privateKey)), message);
    return message.payload;
  }

  rejected(routing: RoutingId, rejectedAtUnixMs: number, { code, envelope, hash }: Refusal): Uint8Array {
    const hashes = hash ? [hash] : [];
    return this.#sign("pericard/rejected", Rejected.encode({ routing, rejectedAtUnixMs, code, envelope, hashes }));
  }

  /** The key that an envelope is sealed to is gone. */
  rewrap(routing: RoutingId, answeredAtUnixMs: number, { envelope, hpkeKey }: ClosedEnvelope): Uint8Array {
    return this.#sign("pericard/rewrap", Rewrap.encode({ routing, answeredAtUnixMs, envelope, hpkeKey }));
  }
}
