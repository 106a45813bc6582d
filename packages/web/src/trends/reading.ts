/** A moment of a chart in words: values as they are stored, when, and whose word that is. */
import type { TrendBucket } from "../api/observations.ts";
import { clockText, OBSERVED_CERTAINTY_WORD, wallClockText } from "../format/time.ts";
import { withUnit } from "../format/unit.ts";
import { countText } from "../format/words.ts";
import type { LineRole, TrendChart } from "./charts.ts";
import type { Moment } from "./moments.ts";

/** What a moment says. */
export interface Reading {
  /** `118/76 mmHg (mean 90)`, `97 %`, `95–99 %`. */
  readonly value: string;
  /** The same without the mean: `118/76 mmHg`. */
  readonly short: string;
  /** Exact time of a single value; begin and end of a stretch. */
  readonly time: string;
  /** How the time is known; of a stretch, that of its newest. */
  readonly certainty: string;
  /** How many values a stretch has; empty for one. */
  readonly count: string;
  readonly suspect: boolean;
}

/** Reading of a moment. */
export function readingOf(moment: Moment, { unit }: Pick<TrendChart, "unit">, bucketMs: number): Reading {
  const newest = moment.parts
    .map(({ bucket }) => bucket)
    .toSorted((a, b) => b.lastUnixMs - a.lastUnixMs)[0] as TrendBucket;
  const count = Math.max(...moment.parts.map(({ bucket }) => bucket.count));
  const { fromUnixMs, lastUnixMs, certainty } = newest;
  const isOne = moment.unixMs === lastUnixMs && count === 1;
  return {
    value: valueText(moment, unit),
    short: shortText(moment, unit),
    time: isOne ? wallClockText(lastUnixMs) : `${wallClockText(fromUnixMs)} to ${clockText(fromUnixMs + bucketMs)}`,
    certainty: OBSERVED_CERTAINTY_WORD[certainty],
    count: count === 1 ? "" : countText(count, "value"),
    suspect: moment.suspect,
  };
}

/** Reading of the newest values alone, where a moment is a stretch of several. */
export function newestReadingOf(moment: Moment, chart: Pick<TrendChart, "unit">, bucketMs: number): Reading {
  const parts = moment.parts.map(({ line, bucket }) => {
    const { last } = bucket;
    return { line, bucket: { ...bucket, count: 1, lowest: last, highest: last } };
  });
  const unixMs = Math.max(...parts.map(({ bucket }) => bucket.lastUnixMs));
  return readingOf({ ...moment, unixMs, parts }, chart, bucketMs);
}

/** All of a reading as one text. */
export function readingText({ value, time, certainty, count, suspect }: Reading): string {
  return [value, suspect ? "suspect" : "", count, time, certainty].filter(Boolean).join(", ");
}

function valueText(moment: Moment, unit: string): string {
  const mean = rangeOf(moment, "mean");
  const isPressure = rangeOf(moment, "systolic") !== undefined || rangeOf(moment, "diastolic") !== undefined;
  return isPressure && mean !== undefined ? `${shortText(moment, unit)} (mean ${mean})` : shortText(moment, unit);
}

function shortText(moment: Moment, unit: string): string {
  const value = rangeOf(moment, "value");
  if (value !== undefined) return withUnit(value, unit);
  const [systolic, diastolic] = [rangeOf(moment, "systolic"), rangeOf(moment, "diastolic")];
  if (systolic === undefined && diastolic === undefined)
    return `mean ${withUnit(rangeOf(moment, "mean") ?? "?", unit)}`;
  return withUnit(`${systolic ?? "?"}/${diastolic ?? "?"}`, unit);
}

function rangeOf({ parts }: Moment, role: LineRole): string | undefined {
  return rangeText(parts.find(({ line }) => line.role === role)?.bucket);
}

/** The value, or the least and the greatest of several. */
function rangeText(bucket: TrendBucket | undefined): string | undefined {
  if (bucket === undefined) return undefined;
  const { lowest, highest } = bucket;
  return lowest === highest ? lowest : `${lowest}\u2013${highest}`;
}
