/** Random bytes that a seed repeats, each draw with a number by which it can be made again. Nothing here is secret. */
import type { RandomSource } from "@pericard/crypto";

/** The bytes of one draw. Draws below 2^53. */
export type BytesOfDraw = (draw: number, sizeBytes: number) => Uint8Array;

/** Draws of a seed (unsigned, 32 bits). The first 2^32 of them differ in every four bytes. */
export function seededDraws(seed: number): BytesOfDraw {
  return (draw, sizeBytes) => {
    const words = new Uint32Array(Math.ceil(sizeBytes / 4));
    const high = Math.floor(draw / 2 ** 32);
    for (let i = 0; i < words.length; i += 1) words[i] = mixed(mixed(mixed(seed + i) + high) + draw);
    return new Uint8Array(words.buffer, 0, sizeBytes);
  };
}

/** A bijection of 32 bits that changes every bit. Source: the finalizer of MurmurHash3. */
function mixed(value: number): number {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) | 0;
}

/** A source whose draws are numbered. A salt that is not needed is not made, and can be made later. */
export class NumberedRandom {
  readonly bytesOf: BytesOfDraw;
  #next = 0;

  constructor(bytesOf: BytesOfDraw) {
    this.bytesOf = bytesOf;
  }

  /** Number of the next draw. */
  get next(): number {
    return this.#next;
  }

  /** Makes the next draw. */
  readonly source: RandomSource = (sizeBytes) => this.bytesOf(this.skip(), sizeBytes);

  /** Passes over the next draw. @returns its number. */
  skip(): number {
    this.#next += 1;
    return this.#next - 1;
  }
}
