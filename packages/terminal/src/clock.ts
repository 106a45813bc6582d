/** Time as an argument: what the terminal claims, what it measures, and how it waits. */

/** A clock. Its wall time is a claim that may jump; its monotonic time only rises, from an arbitrary start. */
export interface Clock {
  /** Milliseconds since 1970 in UTC, as the terminal believes. */
  unixMs(): number;
  /** Minutes east of UTC at that time, or null when the terminal does not know. */
  zoneOffsetMinutes(unixMs: number): number | null;
  /** Whole milliseconds, never negative. */
  monotonicMs(): number;
  /** Resolves after that time, or when `signal` is aborted. It never rejects. */
  sleep(durationMs: number, signal: AbortSignal): Promise<void>;
}
