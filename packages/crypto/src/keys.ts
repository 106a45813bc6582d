/**
 * Raw 32-byte keys of Curve25519 and the objects that the platform computes with.
 *
 * Source: RFC 7748; RFC 8032; RFC 8410 (the fixed prefixes of private keys); RFC 8037.
 */
import { createPrivateKey, createPublicKey, diffieHellman, sign, verify, type KeyObject } from "node:crypto";
import { concatBytes, fromHex, KeyId } from "@pericard/protocol";
import { CryptoError } from "./errors.ts";
import { sha256 } from "./hash.ts";

export type { KeyObject };

const PREFIX = {
  ed25519Private: fromHex("302e020100300506032b657004220420"),
  x25519Private: fromHex("302e020100300506032b656e04220420"),
} as const;

function privateKey(prefix: Uint8Array, raw: Uint8Array): KeyObject {
  if (raw.length !== 32) throw new RangeError(`private key: expected 32 bytes, got ${raw.length}`);
  return createPrivateKey({ key: Buffer.from(concatBytes(prefix, raw)), format: "der", type: "pkcs8" });
}

/** By way of a JWK, which the platform reads in half the time that it takes for DER. */
function publicKey(curve: "Ed25519" | "X25519", raw: Uint8Array): KeyObject {
  if (raw.length !== 32) throw new RangeError(`public key: expected 32 bytes, got ${raw.length}`);
  const x = Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString("base64url");
  return createPublicKey({ key: { kty: "OKP", crv: curve, x }, format: "jwk" });
}

/** An Ed25519 signing key from its 32-byte seed. */
export const ed25519Private = (seed: Uint8Array): KeyObject => privateKey(PREFIX.ed25519Private, seed);
/** An Ed25519 verification key from its 32 bytes. */
export const ed25519Public = (raw: Uint8Array): KeyObject => publicKey("Ed25519", raw);
/** An X25519 private key from its 32 bytes; the platform clamps them. */
export const x25519Private = (raw: Uint8Array): KeyObject => privateKey(PREFIX.x25519Private, raw);
/** An X25519 public key from its 32 bytes. */
export const x25519Public = (raw: Uint8Array): KeyObject => publicKey("X25519", raw);

/** The 32 raw bytes of the public half of an Ed25519 or X25519 key. */
export function rawPublicKey(key: KeyObject): Uint8Array {
  const half = key.type === "private" ? createPublicKey(key) : key;
  return new Uint8Array(half.export({ format: "der", type: "spki" }).subarray(-32));
}

/** First 8 bytes of SHA-256 of a raw public key: how messages name a server key. */
export function keyIdOf(rawPublic: Uint8Array): KeyId {
  return KeyId.fromBytes(sha256(rawPublic).slice(0, 8));
}

/** Ed25519 signature, 64 bytes, deterministic. */
export function ed25519Sign(key: KeyObject, bytes: Uint8Array): Uint8Array {
  return new Uint8Array(sign(null, bytes, key));
}

/** Whether the signature is the key's over these bytes. */
export function ed25519Verify(key: KeyObject, bytes: Uint8Array, signature: Uint8Array): boolean {
  return verify(null, bytes, key, signature);
}

/**
 * X25519: the 32-byte shared secret.
 *
 * @throws {CryptoError} ERR_SHARED_SECRET when the other key is of low order, which would make the secret all zero.
 */
export function x25519(privateHalf: KeyObject, publicHalf: KeyObject): Uint8Array {
  try {
    const secret = new Uint8Array(diffieHellman({ privateKey: privateHalf, publicKey: publicHalf }));
    if (secret.some((byte) => byte !== 0)) return secret;
  } catch (cause) {
    throw new CryptoError("ERR_SHARED_SECRET", "shared secret cannot be computed", { cause });
  }
  throw new CryptoError("ERR_SHARED_SECRET", "shared secret is zero");
}
