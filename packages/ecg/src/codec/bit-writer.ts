/** Bits into bytes, least significant first, for the short header of the entropy coder. Source: docs/codec-lead-residual.md §5.1. */

/** Collects bits; `finish` pads the last byte with zeros. */
export class BitWriter {
  readonly #bytes: number[] = [];
  #pending = 0;
  #pendingCount = 0;

  /** Appends the low `count` bits of `value`. @param count 0 to 24. */
  write(value: number, count: number): void {
    this.#pending |= value << this.#pendingCount;
    this.#pendingCount += count;
    while (this.#pendingCount >= 8) {
      this.#bytes.push(this.#pending & 0xff);
      this.#pending >>>= 8;
      this.#pendingCount -= 8;
    }
  }

  /** Appends a Rice code: value >> parameter in unary (ones, then a zero), then `parameter` low bits. */
  writeRice(value: number, parameter: number): void {
    for (let left = value >>> parameter; left > 0; left--) this.write(1, 1);
    this.write(0, 1);
    this.write(value & ((1 << parameter) - 1), parameter);
  }

  /** All bytes so far, the last one padded with zero bits. */
  finish(): Uint8Array {
    if (this.#pendingCount > 0) this.write(0, 8 - this.#pendingCount);
    return Uint8Array.from(this.#bytes);
  }
}
