/**
 * The 1,024 bytes of a terminal's secure module: the key block, then 64 bytes of its suite's own form.
 *
 *     offset  size  field
 *          0   960  key block: k_0 … k_119
 *        960     1  format (high nibble, 1) and suite (low nibble)
 *        961    59  fields of the suite: image-pericard-1.ts, image-paper-2018.ts
 *       1020     4  CRC-32C of bytes 0 to 1019, big-endian
 *
 * Source: paper A §II.A, E, F; docs/format.md §11.1.
 */
import { KEY_BLOCK_BYTES } from "@pericard/crypto";
import { SUITE } from "@pericard/protocol";
import { crc32c } from "./crc32c.ts";
import { TrsmError } from "./errors.ts";
import { readPaperFields, writePaperFields, type PaperImage } from "./image-paper-2018.ts";
import { requireSize } from "./image-part.ts";
import { readPericardFields, writePericardFields, type PericardImage } from "./image-pericard-1.ts";

/** Bytes of the module. Source: paper A §II.A. */
export const TRSM_IMAGE_BYTES = 1024;

const FORMAT = 1;
const OFFSET = { format: KEY_BLOCK_BYTES, fields: 961, crc: 1020 } as const;

/** A module's contents. The suite says which form they have, for life. */
export type TrsmImage = PericardImage | PaperImage;

/** The bytes of an image. @throws {RangeError} when a field has another size or is out of its range. */
export function encodeTrsmImage(image: TrsmImage): Uint8Array {
  requireSize("key block", image.block, KEY_BLOCK_BYTES);
  const bytes = new Uint8Array(TRSM_IMAGE_BYTES);
  bytes.set(image.block);
  bytes[OFFSET.format] = (FORMAT << 4) | image.suite;
  const fields = bytes.subarray(OFFSET.fields, OFFSET.crc);
  if (image.suite === SUITE.pericard1) writePericardFields(fields, image);
  else writePaperFields(fields, image);
  new DataView(bytes.buffer).setUint32(OFFSET.crc, crc32c(bytes.subarray(0, OFFSET.crc)));
  return bytes;
}

/**
 * Reads an image; everything in it is a copy.
 *
 * @throws {TrsmError} ERR_TRSM_IMAGE_SIZE, ERR_TRSM_IMAGE_CHECKSUM, or ERR_TRSM_IMAGE_FORMAT for another format or suite
 * and for fields that their suite does not allow.
 */
export function decodeTrsmImage(bytes: Uint8Array): TrsmImage {
  if (bytes.length !== TRSM_IMAGE_BYTES) {
    throw new TrsmError("ERR_TRSM_IMAGE_SIZE", `image is ${bytes.length} bytes, not ${TRSM_IMAGE_BYTES}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(OFFSET.crc) !== crc32c(bytes.subarray(0, OFFSET.crc))) {
    throw new TrsmError("ERR_TRSM_IMAGE_CHECKSUM", "image does not have its checksum");
  }
  const block = bytes.slice(0, KEY_BLOCK_BYTES);
  const fields = bytes.slice(OFFSET.fields, OFFSET.crc);
  switch (view.getUint8(OFFSET.format)) {
    case (FORMAT << 4) | SUITE.pericard1:
      return { suite: SUITE.pericard1, block, ...readPericardFields(fields) };
    case (FORMAT << 4) | SUITE.paper2018:
      return { suite: SUITE.paper2018, block, ...readPaperFields(fields) };
    default:
      throw new TrsmError("ERR_TRSM_IMAGE_FORMAT", "image is not of format 1 and a known suite");
  }
}
