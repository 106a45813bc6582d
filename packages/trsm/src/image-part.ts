/** What every form of the image has. Source: docs/format.md §11.1. */
import type { TerminalId } from "@pericard/protocol";

/** Members of an image of any suite. */
export interface ImagePart {
  /** 960 bytes: k_0 … k_119. */
  readonly block: Uint8Array;
  readonly serial: TerminalId;
  /** Index of the block in the factory's master key sequence, unsigned 32 bit. Source: paper A §II.E. */
  readonly blockIndex: number;
}

/** @throws {RangeError} when a field has another size. */
export function requireSize(name: string, bytes: Uint8Array, sizeBytes: number): void {
  if (bytes.length !== sizeBytes) throw new RangeError(`${name}: expected ${sizeBytes} bytes, got ${bytes.length}`);
}

/** Writes the block index, big-endian. @throws {RangeError} when it is no unsigned 32-bit integer. */
export function writeBlockIndex(fields: Uint8Array, offset: number, blockIndex: number): void {
  if (!Number.isInteger(blockIndex) || blockIndex < 0 || blockIndex > 0xffff_ffff) {
    throw new RangeError(`block index: expected 0 to 4294967295, got ${blockIndex}`);
  }
  viewOf(fields).setUint32(offset, blockIndex);
}

/** The block index that stands there. */
export function readBlockIndex(fields: Uint8Array, offset: number): number {
  return viewOf(fields).getUint32(offset);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
