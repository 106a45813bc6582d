/** Trends in a component: loaded page by page, asked for again while they are looked at. */
import { useEffect, useMemo, useSyncExternalStore } from "react";
import { useServices } from "../services.ts";
import { loadTrends } from "./load-trends.ts";
import type { RangeName } from "./time-range.ts";
import { TrendsFeed } from "./trends-feed.ts";
import type { TrendsSnapshot } from "./trends-feed.ts";

/** What a view knows, and a way to ask again. */
export interface TrendsState extends TrendsSnapshot {
  readonly reload: () => void;
}

/** Each look is an entry in the audit trail. */
const REFRESH_MS = 60_000;

/** Trends of a patient over a time. */
export function useTrends(patientId: string, range: RangeName): TrendsState {
  const { api, nowUnixMs } = useServices();
  const feed = useMemo(
    () => new TrendsFeed((signal) => loadTrends(api, patientId, range, nowUnixMs(), signal)),
    [api, nowUnixMs, patientId, range],
  );
  useEffect(() => feed.start(), [feed]);
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") feed.reload();
    }, REFRESH_MS);
    return () => clearInterval(timer);
  }, [feed]);
  return { ...useSyncExternalStore(feed.subscribe, feed.snapshot), reload: feed.reload };
}
