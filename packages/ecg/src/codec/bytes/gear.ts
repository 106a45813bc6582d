/** Where chunks end, decided by what the bytes are and not by where they lie, so that the same stretch is cut the same way
 * wherever it comes again. Only the encoder's choices depend on it, never exactness.
 * Source: docs/codec-bytes.md §4; the rolling hash is Gear's (Xia et al., Ddelta, 2014), the two masks FastCDC's (Xia et al., USENIX ATC 2016). */

/** No chunk but the last is shorter. */
export const CHUNK_BYTES_MIN = 128;
/** Up to here an end is rarer than after it, so that most chunks have about this length. */
const CHUNK_BYTES_NORMAL = 512;
/** No chunk is longer, in an encoder's output. */
const CHUNK_BYTES_MAX = 4096;
/** A bit of the hash forgets a byte after this many more. */
const HASH_BYTES = 32;
/** High bits, since those depend on the most bytes: an end in 2^11 places before the normal length, in 2^7 after it. */
const RARE_MASK = 0xffe0_0000 | 0;
const COMMON_MASK = 0xfe00_0000 | 0;

/** One word for each byte value, as unlike as those of a 32-bit mixer: Murmur3's finaliser over multiples of the golden ratio. */
const GEAR = Int32Array.from({ length: 256 }, (_, byte) => {
  let word = Math.imul(byte + 1, 0x9e37_79b9);
  word = Math.imul(word ^ (word >>> 16), 0x85eb_ca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2_ae35);
  return word ^ (word >>> 16);
});

/** Where the chunk that begins at `start` ends: at most the length of `bytes`, and behind `start` when that is before it. */
export function chunkEnd(bytes: Uint8Array, start: number): number {
  const gear = GEAR;
  const limit = Math.min(bytes.length, start + CHUNK_BYTES_MAX);
  const normal = Math.min(limit, start + CHUNK_BYTES_NORMAL);
  let at = Math.min(limit, start + CHUNK_BYTES_MIN - HASH_BYTES);
  const first = Math.min(limit, start + CHUNK_BYTES_MIN);
  let hash = 0;
  while (at < first) hash = ((hash << 1) + (gear[bytes[at++] ?? 0] ?? 0)) | 0;
  while (at < normal) {
    hash = ((hash << 1) + (gear[bytes[at++] ?? 0] ?? 0)) | 0;
    if ((hash & RARE_MASK) === 0) return at;
  }
  while (at < limit) {
    hash = ((hash << 1) + (gear[bytes[at++] ?? 0] ?? 0)) | 0;
    if ((hash & COMMON_MASK) === 0) return at;
  }
  return limit;
}
