/** Finding the parts of a message by hand, forwards, checking nothing. Source: RFC 8949 §3. */

const WIDTHS = [1, 2, 4, 8] as const;

/** Reads deterministic CBOR that is known to be well formed. */
export class WireReader {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }

  /** The number or length that the next item begins with. */
  head(): number {
    const low = (this.bytes[this.at] ?? 0) & 0x1f;
    this.at += 1;
    if (low < 24) return low;
    const width = WIDTHS[low - 24] ?? 1;
    const value = width === 8 ? Number(this.bytes.readBigUInt64BE(this.at)) : this.bytes.readUIntBE(this.at, width);
    this.at += width;
    return value;
  }

  /** The contents of a byte string, in place. */
  byteString(): Buffer {
    const sizeBytes = this.head();
    this.at += sizeBytes;
    return this.bytes.subarray(this.at - sizeBytes, this.at);
  }

  /** Skips items with everything in them. @returns their bytes, in place. */
  skip(count: number): Buffer {
    const begin = this.at;
    for (let rest = count; rest > 0; rest -= 1) {
      const major = (this.bytes[this.at] ?? 0) >> 5;
      const value = this.head();
      if (major === 2 || major === 3) this.at += value;
      else if (major === 4) rest += value;
      else if (major === 5) rest += 2 * value;
      else if (major === 6) rest += 1;
    }
    return this.bytes.subarray(begin, this.at);
  }
}

/** Bytes of a CBOR text of under 24 characters. */
export function text(value: string): Buffer {
  return Buffer.concat([Buffer.of(0x60 + value.length), Buffer.from(value)]);
}

/** Bytes of a CBOR byte string of under 24 bytes. */
export function byteText(value: string): Buffer {
  return Buffer.concat([Buffer.of(0x40 + value.length), Buffer.from(value)]);
}
