/** Hashes and the key derivation over them. Source: FIPS 180-4; RFC 2104; RFC 5869. */
import { createHmac, hash, hkdfSync, timingSafeEqual } from "node:crypto";
import { concatBytes } from "@pericard/protocol";

/** SHA-256, 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(hash("sha256", bytes, "buffer"));
}

/** HMAC-SHA-256, 32 bytes. */
export function hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac("sha256", key).update(bytes).digest());
}

/** HKDF-Extract: PRK of 32 bytes. An empty salt means 32 zero bytes. Source: RFC 5869 §2.2. */
export function hkdfExtract(salt: Uint8Array, inputKey: Uint8Array): Uint8Array {
  return hmacSha256(salt, inputKey);
}

const EXPAND_BYTES_MAX = 255 * 32;

function requireExpandable(sizeBytes: number): void {
  if (Number.isInteger(sizeBytes) && sizeBytes >= 1 && sizeBytes <= EXPAND_BYTES_MAX) return;
  throw new RangeError(`output: expected 1 to ${EXPAND_BYTES_MAX} bytes, got ${sizeBytes}`);
}

/** HKDF-Expand: 1 to 8,160 bytes. @throws {RangeError} for another length. Source: RFC 5869 §2.3. */
export function hkdfExpand(prk: Uint8Array, info: Uint8Array, sizeBytes: number): Uint8Array {
  requireExpandable(sizeBytes);
  const output = new Uint8Array(sizeBytes);
  let block = new Uint8Array(0);
  for (let offsetBytes = 0, counter = 1; offsetBytes < sizeBytes; offsetBytes += 32, counter += 1) {
    block = new Uint8Array(hmacSha256(prk, concatBytes(block, info, Uint8Array.of(counter))));
    output.set(block.subarray(0, sizeBytes - offsetBytes), offsetBytes);
  }
  return output;
}

/** Longest info that the platform's own HKDF takes, in bytes. */
const NATIVE_INFO_BYTES_MAX = 1024;

/** HKDF: Extract, then Expand. By the platform where it can, since that takes a third of the time. */
export function hkdf(salt: Uint8Array, inputKey: Uint8Array, info: Uint8Array, sizeBytes: number): Uint8Array {
  requireExpandable(sizeBytes);
  return info.length <= NATIVE_INFO_BYTES_MAX
    ? new Uint8Array(hkdfSync("sha256", inputKey, salt, info, sizeBytes))
    : hkdfExpand(hkdfExtract(salt, inputKey), info, sizeBytes);
}

/** Whether two secrets are equal, in a time that depends on their length alone. */
export function equalSecrets(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/**
 * MD5 as the text of a Content-MD5 header: what S3 servers compare with the bytes that arrived. It finds accidents on the way and
 * secures nothing. Source: RFC 1864.
 */
export function contentMd5(bytes: Uint8Array): string {
  return hash("md5", bytes, "base64");
}
