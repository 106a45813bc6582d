/**
 * Paper A's rule, run beside: a new key every natural month from the day on which the terminal left the factory, by the
 * terminal's own clock, and the 120 keys again after the last.
 *
 * Source: paper A §II.D, F, H ("from the date of leaving the factory, the natural month is used as the measurement
 * granularity, and a new key is replaced every natural month").
 */
import { KEYS_PER_BLOCK } from "@pericard/protocol";

const DAY_MS = 24 * 3600 * 1000;

/** Natural months from one time to another, both since 1970 in UTC; negative when the second is in an earlier month. */
export function monthsBetween(fromUnixMs: number, toUnixMs: number): number {
  const [from, to] = [new Date(fromUnixMs), new Date(toUnixMs)];
  return (to.getUTCFullYear() - from.getUTCFullYear()) * 12 + to.getUTCMonth() - from.getUTCMonth();
}

/** The key of a month, 0 to 119. */
export function keyOfMonth(month: number): number {
  return ((month % KEYS_PER_BLOCK) + KEYS_PER_BLOCK) % KEYS_PER_BLOCK;
}

export interface MonthByClockFigures {
  /** Keys that sealed something. */
  readonly keysUsed: number;
  /** Keys that sealed something before their month: whoever set the clock saw their ciphertext in advance. */
  readonly keysUsedEarly: number;
  /** How often a key was in use again after another one. */
  readonly keysUsedAgain: number;
  /** Segments sealed under another key than that of the server's month: the server would open them with a wrong key. */
  readonly segmentsUnderWrongKey: number;
  /** Longest time for which one key was in use without a break, in days. */
  readonly longestKeyDays: number;
}

export class MonthByClock {
  readonly #factoryUnixMs: number;
  readonly #used = new Set<number>();
  readonly #early = new Set<number>();
  #last = { key: -1, sinceUnixMs: 0 };
  #again = 0;
  #wrong = 0;
  #longestMs = 0;

  constructor(factoryUnixMs: number) {
    this.#factoryUnixMs = factoryUnixMs;
  }

  /** Key that the terminal's clock names, 0 to 119. */
  keyAt(clockUnixMs: number): number {
    return keyOfMonth(monthsBetween(this.#factoryUnixMs, clockUnixMs));
  }

  /** Seals a number of segments when the terminal's clock says one thing and the true time, which is the server's, another. */
  seal(count: number, clockUnixMs: number, trueUnixMs: number): void {
    if (count === 0) return;
    const month = monthsBetween(this.#factoryUnixMs, clockUnixMs);
    const trueMonth = monthsBetween(this.#factoryUnixMs, trueUnixMs);
    const key = keyOfMonth(month);
    if (key !== this.#last.key) {
      if (this.#used.has(key)) this.#again += 1;
      this.#last = { key, sinceUnixMs: trueUnixMs };
    }
    this.#used.add(key);
    if (month > trueMonth) this.#early.add(key);
    if (key !== keyOfMonth(trueMonth)) this.#wrong += count;
    this.#longestMs = Math.max(this.#longestMs, trueUnixMs - this.#last.sinceUnixMs);
  }

  get figures(): MonthByClockFigures {
    return {
      keysUsed: this.#used.size,
      keysUsedEarly: this.#early.size,
      keysUsedAgain: this.#again,
      segmentsUnderWrongKey: this.#wrong,
      longestKeyDays: Math.round(this.#longestMs / DAY_MS),
    };
  }
}
