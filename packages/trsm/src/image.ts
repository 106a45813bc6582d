/**
 * The 1,024 bytes of a terminal's secure module.
 *
 *     offset  size  field
 *          0   960  key block: k_0 … k_119
 *        960     1  format (high nibble, 1) and suite (low nibble)
 *        961     1  flags: bit 0 identity drawn
 *        962     6  serial number
 *        968     4  block index, big-endian
 *        972    32  identity seed, drawn inside the module; zero before
 *       1004    16  root pin: first 16 bytes of SHA-256 of the installation's root key
 *       1020     4  CRC-32C of bytes 0 to 1019, big-endian
 *
 * Source: paper A §II.A, E, F; docs/format.md §11.
 */
import { KEY_BLOCK_BYTES } from "@pericard/crypto";
import { SUITE, TerminalId } from "@pericard/protocol";
import { crc32c } from "./crc32c.ts";
import { TrsmError } from "./errors.ts";

/** Bytes of the module. Source: paper A §II.A. */
export const TRSM_IMAGE_BYTES = 1024;
/** Bytes of the pin of the root key. */
export const ROOT_PIN_BYTES = 16;
/** Bytes of the seed that a terminal's identity keys come from. */
export const IDENTITY_SEED_BYTES = 32;

const FORMAT = 1;
const OFFSET = { format: 960, flags: 961, serial: 962, blockIndex: 968, seed: 972, pin: 1004, crc: 1020 } as const;
const FLAG_IDENTITY = 1;

/** A module's contents for suite pericard-1. */
export interface TrsmImage {
  readonly suite: typeof SUITE.pericard1;
  readonly block: Uint8Array;
  readonly serial: TerminalId;
  /** Index of the block in the factory's master key sequence. */
  readonly blockIndex: number;
  /** Zero until the module has drawn it. */
  readonly identitySeed: Uint8Array;
  readonly rootPin: Uint8Array;
}

function requireSize(name: string, bytes: Uint8Array, sizeBytes: number): void {
  if (bytes.length !== sizeBytes) throw new RangeError(`${name}: expected ${sizeBytes} bytes, got ${bytes.length}`);
}

/** The bytes of an image. @throws {RangeError} when a field has another size. */
export function encodeTrsmImage(image: TrsmImage): Uint8Array {
  requireSize("key block", image.block, KEY_BLOCK_BYTES);
  requireSize("identity seed", image.identitySeed, IDENTITY_SEED_BYTES);
  requireSize("root pin", image.rootPin, ROOT_PIN_BYTES);
  const bytes = new Uint8Array(TRSM_IMAGE_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(image.block, 0);
  view.setUint8(OFFSET.format, (FORMAT << 4) | image.suite);
  view.setUint8(OFFSET.flags, image.identitySeed.some((byte) => byte !== 0) ? FLAG_IDENTITY : 0);
  bytes.set(TerminalId.toBytes(image.serial), OFFSET.serial);
  view.setUint32(OFFSET.blockIndex, image.blockIndex);
  bytes.set(image.identitySeed, OFFSET.seed);
  bytes.set(image.rootPin, OFFSET.pin);
  view.setUint32(OFFSET.crc, crc32c(bytes.subarray(0, OFFSET.crc)));
  return bytes;
}

/**
 * Reads an image.
 *
 * @throws {TrsmError} ERR_TRSM_IMAGE_SIZE, ERR_TRSM_IMAGE_CHECKSUM, or ERR_TRSM_IMAGE_FORMAT for another format or suite
 * or when the flags contradict the seed.
 */
export function decodeTrsmImage(bytes: Uint8Array): TrsmImage {
  if (bytes.length !== TRSM_IMAGE_BYTES) {
    throw new TrsmError("ERR_TRSM_IMAGE_SIZE", `image is ${bytes.length} bytes, not ${TRSM_IMAGE_BYTES}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(OFFSET.crc) !== crc32c(bytes.subarray(0, OFFSET.crc))) {
    throw new TrsmError("ERR_TRSM_IMAGE_CHECKSUM", "image does not have its checksum");
  }
  const identitySeed = bytes.slice(OFFSET.seed, OFFSET.pin);
  const drawn = identitySeed.some((byte) => byte !== 0);
  if (
    view.getUint8(OFFSET.format) !== ((FORMAT << 4) | SUITE.pericard1) ||
    view.getUint8(OFFSET.flags) !== (drawn ? FLAG_IDENTITY : 0)
  ) {
    throw new TrsmError("ERR_TRSM_IMAGE_FORMAT", "image is not of format 1, suite pericard-1");
  }
  return {
    suite: SUITE.pericard1,
    block: bytes.slice(0, KEY_BLOCK_BYTES),
    serial: TerminalId.fromBytes(bytes.slice(OFFSET.serial, OFFSET.blockIndex)),
    blockIndex: view.getUint32(OFFSET.blockIndex),
    identitySeed,
    rootPin: bytes.slice(OFFSET.pin, OFFSET.crc),
  };
}
