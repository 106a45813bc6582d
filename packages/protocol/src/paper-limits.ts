/** Sizes of suite paper-2018. Source: docs/format-paper-2018.md §2. */

/** Bytes of a DES block and of a DES key. Source: paper A §II.C. */
export const DES_BLOCK_BYTES = 8;
export const DES_KEY_BYTES = 8;

/** Bytes of an RSA modulus, and so of K_K and of a signature: 2,048 bits. The papers name no size. */
export const PAPER_RSA_BYTES = 256;

/** Bytes of Q, and so of A, B and K of the key exchange: 384 bits, since the module has room for no more. */
export const PAPER_GROUP_BYTES = 48;

/**
 * Content of one envelope before its codec, in bytes: one largest segment and its array. Decompression stops here, and
 * what the server makes of it still fits one data package.
 */
export const PAPER_CONTENT_BYTES_MAX = 16 * 1024 * 1024 + 64;

/** What the codec made of it: a codec that gains nothing may add a little. */
export const PAPER_ENCODED_BYTES_MAX = 18 * 1024 * 1024;
