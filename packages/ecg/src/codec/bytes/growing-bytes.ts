/** Bytes whose number is not known before. */
import { ByteWriter } from "../byte-writer.ts";

/** Collects bytes in one buffer that doubles. */
export class GrowingBytes {
  #bytes: Uint8Array;
  #length = 0;

  /** @param capacityBytes first size of the buffer. */
  constructor(capacityBytes: number) {
    this.#bytes = new Uint8Array(Math.max(64, capacityBytes));
  }

  /** Appends bytes, which are copied. */
  append(part: Uint8Array): void {
    const needed = this.#length + part.length;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(part, this.#length);
    this.#length = needed;
  }

  /** Appends an unsigned 32-bit integer as a varint. */
  varint(value: number): void {
    const writer = new ByteWriter();
    writer.varint(value);
    this.append(writer.finish());
  }

  /** All bytes so far, a copy of exactly their length. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}
