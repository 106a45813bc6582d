/**
 * The fields of an image of suite pericard-1. Offsets count from byte 961 of the image:
 *
 *     offset  size  field
 *          0     1  flags: bit 0 identity drawn
 *          1     6  serial number
 *          7     4  block index, big-endian
 *         11    32  identity seed, drawn inside the module; zero before
 *         43    16  root pin: first 16 bytes of SHA-256 of the installation's root key
 *
 * Source: docs/format.md §11.1.
 */
import { TerminalId, type SUITE } from "@pericard/protocol";
import { TrsmError } from "./errors.ts";
import { readBlockIndex, requireSize, writeBlockIndex, type ImagePart } from "./image-part.ts";

/** Bytes of the pin of the root key. */
export const ROOT_PIN_BYTES = 16;
/** Bytes of the seed that a terminal's identity keys come from. */
export const IDENTITY_SEED_BYTES = 32;

const OFFSET = { flags: 0, serial: 1, blockIndex: 7, seed: 11, pin: 43, end: 59 } as const;
const FLAG_IDENTITY = 1;

/** A module's contents for suite pericard-1. */
export interface PericardImage extends ImagePart {
  readonly suite: typeof SUITE.pericard1;
  /** Zero until the module has drawn it. */
  readonly identitySeed: Uint8Array;
  readonly rootPin: Uint8Array;
}

/** Writes the suite's fields. @param fields 59 zero bytes. @throws {RangeError} when a field has another size. */
export function writePericardFields(fields: Uint8Array, image: PericardImage): void {
  requireSize("identity seed", image.identitySeed, IDENTITY_SEED_BYTES);
  requireSize("root pin", image.rootPin, ROOT_PIN_BYTES);
  fields[OFFSET.flags] = isDrawn(image.identitySeed) ? FLAG_IDENTITY : 0;
  fields.set(TerminalId.toBytes(image.serial), OFFSET.serial);
  writeBlockIndex(fields, OFFSET.blockIndex, image.blockIndex);
  fields.set(image.identitySeed, OFFSET.seed);
  fields.set(image.rootPin, OFFSET.pin);
}

/** Reads the suite's fields. @throws {TrsmError} ERR_TRSM_IMAGE_FORMAT when the flags contradict the seed. */
export function readPericardFields(fields: Uint8Array): Omit<PericardImage, "suite" | "block"> {
  const identitySeed = fields.slice(OFFSET.seed, OFFSET.pin);
  if (fields[OFFSET.flags] !== (isDrawn(identitySeed) ? FLAG_IDENTITY : 0)) {
    throw new TrsmError("ERR_TRSM_IMAGE_FORMAT", "flags of the image contradict its identity seed");
  }
  return {
    serial: TerminalId.fromBytes(fields.slice(OFFSET.serial, OFFSET.blockIndex)),
    blockIndex: readBlockIndex(fields, OFFSET.blockIndex),
    identitySeed,
    rootPin: fields.slice(OFFSET.pin, OFFSET.end),
  };
}

function isDrawn(identitySeed: Uint8Array): boolean {
  return identitySeed.some((byte) => byte !== 0);
}
