/** Mirror of `bit-writer.ts`, over bytes that nobody has checked. Source: docs/codec-lead-residual.md §5.1. */
import { EcgError } from "../errors.ts";

/** Longest unary part that any valid stream has. */
const UNARY_MAX = 64;

/** Reads bits, least significant first. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #bitOffset: number;

  /** @param offsetBytes where to start in `bytes`, which are not copied. */
  constructor(bytes: Uint8Array, offsetBytes: number) {
    this.#bytes = bytes;
    this.#bitOffset = offsetBytes * 8;
  }

  /** The next `count` bits, 0 to 24. @throws {EcgError} ERR_CODEC_MALFORMED when the bytes end before. */
  read(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++, this.#bitOffset++) {
      const byte = this.#bytes[this.#bitOffset >>> 3];
      if (byte === undefined) throw new EcgError("ERR_CODEC_MALFORMED", "lead-residual stream ends inside its tables");
      value |= ((byte >>> (this.#bitOffset & 7)) & 1) << i;
    }
    return value;
  }

  /** The next Rice code. @throws {EcgError} ERR_CODEC_MALFORMED when the bytes end before or the unary part exceeds 64. */
  readRice(parameter: number): number {
    let high = 0;
    while (this.read(1) === 1) {
      high += 1;
      if (high > UNARY_MAX) throw new EcgError("ERR_CODEC_MALFORMED", "lead-residual table has an endless code");
    }
    return (high << parameter) | this.read(parameter);
  }

  /** Skips to the next whole byte. @returns its offset. @throws {EcgError} ERR_CODEC_MALFORMED unless the padding is zero. */
  alignToByte(): number {
    if (this.read(-this.#bitOffset & 7) !== 0)
      throw new EcgError("ERR_CODEC_MALFORMED", "lead-residual padding is not zero");
    return this.#bitOffset / 8;
  }
}
