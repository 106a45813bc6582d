/**
 * The factory's master key sequence: the blocks of all terminals, one after the other, sealed in chunks.
 *
 * Block `index` stands at offset 960 · index. A file is durable as a whole or not there, so an interrupted drawing goes on
 * behind the last file, and no index is ever drawn again.
 *
 * Source: paper A §II.E, G; docs/format.md §12.1.
 */
import { CryptoError, KEY_BLOCK_BYTES, openBlob, sealBlobParts, type RandomSource } from "@pericard/crypto";
import type { MasterSequenceKey, TerminalBlock } from "@pericard/custody";
import type { Folder } from "@pericard/framelog";
import { releaseBytes } from "@pericard/protocol";
import { FactoryError } from "./errors.ts";
import { FirstKeys } from "./first-keys.ts";
import {
  CHUNK_BLOCKS,
  endIndexOf,
  FILE_BLOCKS,
  listSequenceFiles,
  readSealedChunk,
  sequenceFileName,
  type SequenceFile,
} from "./sequence-file.ts";

/** Most blocks of a sequence, 2^23: with them the search for duplicates needs 128 MiB. */
export const SEQUENCE_BLOCKS_MAX = 8_388_608;

/** An open sequence. One process at a time may extend it: the caller holds the folder's lock. */
export class MasterSequence {
  readonly #folder: Folder;
  readonly #key: MasterSequenceKey;
  readonly #files: SequenceFile[];
  /** Index of the first block when there is no file yet. */
  readonly #beginIndex: number;

  private constructor(folder: Folder, key: MasterSequenceKey, files: SequenceFile[], beginIndex: number) {
    this.#folder = folder;
    this.#key = key;
    this.#files = files;
    this.#beginIndex = beginIndex;
  }

  /**
   * Opens the sequence of a folder. An empty one begins with the first block that no terminal has, so that a sequence
   * whose files are lost goes on: blocks that terminals have are in the key store too.
   *
   * @param nextIndex index of the first block that no terminal has.
   * @throws {FactoryError} ERR_SEQUENCE_DAMAGED when files are missing, or terminals have blocks behind the last file.
   */
  static open(folder: Folder, key: MasterSequenceKey, nextIndex: number): MasterSequence {
    const sequence = new MasterSequence(folder, key, listSequenceFiles(folder), nextIndex);
    if (sequence.endIndex >= nextIndex) return sequence;
    throw new FactoryError("ERR_SEQUENCE_DAMAGED", "terminals have blocks behind the end of the master sequence");
  }

  /** Index of the first block. */
  get firstIndex(): number {
    return this.#files[0]?.firstIndex ?? this.#beginIndex;
  }

  /** Index behind the last block. */
  get endIndex(): number {
    const last = this.#files.at(-1);
    return last ? endIndexOf(last) : this.#beginIndex;
  }

  /**
   * Draws blocks up to `endIndex`; what is there already is read once, and never drawn again. Durable when it returns,
   * and at each `onProgress`, which is told the end that the sequence has by then.
   *
   * @throws {FactoryError} ERR_SEQUENCE_LIMIT, ERR_SEQUENCE_DUPLICATE when a block comes twice, ERR_SEQUENCE_DAMAGED when
   * blocks that are there do not open, ERR_SEQUENCE_DISK.
   * @throws {RangeError} when `endIndex` is not a whole number.
   */
  extendTo(endIndex: number, random: RandomSource, onProgress: (endIndex: number) => void = () => undefined): void {
    if (!Number.isSafeInteger(endIndex)) throw new RangeError(`end index: expected a whole number, got ${endIndex}`);
    if (endIndex <= this.endIndex) return;
    const blockCount = endIndex - this.firstIndex;
    if (blockCount > SEQUENCE_BLOCKS_MAX) {
      throw new FactoryError("ERR_SEQUENCE_LIMIT", `sequence of ${blockCount} blocks, at most ${SEQUENCE_BLOCKS_MAX}`);
    }
    const firstKeys = this.#firstKeys(blockCount);
    while (this.endIndex < endIndex) {
      this.#drawFile(Math.min(FILE_BLOCKS, endIndex - this.endIndex), firstKeys, random);
      onProgress(this.endIndex);
    }
  }

  /** The 960 bytes of one block. @throws {FactoryError} ERR_SEQUENCE_DAMAGED, or ERR_SEQUENCE_LIMIT when it was not drawn. */
  readBlock(index: number): Uint8Array {
    const { firstIndex, blocks } = this.#openChunk(index);
    const block = blockAt(blocks, index - firstIndex);
    releaseBytes(blocks);
    return block;
  }

  /** Blocks one after the other. Each chunk is opened once. @throws {FactoryError} as {@link MasterSequence.readBlock}. */
  readBlocks(firstIndex: number, count: number): readonly TerminalBlock[] {
    const found: TerminalBlock[] = [];
    while (found.length < count) {
      const index = firstIndex + found.length;
      const chunk = this.#openChunk(index);
      const endIndex = Math.min(firstIndex + count, chunk.firstIndex + chunk.blocks.length / KEY_BLOCK_BYTES);
      for (let i = index; i < endIndex; i += 1) {
        found.push({ index: i, block: blockAt(chunk.blocks, i - chunk.firstIndex) });
      }
    }
    return found;
  }

  #openChunk(index: number): { readonly firstIndex: number; readonly blocks: Uint8Array } {
    const file = this.#files.findLast(({ firstIndex }) => firstIndex <= index);
    if (!file || index >= endIndexOf(file)) {
      throw new FactoryError("ERR_SEQUENCE_LIMIT", `block ${index} of the master sequence was not drawn`);
    }
    const { firstIndex, sealed } = readSealedChunk(this.#folder, file, index);
    try {
      const blocks = openBlob(this.#key.key, this.#chunkContext(firstIndex), sealed);
      releaseBytes(sealed);
      return { firstIndex, blocks };
    } catch (cause) {
      if (!(cause instanceof CryptoError)) throw cause;
      throw new FactoryError("ERR_SEQUENCE_DAMAGED", `${file.name} does not open`, { cause });
    }
  }

  #chunkContext(firstIndex: number) {
    return ["sequence-chunk", this.#key.id, firstIndex] as const;
  }

  #firstKeys(countMax: number): FirstKeys {
    const firstKeys = new FirstKeys(countMax);
    for (const file of this.#files) {
      for (let i = 0; i < file.blockCount; i += CHUNK_BLOCKS) {
        const { blocks } = this.#openChunk(file.firstIndex + i);
        const areNew = firstKeys.addAll(blocks);
        releaseBytes(blocks);
        if (areNew) continue;
        throw new FactoryError("ERR_SEQUENCE_DUPLICATE", `${file.name} has a block that the sequence has twice`);
      }
    }
    return firstKeys;
  }

  #drawFile(blockCount: number, firstKeys: FirstKeys, random: RandomSource): void {
    const firstIndex = this.endIndex;
    const name = sequenceFileName(firstIndex);
    try {
      this.#folder.replaceWithParts(name, this.#drawChunks(firstIndex, blockCount, firstKeys, random));
    } catch (cause) {
      if (!/^E[A-Z0-9]+$/.test(String((cause as NodeJS.ErrnoException).code))) throw cause;
      throw new FactoryError("ERR_SEQUENCE_DISK", "master sequence cannot be written", { cause });
    }
    this.#files.push({ name, firstIndex, blockCount });
  }

  /** Draws and seals the chunks of one file, each when the one before is written: it is still in the processor's cache. */
  *#drawChunks(firstIndex: number, blockCount: number, firstKeys: FirstKeys, random: RandomSource) {
    for (let i = 0; i < blockCount; i += CHUNK_BLOCKS) {
      const blocks = random(KEY_BLOCK_BYTES * Math.min(CHUNK_BLOCKS, blockCount - i));
      if (!firstKeys.addAll(blocks)) {
        throw new FactoryError("ERR_SEQUENCE_DUPLICATE", "random generator gave the same key twice");
      }
      const parts = sealBlobParts(this.#key.key, this.#chunkContext(firstIndex + i), blocks, random);
      releaseBytes(blocks);
      for (const part of parts) {
        yield part;
        releaseBytes(part);
      }
    }
  }
}

function blockAt(blocks: Uint8Array, place: number): Uint8Array {
  return blocks.slice(place * KEY_BLOCK_BYTES, (place + 1) * KEY_BLOCK_BYTES);
}
