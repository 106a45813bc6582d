/**
 * A patient's observations as a chart needs them: for each code, unit and stretch of time how many there were, the least, the
 * greatest and the newest. A chart of a hundred thousand values is as small on its way as one of a hundred.
 */
import type { Catalog, RecordingRow } from "../catalog/catalog.ts";
import {
  cursorText,
  readStream,
  streamsToRead,
  type DescribedObservation,
  type ObservationParts,
  type TimeCertainty,
} from "./observations.ts";

/** Stretches of one answer unless more come from its last segment, and segments that are opened for it. */
const BUCKETS_PER_PAGE = 8192;
const SEGMENTS_PER_PAGE = 2048;

/** Which observations are meant, and how long a stretch is. */
export interface TrendQuery {
  /** Measured at or after, and before, in milliseconds since 1970. */
  readonly fromUnixMs: number | undefined;
  readonly toUnixMs: number | undefined;
  /** 1 or more. Stretches begin at its multiples since 1970. */
  readonly bucketMs: number;
  /** `next` of the page before. */
  readonly after: string | undefined;
}

/** Values of one stretch, either those that a body can have or the others. */
export interface TrendBucket {
  /** When the stretch begins. */
  readonly fromUnixMs: number;
  readonly suspect: boolean;
  readonly count: number;
  /** Decimals, with the digits that the device gave. */
  readonly lowest: string;
  readonly highest: string;
  readonly last: string;
  /** When the last was measured, and how that is known. */
  readonly lastUnixMs: number;
  readonly certainty: Exclude<TimeCertainty, "unknown">;
}

/** Values of one code in one unit. */
export interface TrendSeries {
  readonly code: string;
  /** What the code means; null when it is not a known one. */
  readonly name: string | null;
  /** UCUM. */
  readonly unit: string;
  /** Ascending by time. */
  readonly buckets: TrendBucket[];
}

export interface TrendPage {
  readonly series: TrendSeries[];
  /** Values that no time is known of. */
  readonly untimedCount: number;
  /** For the next page, of observations that came earlier; its stretches may be those of this one. Null at the end. */
  readonly next: string | null;
  readonly unreadableSegments: number;
}

type Component = DescribedObservation["components"][number];
type Time = { readonly unixMs: number; readonly certainty: TrendBucket["certainty"] };

interface Growing {
  readonly of: Component;
  readonly buckets: Map<string, TrendBucket>;
}

const lesser = (a: string, b: string): string => (Number(b) < Number(a) ? b : a);
const greater = (a: string, b: string): string => (Number(b) > Number(a) ? b : a);

/** A stretch with one value more. */
function grown(
  before: TrendBucket | undefined,
  { value }: Component,
  at: Time,
): Omit<TrendBucket, "fromUnixMs" | "suspect"> {
  const last = { last: value, lastUnixMs: at.unixMs, certainty: at.certainty };
  if (!before) return { count: 1, lowest: value, highest: value, ...last };
  const newer = at.unixMs > before.lastUnixMs;
  return {
    count: before.count + 1,
    lowest: lesser(before.lowest, value),
    highest: greater(before.highest, value),
    ...(newer ? last : { last: before.last, lastUnixMs: before.lastUnixMs, certainty: before.certainty }),
  };
}

/** Gathers the stretches of one page. */
class Trends {
  readonly #series = new Map<string, Growing>();
  readonly #bucketMs: number;
  bucketCount = 0;
  untimedCount = 0;

  constructor(bucketMs: number) {
    this.#bucketMs = bucketMs;
  }

  add({ components, time: { unixMs, certainty } }: DescribedObservation): void {
    if (unixMs === null || certainty === "unknown") this.untimedCount += components.length;
    else for (const component of components) this.#addValue(component, { unixMs, certainty });
  }

  #addValue(component: Component, at: Time): void {
    const key = `${component.code} ${component.unit}`;
    const series = this.#series.get(key) ?? { of: component, buckets: new Map<string, TrendBucket>() };
    this.#series.set(key, series);
    const { suspect } = component;
    const fromUnixMs = Math.floor(at.unixMs / this.#bucketMs) * this.#bucketMs;
    const place = `${fromUnixMs} ${suspect}`;
    const before = series.buckets.get(place);
    if (!before) this.bucketCount += 1;
    series.buckets.set(place, { fromUnixMs, suspect, ...grown(before, component, at) });
  }

  get series(): TrendSeries[] {
    return [...this.#series.values()].map(({ of: { code, name, unit }, buckets }) => ({
      code,
      name,
      unit,
      buckets: [...buckets.values()].toSorted((a, b) => a.fromUnixMs - b.fromUnixMs || a.lastUnixMs - b.lastUnixMs),
    }));
  }
}

/** Whether an observation is in the time that is asked for. What has no time is in a chart of everything alone. */
function isMeant({ fromUnixMs, toUnixMs }: TrendQuery, { time: { unixMs } }: DescribedObservation): boolean {
  if (unixMs === null) return fromUnixMs === undefined && toUnixMs === undefined;
  return unixMs >= (fromUnixMs ?? -Infinity) && unixMs < (toUnixMs ?? Infinity);
}

/** Boots whose offset was asked for once: a stream has thousands of segments of one. */
function rememberBoots(catalog: ObservationParts["catalog"]): ObservationParts["catalog"] {
  const known = new Map<string, ReturnType<Catalog["findBootOffset"]>>();
  const findBootOffset: Catalog["findBootOffset"] = (terminal, bootId) => {
    const key = `${terminal} ${bootId}`;
    const found = known.get(key) ?? catalog.findBootOffset(terminal, bootId);
    known.set(key, found);
    return found;
  };
  return { findSegments: (...place) => catalog.findSegments(...place), findBootOffset };
}

/**
 * One page of the stretches in some recordings of a patient, from those that came last to those that came first.
 *
 * @param rows newest first.
 * @throws {ServerError} ERR_REQUEST_RANGE, ERR_DATA_UNREADABLE.
 */
export async function readTrendPage(
  parts: ObservationParts,
  rows: readonly RecordingRow[],
  query: TrendQuery,
): Promise<TrendPage> {
  const trends = new Trends(query.bucketMs);
  const remembering = { ...parts, catalog: rememberBoots(parts.catalog) };
  let [openedCount, unreadableSegments] = [0, 0];
  const pageUpTo = (next: string | null): TrendPage => {
    const { series, untimedCount } = trends;
    return { series, untimedCount, next, unreadableSegments };
  };
  for (const one of streamsToRead(rows, query)) {
    for await (const segment of readStream(remembering, one)) {
      if (openedCount >= SEGMENTS_PER_PAGE || trends.bucketCount >= BUCKETS_PER_PAGE) {
        return pageUpTo(cursorText({ recording: one.row.id, stream: one.stream.stream, before: segment.endsBefore }));
      }
      openedCount += 1;
      if (!segment.observations) unreadableSegments += 1;
      for (const observation of segment.observations ?? []) if (isMeant(query, observation)) trends.add(observation);
    }
  }
  return pageUpTo(null);
}
