/**
 * The one way in which Pericard seals a COSE_Encrypt0: a key and a commitment from a fresh salt, both in the header.
 *
 * Source: docs/format.md §4.3.
 */
import { encodeEncrypt0Start, encStructure } from "@pericard/protocol";
import { aeadOpen, aeadSealInto, TAG_BYTES } from "./aead.ts";
import { CryptoError } from "./errors.ts";
import { equalSecrets, hkdf } from "./hash.ts";

/** Bytes of salt and of commitment. */
export const SALT_BYTES = 32;

/** A key for one message and the commitment that binds the message to it. */
export interface MessageKey {
  readonly key: Uint8Array;
  readonly commitment: Uint8Array;
}

/** HKDF(salt, key, info) of 64 bytes: 32 of key, 32 of commitment. */
export function deriveMessageKey(salt: Uint8Array, key: Uint8Array, info: Uint8Array): MessageKey {
  const output = hkdf(salt, key, info, 64);
  return { key: output.subarray(0, 32), commitment: output.subarray(32) };
}

/** Seals parts, joined, under a message key that must be fresh. Bytes of a tagged COSE_Encrypt0. */
export function sealEncrypt0(
  messageKey: MessageKey,
  protectedBytes: Uint8Array,
  type: string,
  parts: readonly Uint8Array[],
): Uint8Array {
  const aad = encStructure("Encrypt0", protectedBytes, type);
  const ciphertextBytes = parts.reduce((sum, part) => sum + part.length, TAG_BYTES);
  const start = encodeEncrypt0Start(protectedBytes, ciphertextBytes);
  const bytes = new Uint8Array(start.length + ciphertextBytes);
  bytes.set(start);
  aeadSealInto(bytes.subarray(start.length), { aead: "aes-256-gcm", key: messageKey.key, aad }, parts);
  return bytes;
}

/**
 * Opens a COSE_Encrypt0 after comparing the commitment in constant time.
 *
 * @throws {CryptoError} ERR_KEY_COMMITMENT when it was sealed under another key, ERR_SEAL_BROKEN when a byte differs.
 */
export function openEncrypt0(
  messageKey: MessageKey,
  commitment: Uint8Array,
  message: { readonly protectedBytes: Uint8Array; readonly ciphertext: Uint8Array },
  type: string,
): Uint8Array {
  if (!equalSecrets(messageKey.commitment, commitment)) {
    throw new CryptoError("ERR_KEY_COMMITMENT", "message was sealed under another key");
  }
  const aad = encStructure("Encrypt0", message.protectedBytes, type);
  return aeadOpen("aes-256-gcm", messageKey.key, aad, message.ciphertext);
}
