/**
 * What was fetched of a stream so far, in a folder beside the result, so that a run which was interrupted goes on where it
 * stopped. Not sealed, as the result is not. It is removed when the result is written.
 */
import { FrameLog, openDiskFolder, type FramePosition } from "@pericard/framelog";
import {
  decodeCbor,
  encodeCbor,
  readBytes,
  readBytesUpTo,
  readTuple,
  readUint32,
  SEALED_SEGMENT_BYTES_MAX,
} from "@pericard/protocol";
import { NOTHING_FETCHED, type FetchedSegment, type FetchedSoFar } from "@pericard/terminal";
import { mkdirSync, rmSync } from "node:fs";

const SEGMENT = 1;
const LOG = { name: "fetched", fileBytesMax: 64 * 1024 * 1024 };
/** Bytes after which what came is made durable. */
const SYNC_BYTES = 1024 * 1024;

/** A segment as it is kept. */
export interface KeptSegment {
  readonly sequence: number;
  readonly hash: Uint8Array;
  /** A segment body. */
  readonly bytes: Uint8Array;
}

function readKept(content: Uint8Array): KeptSegment {
  const [sequence, hash, bytes] = readTuple("kept segment", decodeCbor(content), 3);
  return {
    sequence: readUint32("sequence", sequence),
    hash: readBytes("h", hash, 32),
    bytes: readBytesUpTo("body", bytes, SEALED_SEGMENT_BYTES_MAX),
  };
}

export class FetchedPart {
  readonly #folderPath: string;
  readonly #log: FrameLog;
  readonly #places: FramePosition[] = [];
  #soFar = NOTHING_FETCHED;
  #unsyncedBytes = 0;

  /** Opens what is there. One that was damaged is begun anew. */
  static open(folderPath: string): FetchedPart {
    mkdirSync(folderPath, { recursive: true, mode: 0o700 });
    const part = new FetchedPart(folderPath);
    if (part.#replay()) return part;
    part.remove();
    return FetchedPart.open(folderPath);
  }

  private constructor(folderPath: string) {
    this.#folderPath = folderPath;
    this.#log = FrameLog.open(openDiskFolder(folderPath), LOG);
  }

  get soFar(): FetchedSoFar {
    return this.#soFar;
  }

  get segmentCount(): number {
    return this.#places.length;
  }

  append({ sequence, hash, bytes }: FetchedSegment): void {
    const { position } = this.#log.append(SEGMENT, encodeCbor([sequence, hash, bytes]));
    this.#note(position, sequence, hash);
    this.#unsyncedBytes += bytes.length;
    if (this.#unsyncedBytes >= SYNC_BYTES) this.sync();
  }

  sync(): void {
    this.#log.sync();
    this.#unsyncedBytes = 0;
  }

  /** Every segment, in order. */
  *segments(): Generator<KeptSegment> {
    for (const position of this.#places) yield readKept(this.#log.read(position).content);
  }

  close(): void {
    this.#log.close();
  }

  /** Closes it and takes it away. */
  remove(): void {
    this.close();
    rmSync(this.#folderPath, { recursive: true, force: true });
  }

  /** Whether everything that was written is whole. What a stopped run left unfinished at its end is not missed. */
  #replay(): boolean {
    for (const entry of this.#log.replay()) {
      if (entry.kind !== "frame") {
        if (entry.kind === "damaged") return false;
        continue;
      }
      const { sequence, hash } = readKept(entry.frame.content);
      if (sequence < this.#soFar.nextSequence) return false;
      this.#note(entry.position, sequence, hash);
    }
    return true;
  }

  #note(position: FramePosition, sequence: number, lastHash: Uint8Array): void {
    this.#places.push(position);
    this.#soFar = { nextSequence: sequence + 1, lastHash };
  }
}
