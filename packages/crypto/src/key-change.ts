/**
 * The cryptography of the key change: an ephemeral agreement on each side, and the sealing of the order under it together
 * with the terminal's block.
 *
 * The exchange's steps know {@link KeyAgreement} alone, so that a suite with another agreement brings another one.
 *
 * Source: docs/format.md §7.8; paper A §II.H, as corrected in docs/papers.md.
 */
import {
  concatBytes,
  decodeKeyOrder,
  encodeCbor,
  encodeKeyOrder,
  encodeKeyOrderHeader,
  KEY_ORDER_TYPE,
  ProtocolError,
  type KeyOrder,
  type KeyOrderHeader,
  type ParsedKeyOrder,
} from "@pericard/protocol";
import { sha256 } from "./hash.ts";
import { rawPublicKey, x25519, x25519Private, x25519Public } from "./keys.ts";
import type { RandomSource } from "./random.ts";
import { deriveMessageKey, openEncrypt0, SALT_BYTES, sealEncrypt0, type MessageKey } from "./seal-encrypt0.ts";

/** An agreement on a secret by an exchange of public values. */
export interface KeyAgreement {
  /** A fresh pair for one exchange. */
  draw(random: RandomSource): { readonly secret: Uint8Array; readonly publicKey: Uint8Array };
  /** The shared secret. @throws {CryptoError} ERR_SHARED_SECRET when the other value allows no secret. */
  agree(secret: Uint8Array, otherPublicKey: Uint8Array): Uint8Array;
}

/** X25519: 32-byte secrets, public values and shared secrets; a shared secret of zero is refused. Source: RFC 7748 §6.1. */
export const x25519Agreement: KeyAgreement = {
  draw: (random) => {
    const secret = random(32);
    return { secret, publicKey: rawPublicKey(x25519Private(secret)) };
  },
  agree: (secret, otherPublicKey) => x25519(x25519Private(secret), x25519Public(otherPublicKey)),
};

/** What both sides of one exchange know after M2. */
export interface KeyChangeSecrets {
  /** What {@link KeyAgreement.agree} gave. */
  readonly sharedSecret: Uint8Array;
  /** K_command of the header's cycle and index: who does not have the block cannot be the other side. 32 bytes. */
  readonly commandKey: Uint8Array;
  /** {@link keyChangeTranscript}. */
  readonly transcript: Uint8Array;
}

/** SHA-256(M1 ‖ M2) over the signed bytes of both. */
export function keyChangeTranscript(offer: Uint8Array, answer: Uint8Array): Uint8Array {
  return sha256(concatBytes(offer, answer));
}

function orderKey(secrets: KeyChangeSecrets, salt: Uint8Array): MessageKey {
  const { sharedSecret, commandKey, transcript } = secrets;
  return deriveMessageKey(salt, concatBytes(sharedSecret, commandKey), encodeCbor(["key-change", transcript]));
}

/** Seals an order: the payload of M3. @throws {ProtocolError} when header or order is one that no reader takes. */
export function sealKeyOrder(
  secrets: KeyChangeSecrets,
  draft: Omit<KeyOrderHeader, "salt" | "commitment" | "version">,
  order: KeyOrder,
  random: RandomSource,
): Uint8Array {
  const salt = random(SALT_BYTES);
  const messageKey = orderKey(secrets, salt);
  const { commitment } = messageKey;
  const protectedBytes = encodeKeyOrderHeader({ ...draft, version: order.version, salt, commitment });
  return sealEncrypt0(messageKey, protectedBytes, KEY_ORDER_TYPE, [encodeKeyOrder(order)]);
}

/**
 * Opens the payload of an M3 whose signature was verified.
 *
 * @throws {CryptoError} ERR_KEY_COMMITMENT when it belongs to another exchange or block, or ERR_SEAL_BROKEN.
 * @throws {ProtocolError} ERR_FIELD_RANGE when a value is out of range, or the version another than the header's.
 */
export function openKeyOrder(secrets: KeyChangeSecrets, parsed: ParsedKeyOrder): KeyOrder {
  const { salt, commitment, version } = parsed.header;
  const order = decodeKeyOrder(openEncrypt0(orderKey(secrets, salt), commitment, parsed, KEY_ORDER_TYPE));
  if (order.version === version) return order;
  throw new ProtocolError("ERR_FIELD_RANGE", "key order has another version than its header");
}
