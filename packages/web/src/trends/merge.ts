/** Joins pages of trends: a stretch may begin on one page and end on the next. */
import type { TrendBucket, Trends, TrendSeries } from "../api/observations.ts";

/** Nothing yet. */
export const NO_TRENDS: Trends = { series: [], untimedCount: 0, unreadableSegments: 0 };

/** Both together. Neither is changed. */
export function mergeTrends(a: Trends, b: Trends): Trends {
  const byKind = Map.groupBy([...a.series, ...b.series], ({ code, unit }) => `${code} ${unit}`);
  return {
    series: [...byKind.values()].map((parts) => parts.reduce(mergeSeries)),
    untimedCount: a.untimedCount + b.untimedCount,
    unreadableSegments: a.unreadableSegments + b.unreadableSegments,
  };
}

function mergeSeries(a: TrendSeries, b: TrendSeries): TrendSeries {
  const byPlace = new Map<string, TrendBucket>();
  for (const bucket of [...a.buckets, ...b.buckets]) {
    const place = `${bucket.fromUnixMs} ${bucket.suspect}`;
    const before = byPlace.get(place);
    byPlace.set(place, before === undefined ? bucket : mergeBuckets(before, bucket));
  }
  return { ...a, buckets: [...byPlace.values()].toSorted((x, y) => x.fromUnixMs - y.fromUnixMs) };
}

function mergeBuckets(a: TrendBucket, b: TrendBucket): TrendBucket {
  return {
    ...(b.lastUnixMs > a.lastUnixMs ? b : a),
    count: a.count + b.count,
    lowest: Number(b.lowest) < Number(a.lowest) ? b.lowest : a.lowest,
    highest: Number(b.highest) > Number(a.highest) ? b.highest : a.highest,
  };
}
