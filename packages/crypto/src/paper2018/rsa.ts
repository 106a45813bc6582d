/**
 * RSA of 2,048 bits with the padding of PKCS#1 v1.5, for K_K and for the signature.
 *
 * Paper B says "public key" and "private key" and no more. This padding was what one took for granted in its time.
 *
 * Source: paper B eqs. 2, 5, 6, 7; RFC 8017 §7.2, §8.2; docs/format-paper-2018.md §3.
 */
import {
  constants,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  privateDecrypt,
  publicEncrypt,
  sign,
  verify,
  type KeyObject,
} from "node:crypto";
import { concatBytes, DES_KEY_BYTES, PAPER_RSA_BYTES } from "@pericard/protocol";
import { CryptoError } from "../errors.ts";
import { equalSecrets } from "../hash.ts";
import type { RandomSource } from "../random.ts";
import { SyntheticTenant } from "./guard.ts";

const PADDING_BYTES = PAPER_RSA_BYTES - DES_KEY_BYTES - 3;
const EXPONENT = 65_537n;

/** A new key pair in DER: PKCS#8 and SubjectPublicKeyInfo. */
export interface PaperRsaPair {
  readonly privateDer: Uint8Array;
  readonly publicDer: Uint8Array;
}

/** Draws a key pair. Its primes come from the platform's own generator, which takes no other source. */
export function drawPaperRsaPair(leave: SyntheticTenant): PaperRsaPair {
  SyntheticTenant.idOf(leave);
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 8 * PAPER_RSA_BYTES });
  return {
    privateDer: new Uint8Array(privateKey.export({ format: "der", type: "pkcs8" })),
    publicDer: new Uint8Array(publicKey.export({ format: "der", type: "spki" })),
  };
}

function requireRsa(key: KeyObject): KeyObject {
  const { modulusLength, publicExponent } = key.asymmetricKeyDetails ?? {};
  const fits = modulusLength === 8 * PAPER_RSA_BYTES && publicExponent === EXPONENT;
  if (key.asymmetricKeyType === "rsa" && fits) return key;
  throw new RangeError(`rsa key: expected ${8 * PAPER_RSA_BYTES} bits and exponent ${EXPONENT}`);
}

/** A private key from PKCS#8 in DER. @throws {RangeError} when it is of another kind or size. */
export function paperRsaPrivate(leave: SyntheticTenant, der: Uint8Array): KeyObject {
  SyntheticTenant.idOf(leave);
  return requireRsa(createPrivateKey({ key: Buffer.from(der), format: "der", type: "pkcs8" }));
}

/** A public key from SubjectPublicKeyInfo in DER. @throws {RangeError} when it is of another kind or size. */
export function paperRsaPublic(leave: SyntheticTenant, der: Uint8Array): KeyObject {
  SyntheticTenant.idOf(leave);
  return requireRsa(createPublicKey({ key: Buffer.from(der), format: "der", type: "spki" }));
}

/** Random bytes none of which is zero. */
function nonZeroBytes(sizeBytes: number, random: RandomSource): Uint8Array {
  const bytes = random(sizeBytes);
  for (let i = 0; i < sizeBytes; i += 1) {
    while (bytes[i] === 0) bytes[i] = random(1)[0] ?? 0;
  }
  return bytes;
}

/** K_K: RSAES-PKCS1-v1_5 of K_C, which is 8 bytes; 256 bytes. */
export function paperWrapKey(
  leave: SyntheticTenant,
  recipient: KeyObject,
  contentKey: Uint8Array,
  random: RandomSource,
): Uint8Array {
  SyntheticTenant.idOf(leave);
  if (contentKey.length !== DES_KEY_BYTES) {
    throw new RangeError(`content key: expected ${DES_KEY_BYTES} bytes, got ${contentKey.length}`);
  }
  const padding = nonZeroBytes(PADDING_BYTES, random);
  const padded = concatBytes(Uint8Array.of(0, 2), padding, Uint8Array.of(0), contentKey);
  return new Uint8Array(publicEncrypt({ key: recipient, padding: constants.RSA_NO_PADDING }, padded));
}

/**
 * K_C out of K_K. The padding is checked here, whole and without stopping early: since exactly 8 bytes are wanted, every
 * byte of it has one place. The platform's own check would give invented bytes for a K_K that is none.
 *
 * @throws {CryptoError} ERR_SEAL_BROKEN unless it opens to 8 bytes.
 */
export function paperUnwrapKey(leave: SyntheticTenant, recipient: KeyObject, wrappedKey: Uint8Array): Uint8Array {
  SyntheticTenant.idOf(leave);
  const padded = rawDecrypt(recipient, wrappedKey);
  const markers = Uint8Array.of(padded[0] ?? 1, padded[1] ?? 0, padded[2 + PADDING_BYTES] ?? 1);
  let zeroCount = 0;
  for (let i = 2; i < 2 + PADDING_BYTES; i += 1) zeroCount += Number(padded[i] === 0);
  const isWhole = equalSecrets(markers, Uint8Array.of(0, 2, 0));
  if (!isWhole || zeroCount > 0) throw new CryptoError("ERR_SEAL_BROKEN", "sealed bytes do not open");
  return padded.slice(-DES_KEY_BYTES);
}

function rawDecrypt(recipient: KeyObject, wrappedKey: Uint8Array): Uint8Array {
  try {
    return new Uint8Array(privateDecrypt({ key: recipient, padding: constants.RSA_NO_PADDING }, wrappedKey));
  } catch (cause) {
    throw new CryptoError("ERR_SEAL_BROKEN", "sealed bytes do not open", { cause });
  }
}

/** RSASSA-PKCS1-v1_5 with SHA-256: 256 bytes, the same for the same bytes. */
export function paperSign(leave: SyntheticTenant, key: KeyObject, bytes: Uint8Array): Uint8Array {
  SyntheticTenant.idOf(leave);
  return new Uint8Array(sign("sha256", bytes, { key, padding: constants.RSA_PKCS1_PADDING }));
}

/** Whether the signature is the key's over these bytes. */
export function paperVerify(leave: SyntheticTenant, key: KeyObject, bytes: Uint8Array, signature: Uint8Array): boolean {
  SyntheticTenant.idOf(leave);
  return verify("sha256", bytes, { key, padding: constants.RSA_PKCS1_PADDING }, signature);
}
