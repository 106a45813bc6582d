/**
 * The two AEADs, always with a 16-byte tag at the end of the ciphertext.
 *
 * [Note: zero nonce] Every key here encrypts one message: it comes from a fresh 32-byte random salt, or is itself random.
 * The nonce is therefore twelve zero bytes. A restored counter can repeat a number, never a (key, nonce).
 *
 * Source: NIST SP 800-38D; RFC 8439; docs/format.md §4.3.
 */
import { releaseBytes } from "@pericard/protocol";
import { createCipheriv, createDecipheriv } from "node:crypto";
import { CryptoError } from "./errors.ts";

/** Bytes of the tag that every ciphertext ends with. */
export const TAG_BYTES = 16;
const ZERO_NONCE = new Uint8Array(12);
const OPTIONS = { authTagLength: TAG_BYTES } as const;

export type Aead = "aes-256-gcm" | "chacha20-poly1305";

/** Encrypts; the result is 16 bytes longer than `plain`. `nonce` is twelve zero bytes unless HPKE derives one. */
export function aeadSeal(
  aead: Aead,
  key: Uint8Array,
  aad: Uint8Array,
  plain: Uint8Array,
  nonce: Uint8Array = ZERO_NONCE,
): Uint8Array {
  const sealed = new Uint8Array(plain.length + TAG_BYTES);
  aeadSealInto(sealed, { aead, key, aad, nonce }, [plain]);
  return sealed;
}

/** With what {@link aeadSealInto} seals. */
export interface SealWith {
  readonly aead: Aead;
  readonly key: Uint8Array;
  readonly aad: Uint8Array;
  readonly nonce?: Uint8Array;
}

/** Encrypts parts, one after the other, into `target`, which has room for them and the tag and no more. */
export function aeadSealInto(
  target: Uint8Array,
  { aead, key, aad, nonce }: SealWith,
  parts: readonly Uint8Array[],
): void {
  const plaintextLength = target.length - TAG_BYTES;
  const cipher = createCipheriv(aead as "aes-256-gcm", key, nonce ?? ZERO_NONCE, OPTIONS);
  cipher.setAAD(aad, { plaintextLength });
  let offsetBytes = 0;
  for (const part of parts) {
    const encrypted = cipher.update(part);
    target.set(encrypted, offsetBytes);
    offsetBytes += encrypted.length;
    releaseBytes(encrypted);
  }
  cipher.final();
  target.set(cipher.getAuthTag(), plaintextLength);
}

/** As {@link aeadSeal}: ciphertext and tag one after the other, for a writer that gathers parts itself. */
export function aeadSealParts(
  aead: Aead,
  key: Uint8Array,
  aad: Uint8Array,
  plain: Uint8Array,
  nonce: Uint8Array = ZERO_NONCE,
): readonly [ciphertext: Uint8Array, tag: Uint8Array] {
  const cipher = createCipheriv(aead as "aes-256-gcm", key, nonce, OPTIONS);
  cipher.setAAD(aad, { plaintextLength: plain.length });
  const ciphertext = cipher.update(plain);
  cipher.final();
  return [ciphertext, cipher.getAuthTag()];
}

/**
 * Verifies and decrypts. Nothing unverified is returned.
 *
 * @throws {CryptoError} ERR_SEAL_BROKEN when the key, the aad or any byte is another.
 */
export function aeadOpen(
  aead: Aead,
  key: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
  nonce: Uint8Array = ZERO_NONCE,
): Uint8Array {
  if (sealed.length < TAG_BYTES) throw new CryptoError("ERR_SEAL_BROKEN", "sealed bytes do not open");
  const plainBytes = sealed.length - TAG_BYTES;
  const decipher = createDecipheriv(aead as "aes-256-gcm", key, nonce, OPTIONS);
  decipher.setAAD(aad, { plaintextLength: plainBytes });
  decipher.setAuthTag(sealed.subarray(plainBytes));
  const plain = decipher.update(sealed.subarray(0, plainBytes));
  try {
    decipher.final();
  } catch (cause) {
    throw new CryptoError("ERR_SEAL_BROKEN", "sealed bytes do not open", { cause });
  }
  return new Uint8Array(plain.buffer, plain.byteOffset, plain.byteLength);
}
