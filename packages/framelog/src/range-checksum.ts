/**
 * CRC-32 of any stretch of a file at a cost that does not depend on its length.
 *
 * [Note: linear search] A search for the next frame tries every place that looks like a frame's head. Who writes the
 * contents may fill one with such places, each claiming 20 MiB; to sum each of them afresh would take hours. So the
 * sums of whole blocks are made once, and a stretch's sum follows from two of them: CRC is linear, and appending n zero
 * bytes multiplies by x^(8n) modulo the polynomial.
 *
 * Source: zlib crc32.c (crc32_combine); Ross Williams, A Painless Guide to CRC Error Detection Algorithms, §5.
 */
import { crc32 } from "node:zlib";
import type { LogFile } from "./folder.ts";

const POLYNOMIAL = 0xedb88320;
const BLOCK_BYTES = 4096;

/** Product of two polynomials modulo the CRC's, bits reversed as in the CRC itself. */
function multiply(a: number, b: number): number {
  let product = 0;
  let factor = b;
  for (let mask = 0x8000_0000; mask !== 0; mask >>>= 1) {
    if ((a & mask) !== 0) product ^= factor;
    factor = (factor & 1) === 0 ? factor >>> 1 : (factor >>> 1) ^ POLYNOMIAL;
  }
  return product >>> 0;
}

/** x^(2^k) for k from 0 to 31. */
const POWERS = ((): readonly number[] => {
  const powers = [0x4000_0000];
  while (powers.length < 32) powers.push(multiply(powers.at(-1) ?? 0, powers.at(-1) ?? 0));
  return powers;
})();

/** What a CRC-32 becomes when that many zero bytes follow, without the CRC's own conditioning; below 2^28 bytes. */
export function shiftCrc32(checksum: number, zeroBytes: number): number {
  let shifted = checksum;
  for (let k = 3, rest = zeroBytes; rest > 0; k += 1, rest >>>= 1) {
    if ((rest & 1) === 1) shifted = multiply(POWERS[k] ?? 0, shifted);
  }
  return shifted >>> 0;
}

/** Sums over one file, whose bytes must not change. It reads a block once, in order, when a sum first needs it. */
export class RangeChecksum {
  readonly #file: LogFile;
  readonly #baseBytes: number;
  /** CRC-32 from the base to the beginning of each block. */
  readonly #sums = [0];

  /** `baseBytes`: no stretch begins before it. */
  constructor(file: LogFile, baseBytes: number) {
    this.#file = file;
    this.#baseBytes = baseBytes;
  }

  /** CRC-32 of the bytes from `startBytes` up to `endBytes`, both places in the file; under 256 MiB apart. */
  of(startBytes: number, endBytes: number): number {
    const first = Math.ceil((startBytes - this.#baseBytes) / BLOCK_BYTES);
    const last = Math.floor((endBytes - this.#baseBytes) / BLOCK_BYTES);
    if (last - first < 1) return crc32(this.#read(startBytes, endBytes));
    const before = crc32(this.#read(startBytes, this.#placeOf(first)));
    const blocks = shiftCrc32((before ^ this.#sumTo(first)) >>> 0, (last - first) * BLOCK_BYTES) ^ this.#sumTo(last);
    return crc32(this.#read(this.#placeOf(last), endBytes), blocks >>> 0);
  }

  #placeOf(block: number): number {
    return this.#baseBytes + block * BLOCK_BYTES;
  }

  #sumTo(block: number): number {
    for (let next = this.#sums.length; next <= block; next += 1) {
      this.#sums.push(crc32(this.#read(this.#placeOf(next - 1), this.#placeOf(next)), this.#sums[next - 1]));
    }
    return this.#sums[block] ?? 0;
  }

  #read(startBytes: number, endBytes: number): Uint8Array {
    return this.#file.read(startBytes, endBytes - startBytes);
  }
}
