/** View of `/patients/:id/values`: every value as it is stored, newest first, by day. */
import { useEffect, useMemo, useSyncExternalStore } from "react";
import type { ReactNode } from "react";
import type { Observation, ObservationsQuery, ObservedValue } from "../api/observations.ts";
import { clockText, OBSERVED_CERTAINTY_SENTENCE, OBSERVED_CERTAINTY_WORD, zoneText } from "../format/time.ts";
import { unitText } from "../format/unit.ts";
import { countText } from "../format/words.ts";
import { Link } from "../router/navigation.tsx";
import { valuesPath } from "../router/route.ts";
import { useServices } from "../services.ts";
import { Empty, Failure, Loading } from "../views/notice.tsx";
import { countTrends } from "./load-trends.ts";
import { RangeBar } from "./range-bar.tsx";
import { choiceOf } from "./time-range.ts";
import type { RangeName } from "./time-range.ts";
import { daysOf } from "./value-rows.ts";
import type { DayOfValues } from "./value-rows.ts";
import { COUNTED_MS } from "./value-windows.ts";
import { ValuesFeed } from "./values-feed.ts";

/** Props of {@link ValuesView}; `code` is one or more with commas between them, or undefined for all. */
export interface ValuesViewProps {
  readonly patientId: string;
  readonly range: RangeName;
  readonly code: string | undefined;
}

/** A device's clock may be ahead by so much before its times are marked. */
const CLOCK_ERROR_MS = 300_000;
/** Values that are asked for at a time, at least. */
const ENOUGH = 300;
const COLUMNS = ["Time", "Measurement", "Value", "Unit", "Mark", "Time is", "Device"] as const;

/** The table, or why there is none. */
export function ValuesView({ patientId, range, code }: ValuesViewProps): ReactNode {
  const feed = useValuesFeed(patientId, range, code);
  const { observations, windows, untimedCount, unreadableSegments, loading, error } = useSyncExternalStore(
    feed.subscribe,
    feed.snapshot,
  );
  const hasMore = (windows?.length ?? 0) > 0;
  return (
    <div className="list-body values" data-testid="values" data-loading={loading}>
      <RangeBar range={range} pathOf={(name) => valuesPath(patientId, name, code)}>
        {code !== undefined && (
          <span data-testid="values-of">
            Only {code.replaceAll(",", ", ")}. <Link to={valuesPath(patientId, range)}>All values</Link>
          </span>
        )}
      </RangeBar>
      {error !== undefined && <Failure error={error} onRetry={feed.loadMore} />}
      {observations === undefined && error === undefined && <Loading what="values" />}
      {unreadableSegments > 0 && (
        <p className="trend-warning">{countText(unreadableSegments, "segment")} cannot be read as values.</p>
      )}
      {observations?.length === 0 && !loading && untimedCount === 0 && <NoValues {...{ patientId, range, code }} />}
      {observations !== undefined && observations.length > 0 && <ValuesTable observations={observations} code={code} />}
      {(hasMore || untimedCount > 0) && observations !== undefined && (
        <button
          type="button"
          className="values-more"
          disabled={loading}
          onClick={feed.loadMore}
          data-testid="values-more"
        >
          {hasMore ? "Older values" : `${countText(untimedCount, "value")} without a time`}
        </button>
      )}
    </div>
  );
}

function NoValues({ patientId, range, code }: ValuesViewProps): ReactNode {
  const what = code === undefined ? "values" : "values of this code";
  return (
    <Empty>
      No {what}
      {range === "all" ? " yet. They appear here when a sensor sends them." : ` in the last ${choiceOf(range).label}. `}
      {range !== "all" && <Link to={valuesPath(patientId, "all", code)}>Show all</Link>}
    </Empty>
  );
}

function useValuesFeed(patientId: string, range: RangeName, code: string | undefined): ValuesFeed {
  const { api, nowUnixMs } = useServices();
  const feed = useMemo(() => {
    const { lengthMs } = choiceOf(range);
    const from = lengthMs === null ? undefined : nowUnixMs() - lengthMs;
    return new ValuesFeed({
      codes: code === undefined ? [] : code.split(","),
      count: (signal) => countTrends(api, patientId, { from, bucketMs: COUNTED_MS }, signal),
      load: (query, signal) => api.observations(patientId, within(query, from), signal),
      enough: ENOUGH,
    });
  }, [api, nowUnixMs, patientId, range, code]);
  useEffect(() => feed.start(), [feed]);
  return feed;
}

/** A window of whole hours may begin before the time that is meant. */
function within(query: ObservationsQuery, fromUnixMs: number | undefined): ObservationsQuery {
  if (query.from === undefined || fromUnixMs === undefined) return query;
  return { ...query, from: Math.max(query.from, fromUnixMs) };
}

function ValuesTable({
  observations,
  code,
}: {
  readonly observations: readonly Observation[];
  readonly code: string | undefined;
}): ReactNode {
  return (
    <table className="values-table" data-testid="values-table">
      <caption className="visually-hidden">
        Values{code === undefined ? "" : ` of ${code}`} as they are stored, newest first, by day
      </caption>
      <thead>
        <tr>
          {COLUMNS.map((name) => (
            <th key={name} scope="col" className={`values-${name.toLowerCase().replace(" ", "-")}`}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      {daysOf(observations).map((day) => (
        <Day key={day.day} of={day} />
      ))}
    </table>
  );
}

function Day({ of: { day, observations } }: { readonly of: DayOfValues }): ReactNode {
  const at = observations[0]?.time.unixMs;
  return (
    <tbody>
      <tr className="values-day">
        <th scope="rowgroup" colSpan={COLUMNS.length}>
          {day ?? "Time unknown"} <span>{typeof at === "number" && zoneText(at)}</span>
        </th>
      </tr>
      {observations.map((observation) =>
        observation.components.map((value, index) => (
          <ValueRow key={`${observation.id} ${value.code}`} observation={observation} value={value} index={index} />
        )),
      )}
    </tbody>
  );
}

interface ValueRowProps {
  readonly observation: Observation;
  readonly value: ObservedValue;
  readonly index: number;
}

/** One value. Those of one observation share the cell of their time. */
function ValueRow({ observation, value, index }: ValueRowProps): ReactNode {
  const { nowUnixMs } = useServices();
  const { device, time, components } = observation;
  const mark = markOf(observation, value, nowUnixMs());
  const isFirst = index === 0;
  return (
    <tr className={isFirst ? "values-first" : undefined} data-testid="value-row" data-suspect={value.suspect}>
      {isFirst && (
        <th scope="row" rowSpan={components.length} className="values-time">
          {time.unixMs === null ? "unknown" : clockText(time.unixMs)}
        </th>
      )}
      <td className="values-measurement">
        {value.name ?? value.code} {value.name !== null && <span className="values-code">{value.code}</span>}
        <span className="values-folded">
          {mark !== "" && <strong>{mark}, </strong>}
          {OBSERVED_CERTAINTY_WORD[time.certainty]}
          {device !== null && `, ${device}`}
        </span>
      </td>
      <td className="values-value" data-value={value.value}>
        {value.value.replace("-", "\u2212")}
      </td>
      <td className="values-unit">{unitText(value.unit)}</td>
      <td className="values-mark">{mark}</td>
      <td className="values-time-is" title={OBSERVED_CERTAINTY_SENTENCE[time.certainty]}>
        {OBSERVED_CERTAINTY_WORD[time.certainty]}
      </td>
      <td className="values-device">{device ?? ""}</td>
    </tr>
  );
}

/** What makes a value one to be careful with. */
function markOf({ time }: Observation, { suspect }: ObservedValue, nowUnixMs: number): string {
  const isAhead = time.unixMs !== null && time.unixMs > nowUnixMs + CLOCK_ERROR_MS;
  return [suspect ? "suspect" : "", isAhead ? "time in the future" : ""].filter(Boolean).join(", ");
}
