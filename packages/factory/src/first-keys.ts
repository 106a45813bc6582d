/**
 * The first keys of all blocks of a sequence, to find a block that was drawn twice.
 *
 * Two equal blocks have equal first keys, so none is missed. Two different blocks share one by chance once in 2^25
 * sequences of a million: that is refused as well, since a generator that repeats itself is the likelier cause.
 *
 * Source: paper A §II.G.
 */
import { KEY_BLOCK_BYTES } from "@pericard/crypto";

const WORDS_PER_KEY = 2;

/** A set of 8-byte keys in 16 to 32 bytes of memory each. */
export class FirstKeys {
  readonly #words: Uint32Array;
  readonly #mask: number;

  /** @param countMax as many keys as are ever added. */
  constructor(countMax: number) {
    const capacity = 2 ** Math.ceil(Math.log2(2 * Math.max(1, countMax)));
    this.#words = new Uint32Array(WORDS_PER_KEY * capacity);
    this.#mask = capacity - 1;
  }

  /** Adds the first key of each of the blocks that lie one after the other. @returns whether all of them were new. */
  addAll(blocks: Uint8Array): boolean {
    const view = new DataView(blocks.buffer, blocks.byteOffset, blocks.byteLength);
    for (let offset = 0; offset < blocks.length; offset += KEY_BLOCK_BYTES) {
      if (!this.#add(view.getUint32(offset), view.getUint32(offset + 4))) return false;
    }
    return true;
  }

  /** Whether the set has the first key of a block. */
  has(block: Uint8Array): boolean {
    const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
    return this.#isTaken(WORDS_PER_KEY * this.#placeOf(view.getUint32(0), view.getUint32(4)));
  }

  #add(high: number, low: number): boolean {
    const at = WORDS_PER_KEY * this.#placeOf(high, low);
    if (this.#isTaken(at)) return false;
    this.#words[at] = high;
    this.#words[at + 1] = keptLow(high, low);
    return true;
  }

  #isTaken(at: number): boolean {
    return this.#words[at] !== 0 || this.#words[at + 1] !== 0;
  }

  /** Where a key is, or the free place where it would be put. */
  #placeOf(high: number, low: number): number {
    const words = this.#words;
    const kept = keptLow(high, low);
    for (let place = low & this.#mask; ; place = (place + 1) & this.#mask) {
      const at = WORDS_PER_KEY * place;
      if (!this.#isTaken(at) || (words[at] === high && words[at + 1] === kept)) return place;
    }
  }
}

/** A place of two zero words is free; the key of zeros is kept as the one beside it. */
function keptLow(high: number, low: number): number {
  return high === 0 && low === 0 ? 1 : low;
}
