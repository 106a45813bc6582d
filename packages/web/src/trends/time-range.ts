/** Which time a chart shows, and in how long stretches it asks for values. */

/** Choices of time, as in the address. */
export type RangeName = "24h" | "7d" | "30d" | "all";

/** One choice. `lengthMs` is null for everything. */
export interface RangeChoice {
  readonly name: RangeName;
  readonly label: string;
  readonly lengthMs: number | null;
}

/** Time on a chart, in UTC ms. */
export interface TimeWindow {
  readonly fromUnixMs: number;
  readonly toUnixMs: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Length of a day without a change of the clocks. */
export const DAY_MS = 24 * HOUR_MS;

/** All choices, shortest first. */
export const RANGES: readonly RangeChoice[] = [
  { name: "24h", label: "24 hours", lengthMs: DAY_MS },
  { name: "7d", label: "7 days", lengthMs: 7 * DAY_MS },
  { name: "30d", label: "30 days", lengthMs: 30 * DAY_MS },
  { name: "all", label: "All", lengthMs: null },
];

/** The choice of an address; 24 hours when it names none. */
export function rangeOf(name: string | null): RangeName {
  return RANGES.find((choice) => choice.name === name)?.name ?? "24h";
}

/** The choice with a name. */
export function choiceOf(name: RangeName): RangeChoice {
  return RANGES.find((choice) => choice.name === name) as RangeChoice;
}

/** About as many stretches as a chart has room for. */
const BUCKETS = 720;
const BUCKET_LENGTHS_MS: readonly number[] = [
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * 1000),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE_MS),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR_MS),
];

/** Length of a stretch for a window: the shortest round one with which no more than about 720 fit. */
export function bucketMsOf({ fromUnixMs, toUnixMs }: TimeWindow): number {
  const least = (toUnixMs - fromUnixMs) / BUCKETS;
  const found = BUCKET_LENGTHS_MS.find((lengthMs) => lengthMs >= least);
  return found ?? Math.ceil(least / DAY_MS) * DAY_MS;
}

/** A device's memory may go back so far before its values came. Older times are its clock's error. */
const MEMORY_MS = 400 * DAY_MS;
/** So far a device's clock may be ahead. */
const AHEAD_MS = 5 * MINUTE_MS;
const EVERYTHING_MIN_MS = HOUR_MS;

/**
 * The window of everything.
 *
 * @param firstUnixMs when the first value may have come, as far as that is known.
 * @param measuredUnixMs when values were measured.
 */
export function windowOfAll(firstUnixMs: number, measuredUnixMs: readonly number[], nowUnixMs: number): TimeWindow {
  const earliest = measuredUnixMs.reduce((a, b) => (b >= firstUnixMs - MEMORY_MS ? Math.min(a, b) : a), nowUnixMs);
  return { fromUnixMs: Math.min(earliest, nowUnixMs - EVERYTHING_MIN_MS), toUnixMs: nowUnixMs };
}

/** Whether a time lies in a window; a device's clock may be a little ahead. */
export function isIn({ fromUnixMs, toUnixMs }: TimeWindow, unixMs: number): boolean {
  return unixMs >= fromUnixMs && unixMs <= toUnixMs + AHEAD_MS;
}
