/** A terminal's clock: what it claims of a time, right or wrong. Pure. */

/** When every life begins. */
export const BEGIN_UNIX_MS = Date.UTC(2026, 0, 1);

/** How a clock goes from a time on. Times are milliseconds since the life began. */
export interface ClockSetting {
  readonly sinceMs: number;
  /** What it was set to; before the life began when negative. */
  readonly claimMs: number;
  /** Claimed by true milliseconds: 1 for a clock that goes right, 0 for one that stands. */
  readonly rate: number;
}

/** A clock that is right. */
export const RIGHT_CLOCK: ClockSetting = { sinceMs: 0, claimMs: 0, rate: 1 };

/** What a clock claims at a time. */
export function claimAt({ sinceMs, claimMs, rate }: ClockSetting, atMs: number): number {
  return claimMs + rate * (atMs - sinceMs);
}

/** Whether it was set to something else than the time, or stands. */
export function isWrong({ sinceMs, claimMs, rate }: ClockSetting): boolean {
  return claimMs !== sinceMs || rate === 0;
}
