/**
 * How full a spool is and for how long it will last.
 *
 * The rate is what came in over the last day, not what the spool grew by: it answers how long the upstream may stay away
 * from now on, also while nothing waits. After a start the messages that wait say what came in before.
 */
import type { Clock } from "./clock.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Before so much time has been seen there is no rate to speak of. */
const SEEN_MS_MIN = 600_000;

/** Bytes that came in, by hour, over the last day. */
export class IntakeRate {
  readonly #clock: Pick<Clock, "unixMs">;
  readonly #bytesByHour = new Map<number, number>();
  #sinceUnixMs: number;

  constructor(clock: Pick<Clock, "unixMs">) {
    this.#clock = clock;
    this.#sinceUnixMs = clock.unixMs();
  }

  /** Notes a message that came at that time. */
  add(sizeBytes: number, atUnixMs: number): void {
    const nowUnixMs = this.#clock.unixMs();
    if (atUnixMs <= nowUnixMs - DAY_MS || atUnixMs > nowUnixMs) return;
    const hour = Math.floor(atUnixMs / HOUR_MS);
    this.#bytesByHour.set(hour, (this.#bytesByHour.get(hour) ?? 0) + sizeBytes);
    this.#sinceUnixMs = Math.min(this.#sinceUnixMs, atUnixMs);
    this.#forget(nowUnixMs);
  }

  /** Bytes a day; undefined when less than ten minutes were seen. */
  bytesPerDay(): number | undefined {
    const nowUnixMs = this.#clock.unixMs();
    this.#forget(nowUnixMs);
    const seenMs = Math.min(nowUnixMs - this.#sinceUnixMs, DAY_MS);
    if (seenMs < SEEN_MS_MIN) return undefined;
    const bytes = [...this.#bytesByHour.values()].reduce((sum, one) => sum + one, 0);
    return Math.round((bytes * DAY_MS) / seenMs);
  }

  #forget(nowUnixMs: number): void {
    const first = Math.floor((nowUnixMs - DAY_MS) / HOUR_MS) + 1;
    for (const hour of this.#bytesByHour.keys()) if (hour < first) this.#bytesByHour.delete(hour);
  }
}

/** Parts of its limit at which a spool says how full it is, and how far it must fall before it says so again. */
export const FULL_PARTS = [0.8, 0.95] as const;
const FALL_PART = 0.05;

/** Says once when a spool has passed a mark, and once when it is below all of them again. */
export class FullnessMarks {
  #passed = 0;

  /** The mark that was just passed, 0 when the spool is below all again, undefined when there is nothing to say. */
  see(part: number): number | undefined {
    const reached = FULL_PARTS.findLast((mark) => part >= mark) ?? 0;
    if (reached > this.#passed) return (this.#passed = reached);
    if (this.#passed === 0 || part > this.#passed - FALL_PART) return undefined;
    this.#passed = reached;
    return reached === 0 ? 0 : undefined;
  }
}
