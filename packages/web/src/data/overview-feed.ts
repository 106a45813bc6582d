/** A coarse summary of a whole recording, asked for again as it grows, but not with every segment. */
import type { Schedule } from "../api/live.ts";
import type { SummaryBlock } from "../api/types.ts";
import { singleFlight } from "./single-flight.ts";

/** What the feed needs from its surroundings. */
export interface OverviewFeedOptions {
  readonly load: (frameCount: number, bucketCount: number) => Promise<SummaryBlock>;
  readonly schedule: Schedule;
}

/** Buckets across the strip: about one a pixel on a wide screen. */
const BUCKET_COUNT = 1200;
/** Pause after each answer. */
const PAUSE_MS = 5000;

/** Feed of one recording. A failure leaves the last summary and tries again with the next growth. */
export class OverviewFeed {
  readonly #options: OverviewFeedOptions;
  readonly #listeners = new Set<() => void>();
  #summary: SummaryBlock | undefined;
  #frameCount = 0;
  #askedFrameCount = 0;
  #pausing = false;

  constructor(options: OverviewFeedOptions) {
    this.#options = options;
  }

  /** The newest summary, if there is one yet. */
  readonly snapshot = (): SummaryBlock | undefined => this.#summary;

  /** Calls `listener` after every new summary until the returned function is called. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Tells how long the recording is now, in frames. */
  update(frameCount: number): void {
    this.#frameCount = frameCount;
    if (!this.#pausing) this.#ask();
  }

  readonly #ask = singleFlight(async () => {
    const frameCount = this.#frameCount;
    if (frameCount === 0 || frameCount === this.#askedFrameCount) return;
    this.#askedFrameCount = frameCount;
    try {
      this.#summary = await this.#options.load(frameCount, Math.min(BUCKET_COUNT, frameCount));
      for (const listener of this.#listeners) listener();
    } catch {
      // The strip is an aid: without it every part of the recording can still be reached.
      this.#askedFrameCount = 0;
    }
    this.#pause();
  });

  #pause(): void {
    this.#pausing = true;
    this.#options.schedule(() => {
      this.#pausing = false;
      this.update(this.#frameCount);
    }, PAUSE_MS);
  }
}
