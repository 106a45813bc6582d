/** The coarse summary in a component: for the overview strip, and for leads with a scale of their own. */
import { useEffect, useMemo, useSyncExternalStore } from "react";
import type { Recording, SummaryBlock } from "../api/types.ts";
import { leadRanges } from "../data/lead-ranges.ts";
import { OverviewFeed } from "../data/overview-feed.ts";
import type { AduRange } from "../paper/lead-scale.ts";
import { useServices } from "../services.ts";

/** Summary and the usual range of each lead in it. */
export interface Overview {
  readonly summary: SummaryBlock | undefined;
  readonly ranges: readonly (AduRange | undefined)[];
}

/** @param described id and leads, the same object for as long as they are equal. */
export function useOverview(described: Pick<Recording, "id" | "leads">, frameCount: number): Overview {
  const { api, schedule } = useServices();
  const feed = useMemo(() => {
    const load = (toFrame: number, buckets: number): Promise<SummaryBlock> =>
      api.summary(described, { fromFrame: 0, toFrame }, buckets);
    return new OverviewFeed({ load, schedule });
  }, [api, described, schedule]);
  useEffect(() => feed.update(frameCount), [feed, frameCount]);
  const summary = useSyncExternalStore(feed.subscribe, feed.snapshot);
  return useMemo(() => ({ summary, ranges: summary === undefined ? [] : leadRanges(summary) }), [summary]);
}
