const POLYNOMIAL = 0x82f63b78;

/** CRC-32C (Castagnoli) of a small byte string, unsigned. Source: RFC 3720 appendix B.4. */
export function crc32c(bytes: Uint8Array): number {
  let remainder = 0xffff_ffff;
  for (const byte of bytes) {
    remainder ^= byte;
    for (let bit = 0; bit < 8; bit += 1) remainder = (remainder >>> 1) ^ (remainder & 1 ? POLYNOMIAL : 0);
  }
  return (remainder ^ 0xffff_ffff) >>> 0;
}
