/** The few header fields before the coded part. Source: docs/codec-lead-residual.md §2, docs/codec-bytes.md §1. */

/** Collects bytes and variable-length integers. */
export class ByteWriter {
  readonly #bytes: number[] = [];

  /** Appends one byte. */
  byte(value: number): void {
    this.#bytes.push(value & 0xff);
  }

  /** Appends an unsigned 32-bit integer, seven bits per byte, least significant first (LEB128, shortest form). */
  varint(value: number): void {
    let left = value >>> 0;
    for (; left >= 0x80; left >>>= 7) this.byte((left & 0x7f) | 0x80);
    this.byte(left);
  }

  /** Appends an int32 as the varint of its zigzag form. */
  signedVarint(value: number): void {
    this.varint((value << 1) ^ (value >> 31));
  }

  /** All bytes so far. */
  finish(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}
