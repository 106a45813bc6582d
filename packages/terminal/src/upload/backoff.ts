/** Waiting longer after each failure, at a random place of the span, so that terminals do not come back together. */
import type { RandomSource } from "@pericard/crypto";

/** Bounds of a wait, in milliseconds. */
export const BACKOFF_MS = { first: 500, max: 30_000 } as const;

/** The failures in a row of one lane. */
export class Backoff {
  readonly #random: RandomSource;
  #failureCount = 0;

  constructor(random: RandomSource) {
    this.#random = random;
  }

  succeeded(): void {
    this.#failureCount = 0;
  }

  /** Milliseconds to wait after one more failure: half to all of a doubling span, and never less than was asked for. */
  failed(retryAfterMs: number | null): number {
    const spanMs = Math.min(BACKOFF_MS.first * 2 ** Math.min(this.#failureCount, 16), BACKOFF_MS.max);
    this.#failureCount += 1;
    const [byte = 0] = this.#random(1);
    return Math.max(retryAfterMs ?? 0, Math.round(spanMs * (0.5 + byte / 510)));
  }
}
