/**
 * In which pieces a table of values is loaded. The API gives values as they arrived, and a cuff may bring those of last week
 * after those of today: only a stretch of time that was loaded whole is in order and lacks nothing.
 */
import type { Trends } from "../api/observations.ts";

/** Values measured at or after, and before; the newest window has no end. */
export interface ValueWindow {
  readonly fromUnixMs: number;
  readonly toUnixMs: number | undefined;
}

/** Length of the stretches by which values are counted for this. */
export const COUNTED_MS = 3_600_000;

/**
 * Windows with values, newest first.
 *
 * @param trends with stretches of {@link COUNTED_MS}. @param codes those that are meant; all when there are none.
 * @param enough values of a window, unless a single stretch has more or there are no others.
 */
export function valueWindows(
  { series }: Pick<Trends, "series">,
  codes: readonly string[],
  enough: number,
): ValueWindow[] {
  const counts = new Map<number, number>();
  for (const { code, buckets } of series) {
    if (codes.length > 0 && !codes.includes(code)) continue;
    for (const { fromUnixMs, count } of buckets) counts.set(fromUnixMs, (counts.get(fromUnixMs) ?? 0) + count);
  }
  const windows: ValueWindow[] = [];
  let toUnixMs: number | undefined;
  let gathered = 0;
  const newestFirst = [...counts].toSorted(([a], [b]) => b - a);
  for (const [index, [fromUnixMs, count]] of newestFirst.entries()) {
    gathered += count;
    if (gathered < enough && index < newestFirst.length - 1) continue;
    windows.push({ fromUnixMs, toUnixMs });
    toUnixMs = fromUnixMs;
    gathered = 0;
  }
  return windows;
}
