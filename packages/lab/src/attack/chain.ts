/** Where a terminal is in its recording: its flash keeps that beside the module. */
import { sha256, systemRandom } from "@pericard/crypto";
import { RecordingId, type PaperSegmentHeader } from "@pericard/protocol";

/** The place of the next segment, and the h of the one before it. */
export type NextPlace = Pick<PaperSegmentHeader, "recording" | "stream" | "sequence" | "prev" | "final">;

/** One recording that grows. */
export class Chain {
  #next: NextPlace = firstPlace();
  #frame = 0;

  /** Frames before the next segment. */
  get frame(): number {
    return this.#frame;
  }

  get next(): NextPlace {
    return this.#next;
  }

  /** Goes on behind a segment. */
  add(sealed: Uint8Array, frameCount: number): void {
    this.#next = { ...this.#next, sequence: this.#next.sequence + 1, prev: sha256(sealed) };
    this.#frame += frameCount;
  }

  /** Begins another recording, as a terminal does that was started again. */
  beginRecording(): void {
    this.#next = firstPlace();
    this.#frame = 0;
  }

  /** @returns what goes back to this moment. */
  copy(): () => void {
    const [next, frame] = [this.#next, this.#frame];
    return () => {
      [this.#next, this.#frame] = [next, frame];
    };
  }
}

function firstPlace(): NextPlace {
  return { recording: RecordingId.fromBytes(systemRandom(16)), stream: 0, sequence: 0, prev: null, final: false };
}
