/** All trends of a time, page by page: the newest are shown while older ones are on their way. */
import type { Api } from "../api/client.ts";
import type { Trends, TrendsQuery } from "../api/observations.ts";
import { mergeTrends, NO_TRENDS } from "./merge.ts";
import { bucketMsOf, choiceOf, windowOfAll } from "./time-range.ts";
import type { RangeName, TimeWindow } from "./time-range.ts";

/** What is known of a time at a moment. */
export interface LoadedTrends {
  readonly trends: Trends;
  readonly window: TimeWindow;
  readonly bucketMs: number;
  /** Older values may still be on their way. */
  readonly complete: boolean;
}

type TrendApi = Pick<Api, "trends" | "recordings">;

/** Gives what is known after each page; the last one is complete. @throws {WebError} */
export async function* loadTrends(
  api: TrendApi,
  patientId: string,
  range: RangeName,
  nowUnixMs: number,
  signal: AbortSignal,
): AsyncGenerator<LoadedTrends> {
  const { lengthMs } = choiceOf(range);
  const ask = { api, patientId, signal };
  if (lengthMs !== null) {
    const window = { fromUnixMs: nowUnixMs - lengthMs, toUnixMs: nowUnixMs };
    yield* pagesOf(ask, { from: window.fromUnixMs, bucketMs: bucketMsOf(window) }, () => window);
    return;
  }
  const firstUnixMs = await firstOf(api, patientId, nowUnixMs, signal);
  const windowAround = (trends: Trends): TimeWindow => windowOfAll(firstUnixMs, measuredTimes(trends), nowUnixMs);
  const guessed = bucketMsOf({ fromUnixMs: firstUnixMs, toUnixMs: nowUnixMs });
  let fitting = guessed;
  for await (const loaded of pagesOf(ask, { bucketMs: guessed }, windowAround)) {
    fitting = bucketMsOf(loaded.window);
    yield { ...loaded, complete: loaded.complete && !isTooCoarse(guessed, fitting) };
  }
  // Recordings may be much older than the first value: then there is room for more than was asked for.
  if (isTooCoarse(guessed, fitting)) yield* pagesOf(ask, { bucketMs: fitting }, windowAround);
}

/** All trends of a time in stretches of one length, page by page; each holds those before. @throws {WebError} */
export async function* countTrends(
  api: TrendApi,
  patientId: string,
  query: Pick<TrendsQuery, "from" | "bucketMs">,
  signal: AbortSignal,
): AsyncGenerator<Trends> {
  const window = { fromUnixMs: -Infinity, toUnixMs: Infinity };
  for await (const { trends } of pagesOf({ api, patientId, signal }, query, () => window)) yield trends;
}

const isTooCoarse = (bucketMs: number, fittingMs: number): boolean => bucketMs >= 2 * fittingMs;

interface Asked {
  readonly api: TrendApi;
  readonly patientId: string;
  readonly signal: AbortSignal;
}

async function* pagesOf(
  { api, patientId, signal }: Asked,
  query: Pick<TrendsQuery, "from" | "bucketMs">,
  windowAround: (trends: Trends) => TimeWindow,
): AsyncGenerator<LoadedTrends> {
  let trends = NO_TRENDS;
  let after: string | undefined;
  do {
    const page = await api.trends(patientId, { ...query, after }, signal);
    trends = mergeTrends(trends, page);
    after = page.next ?? undefined;
    yield { trends, window: windowAround(trends), bucketMs: query.bucketMs, complete: after === undefined };
  } while (after !== undefined);
}

/** When the first recording began or came. */
async function firstOf(api: TrendApi, patientId: string, nowUnixMs: number, signal: AbortSignal): Promise<number> {
  const recordings = await api.recordings(patientId, signal);
  const begins = recordings.map(({ start, receivedAtUnixMs }) => start.unixMs ?? receivedAtUnixMs);
  return begins.reduce((a, b) => Math.min(a, b), nowUnixMs - 1);
}

function measuredTimes({ series }: Trends): number[] {
  return series.flatMap(({ buckets }) => buckets.map(({ lastUnixMs }) => lastUnixMs));
}
