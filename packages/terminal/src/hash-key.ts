/** h of a sealed segment or gap as a key of maps: 32 characters of one byte each, an eighth of what the bytes cost. */

declare const brand: unique symbol;
/** SHA-256 of an item as journalled, one character a byte. */
export type HashKey = string & { readonly [brand]: "hash" };

/** The key of 32 bytes. */
export function hashKeyOf(hash: Uint8Array): HashKey {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).toString("latin1") as HashKey;
}

/** The 32 bytes of a key. */
export function hashOf(key: HashKey): Uint8Array {
  return new Uint8Array(Buffer.from(key, "latin1"));
}
