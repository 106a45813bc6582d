/** What the server asked for through the mailbox, and for how long it holds. */
import type { Command } from "@pericard/protocol";
import type { Clock } from "./clock.ts";

/** Milliseconds of a window, when nobody asked for another. */
export const SEGMENT_LENGTH_MS = { min: 1000, max: 60_000, standard: 10_000 } as const;

/** Commands in force. */
export class Commands {
  readonly #clock: Clock;
  readonly #profileMs: number;
  #asked: { readonly lengthMs: number; readonly untilMs: number } | null = null;

  /** @param profileMs the profile's segment length. @throws {RangeError} unless it is 1,000 to 60,000 ms. */
  constructor(clock: Clock, profileMs: number) {
    const { min, max } = SEGMENT_LENGTH_MS;
    if (!Number.isInteger(profileMs) || profileMs < min || profileMs > max) {
      throw new RangeError(`segment length: expected ${min} to ${max} ms, got ${profileMs}`);
    }
    this.#clock = clock;
    this.#profileMs = profileMs;
  }

  /** Milliseconds of a window now. */
  segmentLengthMs(): number {
    const asked = this.#asked;
    return asked && this.#clock.monotonicMs() < asked.untilMs ? asked.lengthMs : this.#profileMs;
  }

  /**
   * Takes a segment length. It holds from now on for as long as the server meant, by the monotonic clock: the terminal's
   * wall clock is a claim.
   */
  takeSegmentLength({ value, issuedAtUnixMs, expiresAtUnixMs }: Command): void {
    const durationMs = expiresAtUnixMs - issuedAtUnixMs;
    if (durationMs <= 0) return;
    this.#asked = { lengthMs: value, untilMs: this.#clock.monotonicMs() + durationMs };
  }
}
