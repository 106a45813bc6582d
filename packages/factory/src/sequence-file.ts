/**
 * One file of the master sequence: full chunks of 256 blocks, and at its end perhaps a shorter one.
 *
 * Source: docs/format.md §12.1.
 */
import { BLOB_OVERHEAD_BYTES, KEY_BLOCK_BYTES } from "@pericard/crypto";
import type { Folder } from "@pericard/framelog";
import { FactoryError } from "./errors.ts";

/** Blocks of one chunk: 240 KiB, so that one block is opened in well below a millisecond. */
export const CHUNK_BLOCKS = 256;
/** Blocks of one file at most, 60 MiB: what an interruption costs at most. */
export const FILE_BLOCKS = 256 * CHUNK_BLOCKS;

const CHUNK_BYTES = CHUNK_BLOCKS * KEY_BLOCK_BYTES + BLOB_OVERHEAD_BYTES;
const NAME = /^blocks-(\d{10})\.sealed$/;

/** Where a file's blocks stand in the sequence. */
export interface SequenceFile {
  readonly name: string;
  readonly firstIndex: number;
  readonly blockCount: number;
}

/** Name of the file that begins with a block. */
export function sequenceFileName(firstIndex: number): string {
  return `blocks-${String(firstIndex).padStart(10, "0")}.sealed`;
}

/** Bytes of a file of so many blocks. */
export function sequenceFileBytes(blockCount: number): number {
  return blockCount * KEY_BLOCK_BYTES + Math.ceil(blockCount / CHUNK_BLOCKS) * BLOB_OVERHEAD_BYTES;
}

function damaged(name: string, what: string): never {
  throw new FactoryError("ERR_SEQUENCE_DAMAGED", `${name} ${what}`);
}

function blockCountOf(name: string, sizeBytes: number): number {
  const chunkCount = Math.ceil(sizeBytes / CHUNK_BYTES);
  const blockCount = (sizeBytes - chunkCount * BLOB_OVERHEAD_BYTES) / KEY_BLOCK_BYTES;
  const fits = Number.isInteger(blockCount) && blockCount >= 1 && blockCount <= FILE_BLOCKS;
  if (fits && sequenceFileBytes(blockCount) === sizeBytes) return blockCount;
  return damaged(name, "has a size that no file of blocks has");
}

/**
 * The files of a folder in the order of their blocks.
 *
 * @throws {FactoryError} ERR_SEQUENCE_DAMAGED when blocks are missing between two files.
 */
export function listSequenceFiles(folder: Folder): SequenceFile[] {
  const files: SequenceFile[] = [];
  for (const name of folder.list()) {
    const number = NAME.exec(name)?.[1];
    if (number === undefined) continue;
    const last = files.at(-1);
    const firstIndex = Number(number);
    if (last && firstIndex !== endIndexOf(last)) damaged(name, `begins where block ${endIndexOf(last)} should`);
    const file = folder.open(name);
    const blockCount = blockCountOf(name, file.sizeBytes);
    file.close();
    files.push({ name, firstIndex, blockCount });
  }
  return files;
}

/** Index behind the last block of a file. */
export function endIndexOf({ firstIndex, blockCount }: SequenceFile): number {
  return firstIndex + blockCount;
}

/** The sealed chunk of a file that has a block, and the index of its first block. */
export function readSealedChunk(
  folder: Folder,
  { name, firstIndex, blockCount }: SequenceFile,
  blockIndex: number,
): { readonly firstIndex: number; readonly sealed: Uint8Array } {
  const chunk = Math.floor((blockIndex - firstIndex) / CHUNK_BLOCKS);
  const offsetBytes = chunk * CHUNK_BYTES;
  const sizeBytes = Math.min(CHUNK_BYTES, sequenceFileBytes(blockCount) - offsetBytes);
  const file = folder.open(name);
  try {
    return { firstIndex: firstIndex + chunk * CHUNK_BLOCKS, sealed: file.read(offsetBytes, sizeBytes) };
  } finally {
    file.close();
  }
}
