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

  /** A place of two zero words is free; the key of zeros is kept as the one beside it. */
  #add(high: number, low: number): boolean {
    const words = this.#words;
    const kept = high === 0 && low === 0 ? 1 : low;
    for (let place = low & this.#mask; ; place = (place + 1) & this.#mask) {
      const at = WORDS_PER_KEY * place;
      if (words[at] === high && words[at + 1] === kept) return false;
      if (words[at] !== 0 || words[at + 1] !== 0) continue;
      words[at] = high;
      words[at + 1] = kept;
      return true;
    }
  }
}
