/**
 * Which keys of the server a terminal believes: those that the pinned root vouches for, the newest of each purpose.
 *
 * Validity times are not compared with the terminal's clock, which is a claim; versions only rise.
 *
 * Source: docs/format.md §7.6; docs/keys.md.
 */
import { ed25519Public, keyIdOf, sha256, verifyMessage, x25519Public, type KeyObject } from "@pericard/crypto";
import {
  equalBytes,
  KeyId,
  KeyStatement,
  parseSigned,
  type KeyPurpose,
  type ParsedSigned,
  type SignedType,
} from "@pericard/protocol";
import type { EnvelopeRecipient } from "@pericard/trsm";
import { TerminalError } from "./errors.ts";

interface TrustedKey {
  readonly version: number;
  readonly keyId: KeyId;
  readonly key: KeyObject;
  /** The signed statement that vouches for it. */
  readonly statement: Uint8Array;
}

/** The trusted keys of one terminal. */
export class ServerTrust {
  readonly #rootPin: Uint8Array;
  readonly #keys = new Map<KeyPurpose, TrustedKey>();
  #ignoredCount = 0;

  /** @param rootPin first 16 bytes of SHA-256 of the root's public key. @param statements signed key statements, any order. */
  constructor(rootPin: Uint8Array, statements: readonly Uint8Array[]) {
    this.#rootPin = rootPin;
    for (const statement of statements) this.accept(statement);
  }

  /** Statements that were refused or were not newer. */
  get ignoredCount(): number {
    return this.#ignoredCount;
  }

  /** The statements behind the trusted keys, to be kept. */
  get statements(): readonly Uint8Array[] {
    return [...this.#keys.values()].map(({ statement }) => statement);
  }

  /** Takes a statement that is the pinned root's and newer than the known one. Whether it was taken; it never throws. */
  accept(signed: Uint8Array): boolean {
    // The server says its newest key again and again: it cannot know who has heard it.
    if (this.statements.some((known) => equalBytes(known, signed))) return false;
    const trusted = this.#verify(signed);
    const known = trusted && this.#keys.get(trusted.purpose);
    if (trusted && (!known || trusted.key.version > known.version)) {
      this.#keys.set(trusted.purpose, trusted.key);
      return true;
    }
    this.#ignoredCount += 1;
    return false;
  }

  /** The key that envelopes are sealed to. @throws {TerminalError} ERR_SERVER_UNTRUSTED when there is none. */
  getRecipient(): EnvelopeRecipient {
    const { keyId, key } = this.#get("hpke");
    return { hpkeKey: keyId, hpkePublic: key };
  }

  /** @throws {TerminalError} ERR_SERVER_UNTRUSTED unless there is a key of each purpose. */
  requireUsable(): void {
    this.#get("hpke");
    this.#get("receipt");
  }

  /**
   * The parsed message of the server, verified.
   *
   * @throws {ProtocolError} when it is malformed, {@link TerminalError} ERR_SERVER_UNTRUSTED when it names another key than
   * the trusted one, {@link CryptoError} ERR_SIGNATURE_INVALID.
   */
  verify(signed: Uint8Array): ParsedSigned & { readonly type: SignedType } {
    const parsed = parseSigned(signed);
    const { keyId, key } = this.#get("receipt");
    if (!equalBytes(parsed.keyIdBytes, KeyId.toBytes(keyId))) {
      throw new TerminalError("ERR_SERVER_UNTRUSTED", "message is signed by another key than the server's");
    }
    verifyMessage(key, parsed);
    return parsed;
  }

  #get(purpose: KeyPurpose): TrustedKey {
    const key = this.#keys.get(purpose);
    if (key) return key;
    throw new TerminalError(
      "ERR_SERVER_UNTRUSTED",
      `no ${purpose} key of the server is vouched for by the pinned root`,
    );
  }

  #verify(signed: Uint8Array): { readonly purpose: KeyPurpose; readonly key: TrustedKey } | undefined {
    try {
      const parsed = parseSigned(signed);
      if (parsed.type !== "pericard/key-statement") return undefined;
      const { rootPublicKey, purpose, version, publicKey } = KeyStatement.decode(parsed.payload);
      const isPinned = equalBytes(sha256(rootPublicKey).subarray(0, this.#rootPin.length), this.#rootPin);
      const isRoots = equalBytes(parsed.keyIdBytes, KeyId.toBytes(keyIdOf(rootPublicKey)));
      if (!isPinned || !isRoots) return undefined;
      verifyMessage(ed25519Public(rootPublicKey), parsed);
      const key = purpose === "hpke" ? x25519Public(publicKey) : ed25519Public(publicKey);
      return { purpose, key: { version, keyId: keyIdOf(publicKey), key, statement: signed } };
    } catch {
      // Whatever is wrong with it, a statement that does not verify says nothing.
      return undefined;
    }
  }
}
