/** Mirror of `byte-writer.ts`, over bytes that nobody has checked. Source: docs/codec-lead-residual.md §2, docs/codec-bytes.md §1. */
import { EcgError } from "../errors.ts";

/** Reads header fields. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #offsetBytes = 0;

  /** @param bytes not copied. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bytes read so far. */
  get offsetBytes(): number {
    return this.#offsetBytes;
  }

  /** Bytes not read yet. */
  get leftBytes(): number {
    return this.#bytes.length - this.#offsetBytes;
  }

  /** The next `length` bytes, not copied. @throws {EcgError} ERR_CODEC_MALFORMED when there are fewer. */
  bytes(length: number): Uint8Array {
    if (length > this.leftBytes) throw new EcgError("ERR_CODEC_MALFORMED", "encoded stream ends before its contents");
    const start = this.#offsetBytes;
    this.#offsetBytes += length;
    return this.#bytes.subarray(start, this.#offsetBytes);
  }

  /** The next byte. @throws {EcgError} ERR_CODEC_MALFORMED at the end. */
  byte(): number {
    const value = this.#bytes[this.#offsetBytes];
    if (value === undefined) throw new EcgError("ERR_CODEC_MALFORMED", "encoded stream ends inside its header");
    this.#offsetBytes += 1;
    return value;
  }

  /** The next unsigned 32-bit integer. @throws {EcgError} ERR_CODEC_MALFORMED when longer than needed or than 32 bits. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if ((byte === 0 && shift > 0) || value > 0xffffffff) break;
        return value;
      }
    }
    throw new EcgError("ERR_CODEC_MALFORMED", "encoded stream has a malformed integer");
  }

  /** The next signed 32-bit integer. @throws {EcgError} ERR_CODEC_MALFORMED */
  signedVarint(): number {
    const value = this.varint();
    return (value >>> 1) ^ -(value & 1);
  }
}
