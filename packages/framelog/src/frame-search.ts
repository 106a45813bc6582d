/**
 * Finding the next whole frame behind a damaged place, in time linear in the bytes searched whatever they are.
 *
 * Source: docs/format.md §10.2.
 */
import { FRAME_HEAD_BYTES_MAX, FRAME_START, FRAME_TAIL_BYTES, FRAME_TAIL_START, readFrameHead } from "./frame-head.ts";
import type { LogFile } from "./folder.ts";
import { RangeChecksum } from "./range-checksum.ts";

const WINDOW_BYTES_MIN = 4 * 1024;
const WINDOW_BYTES_MAX = 1024 * 1024;

/** Farthest that the number of a found frame may be ahead of the last one read. */
const NUMBER_STEP_MAX = 2 ** 32;

/** Searches one file, whose bytes must not change, from front to back. */
export class FrameSearch {
  readonly #file: LogFile;
  #checksum: RangeChecksum | undefined;

  constructor(file: LogFile) {
    this.#file = file;
  }

  /**
   * The first place after `offsetBytes` where a whole frame stands, or the file's size.
   *
   * The frame's number must be after `previousNumber`, when that is known, by 1 to 2^32: a content may hold something
   * that looks like a frame, and must not make the log's numbers run out.
   */
  nextAfter(offsetBytes: number, previousNumber: number | undefined): number {
    this.#checksum ??= new RangeChecksum(this.#file, offsetBytes);
    let windowBytes = WINDOW_BYTES_MIN;
    for (let from = offsetBytes + 1; from < this.#file.sizeBytes; from += windowBytes) {
      if (from > offsetBytes + 1) windowBytes = Math.min(2 * windowBytes, WINDOW_BYTES_MAX);
      const found = this.#findIn(from, windowBytes, previousNumber);
      if (found !== undefined) return found;
    }
    return this.#file.sizeBytes;
  }

  #findIn(from: number, windowBytes: number, previousNumber: number | undefined): number | undefined {
    const read = this.#file.read(from, windowBytes + FRAME_START.length - 1);
    const window = Buffer.from(read.buffer, read.byteOffset, read.byteLength);
    for (let at = window.indexOf(FRAME_START); at >= 0; at = window.indexOf(FRAME_START, at + 1)) {
      if (this.#isFrame(from + at, previousNumber)) return from + at;
    }
    return undefined;
  }

  #isFrame(offsetBytes: number, previousNumber: number | undefined): boolean {
    const head = readFrameHead(this.#file.read(offsetBytes, FRAME_HEAD_BYTES_MAX));
    if (typeof head === "string" || offsetBytes + head.frameBytes > this.#file.sizeBytes) return false;
    const step = previousNumber === undefined ? 1 : head.number - previousNumber;
    if (step < 1 || step > NUMBER_STEP_MAX) return false;
    const tailOffsetBytes = offsetBytes + head.frameBytes - FRAME_TAIL_BYTES;
    const tail = this.#file.read(tailOffsetBytes, FRAME_TAIL_BYTES);
    if (tail[0] !== FRAME_TAIL_START) return false;
    const written = new DataView(tail.buffer, tail.byteOffset).getUint32(1);
    return written === this.#checksum?.of(offsetBytes, tailOffsetBytes);
  }
}
