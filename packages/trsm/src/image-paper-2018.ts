/**
 * The fields of an image of suite paper-2018. Offsets count from byte 961 of the image:
 *
 *     offset  size  field
 *          0     6  serial number
 *          6     4  block index, big-endian
 *         10     1  p, the generator of the key agreement: 2 to 255
 *         11    48  Q, its large prime, big-endian: odd, highest bit set
 *
 * The terminal's RSA key has no room here; it lies in a sealed file beside. Whether Q is prime is the factory's matter.
 *
 * Source: paper A §II.E, H; docs/format.md §11.1.
 */
import { TerminalId, type SUITE } from "@pericard/protocol";
import { TrsmError } from "./errors.ts";
import { readBlockIndex, requireSize, writeBlockIndex, type ImagePart } from "./image-part.ts";

/** Bytes of Q: 384 bits. */
export const PAPER_PRIME_BYTES = 48;

const OFFSET = { serial: 0, blockIndex: 6, generator: 10, prime: 11, end: 59 } as const;
const GENERATOR = { min: 2, max: 255 } as const;

/** A module's contents for suite paper-2018. */
export interface PaperImage extends ImagePart {
  readonly suite: typeof SUITE.paper2018;
  /** Paper A's p: 2 to 255. */
  readonly generator: number;
  /** Paper A's Q: 48 bytes, big-endian, odd, highest bit set. */
  readonly prime: Uint8Array;
}

/** Writes the suite's fields. @param fields 59 zero bytes. @throws {RangeError} when one is out of its range. */
export function writePaperFields(fields: Uint8Array, image: PaperImage): void {
  requireSize("Q", image.prime, PAPER_PRIME_BYTES);
  if (!isGenerator(image.generator)) throw new RangeError(`p: expected 2 to 255, got ${image.generator}`);
  if (!isModulus(image.prime)) throw new RangeError("Q: expected an odd number of 384 bits");
  fields.set(TerminalId.toBytes(image.serial), OFFSET.serial);
  writeBlockIndex(fields, OFFSET.blockIndex, image.blockIndex);
  fields[OFFSET.generator] = image.generator;
  fields.set(image.prime, OFFSET.prime);
}

/** Reads the suite's fields. @throws {TrsmError} ERR_TRSM_IMAGE_FORMAT when p or Q is out of its range. */
export function readPaperFields(fields: Uint8Array): Omit<PaperImage, "suite" | "block"> {
  const generator = fields[OFFSET.generator] ?? 0;
  const prime = fields.slice(OFFSET.prime, OFFSET.end);
  if (!isGenerator(generator) || !isModulus(prime)) {
    throw new TrsmError("ERR_TRSM_IMAGE_FORMAT", "p or Q of the image is out of its range");
  }
  return {
    serial: TerminalId.fromBytes(fields.slice(OFFSET.serial, OFFSET.blockIndex)),
    blockIndex: readBlockIndex(fields, OFFSET.blockIndex),
    generator,
    prime,
  };
}

function isGenerator(value: number): boolean {
  return Number.isInteger(value) && value >= GENERATOR.min && value <= GENERATOR.max;
}

/** A product of odd primes passes too; an even or a short number would give keys that need no search at all. */
function isModulus(prime: Uint8Array): boolean {
  return (prime.at(0) ?? 0) >= 0x80 && (prime.at(-1) ?? 0) % 2 === 1;
}
