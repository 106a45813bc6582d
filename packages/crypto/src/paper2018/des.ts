/**
 * DES as the paper uses it: one key of 8 bytes, every block for itself, PKCS#7 padding.
 *
 * The paper names neither mode nor padding: ECB needs no more than it gives. The platform keeps DES itself out of reach;
 * triple DES with the same key three times computes the same.
 *
 * Source: paper A §II.C, Fig. 1; FIPS 46-3; RFC 5652 §6.3 (padding); docs/format-paper-2018.md §3.
 */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { concatBytes, DES_KEY_BYTES } from "@pericard/protocol";
import { CryptoError } from "../errors.ts";
import { SyntheticTenant } from "./guard.ts";

const CIPHER = "des-ede3";

function tripled(key: Uint8Array): Uint8Array {
  if (key.length !== DES_KEY_BYTES) throw new RangeError(`des key: expected ${DES_KEY_BYTES} bytes, got ${key.length}`);
  return concatBytes(key, key, key);
}

/** Encrypts under 8 bytes, of which 56 bits count; 1 to 8 bytes longer than `plain`. @throws {CryptoError} ERR_SUITE_GUARD. */
export function desEncrypt(leave: SyntheticTenant, key: Uint8Array, plain: Uint8Array): Uint8Array {
  SyntheticTenant.idOf(leave);
  const cipher = createCipheriv(CIPHER, tripled(key), null);
  return concatBytes(cipher.update(plain), cipher.final());
}

/**
 * Decrypts. Only the padding tells a wrong key or changed bytes, and it fails to in 1 of 255 cases: nothing here is
 * authenticated.
 *
 * @throws {CryptoError} ERR_SEAL_BROKEN when the bytes are no whole blocks or end in no padding; ERR_SUITE_GUARD.
 */
export function desDecrypt(leave: SyntheticTenant, key: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  SyntheticTenant.idOf(leave);
  const decipher = createDecipheriv(CIPHER, tripled(key), null);
  try {
    return concatBytes(decipher.update(ciphertext), decipher.final());
  } catch (cause) {
    throw new CryptoError("ERR_SEAL_BROKEN", "sealed bytes do not open", { cause });
  }
}
