/** The raw bits of large values: a forward bit stream, least significant bit first. Source: docs/codec-lead-residual.md §5.3. */
import { EcgError } from "../errors.ts";

/** Packs the raw bits of wide values. @param wideValues values of 16 and more, as int32 bit patterns. @param count how many.
 * @returns all bytes, the last one padded with zero bits. */
export function packRawBits(wideValues: Int32Array, count: number): Uint8Array {
  const bytes = new Uint8Array(count * 4 + 8);
  const view = new DataView(bytes.buffer);
  let at = 0;
  let pending = 0;
  let pendingCount = 0;
  for (let i = 0; i < count; i++) {
    const value = wideValues[i] ?? 0;
    const valueCount = 30 - Math.clz32(value);
    const low = value & ((1 << valueCount) - 1);
    const total = pendingCount + valueCount;
    pending |= low << pendingCount;
    view.setInt32(at, pending, true);
    at += total >>> 3;
    // From 32 bits on, what is left over was shifted out: pendingCount is at most 7, and at least 2 then.
    pending = total < 32 ? pending >>> (total & 24) : low >>> (32 - pendingCount);
    pendingCount = total & 7;
  }
  view.setInt32(at, pending, true);
  return bytes.subarray(0, at + (pendingCount > 0 ? 1 : 0));
}

/** Reads what `packRawBits` wrote. */
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
