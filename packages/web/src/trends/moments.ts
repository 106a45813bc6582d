/** What can be pointed at on a chart: values of one moment or stretch, over all of its lines. */
import type { TrendBucket } from "../api/observations.ts";
import type { TrendChart, TrendLine } from "./charts.ts";

/** One value or stretch of one line. */
export interface MomentPart {
  readonly line: TrendLine;
  readonly bucket: TrendBucket;
}

/** Values of one moment or stretch that are drawn at one place. */
export interface Moment {
  /** Where it is drawn: when its value was measured, or the middle of its stretch. */
  readonly unixMs: number;
  readonly suspect: boolean;
  readonly parts: readonly MomentPart[];
}

/** Moments of a chart, ascending. */
export function momentsOf(chart: Pick<TrendChart, "lines">, bucketMs: number): Moment[] {
  const parts = chart.lines.flatMap((line) => line.buckets.map((bucket) => ({ line, bucket })));
  const groups = Map.groupBy(parts, ({ bucket }) => `${bucket.fromUnixMs} ${bucket.suspect}`);
  return [...groups.values()]
    .map((found) => ({
      unixMs: placeOf(found, bucketMs),
      suspect: found.some(({ bucket }) => bucket.suspect),
      parts: found,
    }))
    .toSorted((a, b) => a.unixMs - b.unixMs);
}

/** Index of the moment nearest to a time; undefined when none is within reach. */
export function nearestMoment(moments: readonly Moment[], unixMs: number, reachMs = Infinity): number | undefined {
  let low = 0;
  let high = moments.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((moments[middle]?.unixMs ?? 0) < unixMs) low = middle + 1;
    else high = middle;
  }
  const distance = (index: number): number => Math.abs((moments[index]?.unixMs ?? Infinity) - unixMs);
  const nearest = distance(low - 1) <= distance(low) ? low - 1 : low;
  return distance(nearest) <= reachMs && nearest >= 0 && nearest < moments.length ? nearest : undefined;
}

/** Neighbours further apart than this are not joined, in ms: three times their usual distance. */
export function gapMsOf(moments: readonly Pick<Moment, "unixMs">[], bucketMs: number): number {
  const distances = moments.slice(1).map(({ unixMs }, index) => unixMs - (moments[index]?.unixMs ?? unixMs));
  const usual = distances.toSorted((a, b) => a - b)[Math.floor(distances.length / 2)] ?? 0;
  return Math.max(3 * usual, 2 * bucketMs);
}

/** The only value's own time where each line has one and they agree, else the middle of the stretch. */
function placeOf(parts: readonly MomentPart[], bucketMs: number): number {
  const [first] = parts as [MomentPart, ...MomentPart[]];
  const { fromUnixMs, lastUnixMs } = first.bucket;
  const isOne = parts.every(({ bucket }) => bucket.count === 1 && bucket.lastUnixMs === lastUnixMs);
  return isOne ? lastUnixMs : fromUnixMs + bucketMs / 2;
}
