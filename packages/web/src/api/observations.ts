/** Observations and their trends as the API tells them, checked. Values are decimals as text: they are never rounded. */
import { malformed } from "../errors.ts";
import { arrayAt, booleanAt, choiceAt, integerAt, nullableAt, numberAt, objectAt, objectOf, stringAt } from "./json.ts";
import type { JsonObject } from "./json.ts";

/** Whose word a time is: the device's, the server's clock, the terminal's, or nobody's. */
export type TimeCertainty = "device" | "measured" | "claimed" | "unknown";

/** One value of an observation. */
export interface ObservedValue {
  /** LOINC number or IEEE 11073 reference id. */
  readonly code: string;
  /** What the code means; null when it is not a known one. */
  readonly name: string | null;
  /** UCUM. */
  readonly unit: string;
  /** Decimal, with the digits that the device gave. */
  readonly value: string;
  /** No body can have it. */
  readonly suspect: boolean;
}

/** What was measured at once. */
export interface Observation {
  readonly id: string;
  readonly recordingId: string;
  readonly device: string | null;
  readonly time: { readonly unixMs: number | null; readonly certainty: TimeCertainty };
  readonly components: readonly ObservedValue[];
}

/** One page, the last to arrive first. */
export interface ObservationPage {
  readonly observations: readonly Observation[];
  readonly next: string | null;
  readonly unreadableSegments: number;
}

/** Values of one stretch of time; suspect ones are apart from others. */
export interface TrendBucket {
  readonly fromUnixMs: number;
  readonly suspect: boolean;
  readonly count: number;
  readonly lowest: string;
  readonly highest: string;
  /** The newest, when it was measured, and how that is known. */
  readonly last: string;
  readonly lastUnixMs: number;
  readonly certainty: TimeCertainty;
}

/** Values of one code in one unit, ascending by time. */
export interface TrendSeries {
  readonly code: string;
  readonly name: string | null;
  readonly unit: string;
  readonly buckets: readonly TrendBucket[];
}

/** What one page of trends, or all of them together, hold. */
export interface Trends {
  readonly series: readonly TrendSeries[];
  readonly untimedCount: number;
  readonly unreadableSegments: number;
}

/** One page of trends. */
export interface TrendPage extends Trends {
  readonly next: string | null;
}

/** What to ask observations for. */
export interface ObservationsQuery {
  readonly code?: string | undefined;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly limit?: number | undefined;
  readonly after?: string | undefined;
}

/** What to ask trends for. */
export interface TrendsQuery {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly bucketMs: number;
  readonly after?: string | undefined;
}

const PAGE_MAX = 1000;
const COMPONENTS_MAX = 64;
const SERIES_MAX = 100_000;
const BUCKETS_MAX = 1_000_000;
const UNIX_MS_MAX = 8_640_000_000_000_000;
const CERTAINTIES = ["device", "measured", "claimed", "unknown"] as const;

/** Body of `GET /patients/:id/observations`. @throws {WebError} ERR_ANSWER_MALFORMED. */
export function readObservationPage(value: unknown): ObservationPage {
  const body = objectOf(value, "observations");
  return {
    observations: arrayAt(body, "observations", readObservation, PAGE_MAX),
    next: nullableAt(body, "next", stringAt),
    unreadableSegments: integerAt(body, "unreadableSegments"),
  };
}

/** Body of `GET /patients/:id/trends`. @throws {WebError} ERR_ANSWER_MALFORMED. */
export function readTrendPage(value: unknown): TrendPage {
  const body = objectOf(value, "trends");
  return {
    series: arrayAt(body, "series", readSeries, SERIES_MAX),
    untimedCount: integerAt(body, "untimedCount"),
    next: nullableAt(body, "next", stringAt),
    unreadableSegments: integerAt(body, "unreadableSegments"),
  };
}

function readObservation(body: JsonObject): Observation {
  const time = objectAt(body, "time");
  return {
    id: stringAt(body, "id"),
    recordingId: stringAt(body, "recordingId"),
    device: nullableAt(body, "device", stringAt),
    time: { unixMs: nullableAt(time, "unixMs", numberAt), certainty: choiceAt(time, "certainty", CERTAINTIES) },
    components: arrayAt(body, "components", readValue, COMPONENTS_MAX),
  };
}

function readValue(body: JsonObject): ObservedValue {
  return { ...readKind(body), value: decimalAt(body, "value"), suspect: booleanAt(body, "suspect") };
}

function readKind(body: JsonObject): Pick<TrendSeries, "code" | "name" | "unit"> {
  return { code: stringAt(body, "code"), name: nullableAt(body, "name", stringAt), unit: stringAt(body, "unit") };
}

function readSeries(body: JsonObject): TrendSeries {
  return { ...readKind(body), buckets: arrayAt(body, "buckets", readBucket, BUCKETS_MAX) };
}

function readBucket(body: JsonObject): TrendBucket {
  return {
    fromUnixMs: integerAt(body, "fromUnixMs", -UNIX_MS_MAX, UNIX_MS_MAX),
    suspect: booleanAt(body, "suspect"),
    count: integerAt(body, "count", 1),
    lowest: decimalAt(body, "lowest"),
    highest: decimalAt(body, "highest"),
    last: decimalAt(body, "last"),
    lastUnixMs: integerAt(body, "lastUnixMs", -UNIX_MS_MAX, UNIX_MS_MAX),
    certainty: choiceAt(body, "certainty", CERTAINTIES),
  };
}

function decimalAt(body: JsonObject, key: string): string {
  const text = stringAt(body, key);
  if (!/^-?\d{1,40}(\.\d{1,40})?$/u.test(text)) throw malformed(key);
  return text;
}
