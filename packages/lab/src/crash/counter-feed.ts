/** A board that counts: two leads whose values number the frames, fed to a terminal in real time. */
import type { Writable } from "node:stream";

const BASE = 30_000;
const TICK_MS = 20;

/** Frames per second. */
export const COUNTER_RATE_HZ = 500;

/** Options with which a terminal records the feed. */
export const COUNTER_ARGS = ["--stdin", "--leads", "low,high", "--rate", String(COUNTER_RATE_HZ)] as const;

/** The frame's number that two samples name. */
export function counterOf(low: number, high: number): number {
  return high * BASE + low;
}

function framesOf(first: number, count: number): Buffer {
  const bytes = Buffer.alloc(4 * count);
  for (let i = 0; i < count; i += 1) {
    bytes.writeInt16LE((first + i) % BASE, 4 * i);
    bytes.writeInt16LE(Math.floor((first + i) / BASE), 4 * i + 2);
  }
  return bytes;
}

/** Feeds one run of a terminal. */
export class CounterFeed {
  readonly #to: Writable;
  readonly #first: number;
  readonly #startedMs = performance.now();
  readonly #timer: NodeJS.Timeout;
  #fed = 0;

  /** Begins at once with the frame of that number. */
  constructor(to: Writable, first: number) {
    this.#to = to;
    this.#first = first;
    this.#timer = setInterval(() => this.#feed(), TICK_MS);
  }

  /** Frames given so far. */
  get fedCount(): number {
    return this.#fed;
  }

  /** Gives no more. @returns the frames that were given. */
  stop(): number {
    clearInterval(this.#timer);
    return this.#fed;
  }

  #feed(): void {
    const due = Math.floor(((performance.now() - this.#startedMs) * COUNTER_RATE_HZ) / 1000);
    if (due <= this.#fed) return;
    this.#to.write(framesOf(this.#first + this.#fed, due - this.#fed));
    this.#fed = due;
  }
}
