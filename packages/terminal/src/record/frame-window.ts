/** Frames that were taken from the source and are not sealed yet. */
import type { SampleBlock, WaveformFormat } from "@pericard/ecg";
import { msOfFrames } from "../shape.ts";

interface Chunk {
  readonly block: SampleBlock;
  /** The monotonic clock when the block came, just after its last frame. */
  readonly arrivedAtMs: number;
  /** Frames of the block that were taken. */
  takenCount: number;
}

/** A queue of frames of one format. */
export class FrameWindow {
  readonly format: WaveformFormat;
  readonly #chunks: Chunk[] = [];
  #frameCount = 0;
  #buffers: Int32Array[] = [];

  constructor(format: WaveformFormat) {
    this.format = format;
  }

  get frameCount(): number {
    return this.#frameCount;
  }

  /** Adds a block, which is not copied. */
  push(block: SampleBlock, arrivedAtMs: number): void {
    if (block.frameCount === 0) return;
    this.#chunks.push({ block, arrivedAtMs, takenCount: 0 });
    this.#frameCount += block.frameCount;
  }

  /** The monotonic clock at the first frame, as far as its block's arrival tells; undefined when there is none. */
  firstFrameAtMs(): number | undefined {
    const [first] = this.#chunks;
    if (!first) return undefined;
    const framesAfter = first.block.frameCount - first.takenCount;
    return Math.max(0, Math.round(first.arrivedAtMs - msOfFrames(this.format, framesAfter)));
  }

  /**
   * Takes the oldest frames, one array a lead. The arrays are the window's own and are written again by the next call, so
   * that a day of windows does not make a day of garbage.
   *
   * @throws {RangeError} when there are fewer.
   */
  take(frameCount: number): Int32Array[] {
    if (frameCount > this.#frameCount) {
      throw new RangeError(`frames: expected at most ${this.#frameCount}, got ${frameCount}`);
    }
    const leads = this.#leadsFor(frameCount);
    let filledCount = 0;
    while (filledCount < frameCount) filledCount += this.#takeSome(leads, filledCount, frameCount - filledCount);
    this.#frameCount -= frameCount;
    return leads;
  }

  #leadsFor(frameCount: number): Int32Array[] {
    const { leads } = this.format;
    this.#buffers = leads.map((lead, index) => {
      const size = frameCount * lead.samplesPerFrame;
      const known = this.#buffers[index];
      return known?.length === size ? known : new Int32Array(size);
    });
    return this.#buffers;
  }

  /** Copies what the oldest block still has, at most `wantedCount` frames. Frames copied. */
  #takeSome(leads: readonly Int32Array[], filledCount: number, wantedCount: number): number {
    const [chunk] = this.#chunks;
    if (!chunk) return wantedCount;
    const { block, takenCount } = chunk;
    const count = Math.min(wantedCount, block.frameCount - takenCount);
    for (const [index, lead] of this.format.leads.entries()) {
      const size = lead.samplesPerFrame;
      const samples = block.leads[index]?.subarray(takenCount * size, (takenCount + count) * size);
      if (samples) leads[index]?.set(samples, filledCount * size);
    }
    chunk.takenCount += count;
    if (chunk.takenCount === block.frameCount) this.#chunks.shift();
    return count;
  }
}
