/** The raw bits of large values: a forward bit stream, least significant bit first. Source: docs/codec-lead-residual.md §5.3. */
import { EcgError } from "../errors.ts";

/** Appends bits to a buffer that grows. */
export class RawBitWriter {
  private bytes: Uint8Array;
  private at = 0;
  private pending = 0;
  private pendingCount = 0;

  /** @param capacityBytes first size of the buffer. */
  constructor(capacityBytes: number) {
    this.bytes = new Uint8Array(capacityBytes + 16);
  }

  /** Appends the low `count` bits of `value`. @param count 0 to 30. */
  write(value: number, count: number): void {
    if (count > 16) {
      this.write(value, 16);
      this.write(value >>> 16, count - 16);
      return;
    }
    this.pending |= (value & ((1 << count) - 1)) << this.pendingCount;
    this.pendingCount += count;
    if (this.pendingCount >= 16) this.flush();
  }

  /** All bytes so far, the last one padded with zero bits. */
  finish(): Uint8Array {
    const length = this.at + ((this.pendingCount + 7) >>> 3);
    this.flush();
    return this.bytes.subarray(0, length);
  }

  private flush(): void {
    if (this.at + 2 > this.bytes.length) {
      const grown = new Uint8Array(this.bytes.length * 2);
      grown.set(this.bytes);
      this.bytes = grown;
    }
    this.bytes[this.at] = this.pending;
    this.bytes[this.at + 1] = this.pending >>> 8;
    this.at += 2;
    this.pending >>>= 16;
    this.pendingCount -= 16;
  }
}

/** Reads what `RawBitWriter` wrote. */
export class RawBitReader {
  private readonly view: DataView;
  private readonly bitCount: number;
  private bitOffset = 0;

  /** @param bytes copied. */
  constructor(bytes: Uint8Array) {
    const padded = new Uint8Array(bytes.length + 8);
    padded.set(bytes);
    this.view = new DataView(padded.buffer);
    this.bitCount = bytes.length * 8;
  }

  /** The next `count` bits, 0 to 30. @throws {EcgError} ERR_CODEC_MALFORMED when the bytes end before. */
  read(count: number): number {
    if (count > 24) return this.read(16) | (this.read(count - 16) << 16);
    const at = this.bitOffset;
    this.bitOffset = at + count;
    if (this.bitOffset > this.bitCount)
      throw new EcgError("ERR_CODEC_MALFORMED", "lead-residual raw bits end too early");
    return (this.view.getUint32(at >>> 3, true) >>> (at & 7)) & ((1 << count) - 1);
  }

  /** @throws {EcgError} ERR_CODEC_MALFORMED unless only zero padding within the last byte is left. */
  assertEnd(): void {
    const left = this.bitCount - this.bitOffset;
    if (left >= 8 || this.read(left) !== 0)
      throw new EcgError("ERR_CODEC_MALFORMED", "lead-residual has raw bits left over");
  }
}
