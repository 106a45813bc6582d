/** Rows of the table of values: newest first, by day. */
import type { Observation } from "../api/observations.ts";
import { dateText } from "../format/time.ts";

/** Observations of one day of the reader's calendar; `day` is null where no time is known. */
export interface DayOfValues {
  readonly day: string | null;
  readonly observations: readonly Observation[];
}

/** Days, newest first; what has no time comes last, as it arrived. @param timeZone IANA name; the reader's by default. */
export function daysOf(observations: readonly Observation[], timeZone?: string): DayOfValues[] {
  const byTime = observations.toSorted((a, b) => (b.time.unixMs ?? -Infinity) - (a.time.unixMs ?? -Infinity) || 0);
  const days = Map.groupBy(byTime, ({ time }) => (time.unixMs === null ? null : dateText(time.unixMs, timeZone)));
  return [...days].map(([day, found]) => ({ day, observations: found }));
}

/** Without those that a further page brought again. */
export function joined(before: readonly Observation[], more: readonly Observation[]): Observation[] {
  const known = new Set(before.map(({ id }) => id));
  return [...before, ...more.filter(({ id }) => !known.has(id))];
}
