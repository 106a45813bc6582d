/**
 * Keys of which all but a few bits are known, so that a search ends in seconds and not in years.
 *
 * Every key is the same in its known bits, as if they had been told: one search then tests all keys, as it does with 2^56.
 * A DES key has 56 bits that count, seven in each byte; the lowest bit of a byte is its parity and is 0 here.
 *
 * Source: FIPS 46-3; paper A §IV.
 */
import { systemRandom } from "@pericard/crypto";
import { DES_KEY_BYTES, KEYS_PER_BLOCK } from "@pericard/protocol";

const BITS_PER_BYTE = 7;
/** Keys of a block that one key of pericard-1 comes from. */
export const KEYS_PER_GROUP = 8;

/** A space of 2^`bits` keys. */
export class ReducedKeys {
  readonly bits: number;
  readonly #known: Uint8Array;

  /** Draws what is known of every key. @param bits 1 to 28: how many are not. */
  constructor(bits: number) {
    if (!Number.isInteger(bits) || bits < 1 || bits > 28) throw new RangeError(`bits: expected 1 to 28, got ${bits}`);
    this.bits = bits;
    this.#known = systemRandom(DES_KEY_BYTES).map((byte) => byte & 0xfe);
  }

  get size(): number {
    return 2 ** this.bits;
  }

  /** The key of that number, 0 to `size` - 1, written into `key`. */
  write(number: number, key: Uint8Array): void {
    let left = number;
    let bits = this.bits;
    key.set(this.#known);
    for (let at = DES_KEY_BYTES - 1; bits > 0; at -= 1, bits -= BITS_PER_BYTE) {
      const mask = (1 << Math.min(bits, BITS_PER_BYTE)) - 1;
      key[at] = ((key[at] ?? 0) & ~(mask << 1)) | ((left & mask) << 1);
      left >>>= BITS_PER_BYTE;
    }
  }

  /** The key of the space that has the open bits of `key`. @returns a new array. */
  reduce(key: Uint8Array): Uint8Array {
    const reduced = new Uint8Array(DES_KEY_BYTES);
    this.write(this.#numberIn(key), reduced);
    return reduced;
  }

  #numberIn(key: Uint8Array): number {
    let number = 0;
    for (let at = DES_KEY_BYTES - 1, shift = 0; shift < this.bits; at -= 1, shift += BITS_PER_BYTE) {
      number |= ((key[at] ?? 0) >> 1) << shift;
    }
    return number & (this.size - 1);
  }

  /** A key of the space, drawn evenly. */
  draw(): Uint8Array {
    const key = new Uint8Array(DES_KEY_BYTES);
    this.write(new DataView(systemRandom(4).buffer).getUint32(0) % this.size, key);
    return key;
  }

  /** 120 of them: a terminal's block. */
  drawBlock(): Uint8Array {
    return this.#drawInto(0, KEYS_PER_BLOCK);
  }

  /** A block in which the eight keys of group `index` are drawn and the others are zero. */
  drawGroup(index: number): Uint8Array {
    return this.#drawInto(index, KEYS_PER_GROUP);
  }

  #drawInto(index: number, count: number): Uint8Array {
    const block = new Uint8Array(KEYS_PER_BLOCK * DES_KEY_BYTES);
    for (let i = index; i < index + count; i += 1) block.set(this.draw(), (i % KEYS_PER_BLOCK) * DES_KEY_BYTES);
    return block;
  }
}
