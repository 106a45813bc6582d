/** View of `/patients/:id/trends`: a chart for each measurement, one above the other on one time axis. */
import { useCallback, useMemo, useState } from "react";
import type { ReactNode } from "react";
import { lengthText, OBSERVED_CERTAINTY_WORD, wallClockText } from "../format/time.ts";
import { countText } from "../format/words.ts";
import { Link } from "../router/navigation.tsx";
import { trendsPath, valuesPath } from "../router/route.ts";
import { useServices } from "../services.ts";
import { Empty, Failure, Loading } from "../views/notice.tsx";
import { useResource } from "../views/use-resource.ts";
import { chartsOf, clipped, countValues } from "./charts.ts";
import type { LoadedTrends } from "./load-trends.ts";
import { RangeBar } from "./range-bar.tsx";
import { choiceOf } from "./time-range.ts";
import type { RangeName } from "./time-range.ts";
import { TrendChartView } from "./trend-chart.tsx";
import { useTrends } from "./use-trends.ts";

/** Props of {@link TrendsView}. */
export interface TrendsViewProps {
  readonly patientId: string;
  readonly range: RangeName;
}

/** Charts of a patient, or why there are none. */
export function TrendsView({ patientId, range }: TrendsViewProps): ReactNode {
  const { loaded, error, reload } = useTrends(patientId, range);
  return (
    <div className="list-body trends" data-testid="trends" data-complete={loaded?.complete === true}>
      <RangeBar range={range} pathOf={(name) => trendsPath(patientId, name)} />
      {error !== undefined && <Failure error={error} onRetry={reload} />}
      {loaded === undefined && error === undefined && <Loading what="trends" />}
      {loaded !== undefined && <Charts patientId={patientId} range={range} loaded={loaded} />}
    </div>
  );
}

function Charts({ patientId, range, loaded }: TrendsViewProps & { readonly loaded: LoadedTrends }): ReactNode {
  const { trends, window, bucketMs, complete } = loaded;
  const [cursorUnixMs, setCursor] = useState<number>();
  const charts = useMemo(() => chartsOf(trends).map((chart) => clipped(chart, window)), [trends, window]);
  const shown = charts.filter(({ lines }) => lines.some(({ buckets }) => buckets.length > 0));
  if (shown.length === 0 && complete) return <NothingHere patientId={patientId} range={range} loaded={loaded} />;
  return (
    <>
      {!complete && <Loading what="older values" />}
      <ul className="charts">
        {shown.map((chart) => (
          <li key={chart.key}>
            <TrendChartView
              chart={chart}
              window={window}
              bucketMs={bucketMs}
              cursorUnixMs={cursorUnixMs}
              onCursor={setCursor}
              tablePath={valuesPath(patientId, range, chart.lines.map(({ code }) => code).join(","))}
            />
          </li>
        ))}
      </ul>
      <Notes loaded={loaded} shownCount={countAll(shown.flatMap(({ lines }) => lines))} patientId={patientId} />
    </>
  );
}

/** What the charts do not show, so that nobody takes its absence for a fact. */
function Notes({
  loaded: { trends, bucketMs },
  shownCount,
  patientId,
}: {
  readonly loaded: LoadedTrends;
  readonly shownCount: number;
  readonly patientId: string;
}): ReactNode {
  const outsideCount = countAll(trends.series) - shownCount;
  const { untimedCount, unreadableSegments } = trends;
  const table = <Link to={valuesPath(patientId, "all")}>table of values</Link>;
  return (
    <div className="trend-notes" data-testid="trend-notes">
      {shownCount > 0 && (
        <p>
          One stretch is {lengthText(bucketMs)}. Where it has several values, a light bar goes from the lowest to the
          highest, and the line through the newest. Blood pressure: a bar from diastolic to systolic, a dot at the mean.
        </p>
      )}
      {untimedCount > 0 && (
        <p data-testid="untimed">
          {countText(untimedCount, "value")} without a known time: in the {table}.
        </p>
      )}
      {outsideCount > 0 && (
        <p data-testid="outside">
          {countText(outsideCount, "value")} with a time in the future or long before it came: in the {table}.
        </p>
      )}
      {unreadableSegments > 0 && (
        <p className="trend-warning" data-testid="unreadable">
          {countText(unreadableSegments, "segment")} cannot be read as values.
        </p>
      )}
    </div>
  );
}

function countAll(series: LoadedTrends["trends"]["series"]): number {
  return series.reduce((sum, { buckets }) => sum + countValues(buckets), 0);
}

function NothingHere({ patientId, range, loaded }: TrendsViewProps & { readonly loaded: LoadedTrends }): ReactNode {
  const { api } = useServices();
  const load = useCallback(
    (signal: AbortSignal) => api.observations(patientId, { limit: 1 }, signal),
    [api, patientId],
  );
  const newest = useResource(load).value?.observations[0];
  const hours = choiceOf(range).label;
  return (
    <>
      <Empty>
        {newest === undefined && range === "all"
          ? "No values yet. Blood pressure, oxygen saturation, temperature and others appear here when a sensor sends them."
          : `No values ${range === "all" ? "with a known time" : `in the last ${hours}`}.`}
        {newest !== undefined && newest.time.unixMs !== null && (
          <span data-testid="newest-value">
            {" "}
            The newest is of {wallClockText(newest.time.unixMs)} ({OBSERVED_CERTAINTY_WORD[newest.time.certainty]}
            ).{" "}
          </span>
        )}
        {range !== "all" && <Link to={trendsPath(patientId, "all")}>Show all</Link>}
      </Empty>
      <Notes loaded={loaded} shownCount={0} patientId={patientId} />
    </>
  );
}
