/**
 * Small sealed values at rest: wrapped keys, key blocks, TRSM images, summaries. One key from a fresh salt each.
 *
 * Layout: salt 32 ‖ ciphertext ‖ tag 16. The context names what it is and whose; it is authenticated, not stored.
 *
 * Source: docs/format.md §4.4.
 */
import { concatBytes, encodeCbor, type CborValue } from "@pericard/protocol";
import { aeadOpen, aeadSealParts, TAG_BYTES } from "./aead.ts";
import { CryptoError } from "./errors.ts";
import { hkdf } from "./hash.ts";
import type { RandomSource } from "./random.ts";

const SALT = 32;

/** Bytes by which a sealed blob is longer than its contents. */
export const BLOB_OVERHEAD_BYTES = SALT + TAG_BYTES;

/** Names a blob: its kind first, then the ids that it belongs to. */
export type BlobContext = readonly [kind: string, ...ids: readonly CborValue[]];

/** Seals `plain` under `key` for one context. */
export function sealBlob(key: Uint8Array, context: BlobContext, plain: Uint8Array, random: RandomSource): Uint8Array {
  return concatBytes(...sealBlobParts(key, context, plain, random));
}

/** As {@link sealBlob}: salt, ciphertext and tag one after the other, not copied together. */
export function sealBlobParts(
  key: Uint8Array,
  context: BlobContext,
  plain: Uint8Array,
  random: RandomSource,
): readonly Uint8Array[] {
  const info = encodeCbor(context);
  const salt = random(SALT);
  return [salt, ...aeadSealParts("aes-256-gcm", hkdf(salt, key, info, 32), info, plain)];
}

/** Opens a blob of the same context. @throws {CryptoError} ERR_SEAL_BROKEN for another key, context or byte. */
export function openBlob(key: Uint8Array, context: BlobContext, blob: Uint8Array): Uint8Array {
  if (blob.length < BLOB_OVERHEAD_BYTES) throw new CryptoError("ERR_SEAL_BROKEN", "sealed bytes do not open");
  const info = encodeCbor(context);
  return aeadOpen("aes-256-gcm", hkdf(blob.subarray(0, SALT), key, info, 32), info, blob.subarray(SALT));
}
