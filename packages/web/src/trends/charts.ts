/** Which values belong on one chart, in the order in which a flow sheet has them. */
import type { TrendBucket, Trends, TrendSeries } from "../api/observations.ts";
import { isIn } from "./time-range.ts";
import type { TimeWindow } from "./time-range.ts";

/** What a line of a chart is: the parts of a pressure are drawn together. */
export type LineRole = "value" | "systolic" | "diastolic" | "mean";

/** One line of a chart. */
export interface TrendLine extends TrendSeries {
  readonly role: LineRole;
}

/** One chart. */
export interface TrendChart {
  readonly key: string;
  readonly title: string;
  /** UCUM; the same for every line. */
  readonly unit: string;
  readonly lines: readonly TrendLine[];
}

/** Names of the vocabulary in the order of a flow sheet. Source: docs/vocabulary.md. */
const ORDER: readonly string[] = [
  "heart rate",
  "pulse rate",
  "systolic blood pressure",
  "mean blood pressure",
  "diastolic blood pressure",
  "oxygen saturation",
  "perfusion index",
  "respiratory rate",
  "body temperature",
  "glucose in blood",
  "body weight",
  "body height",
];

const ROLES: ReadonlyMap<string, LineRole> = new Map([
  ["systolic blood pressure", "systolic"],
  ["diastolic blood pressure", "diastolic"],
  ["mean blood pressure", "mean"],
]);

/** Charts of trends: known measurements as a flow sheet has them, then other codes by name. */
export function chartsOf({ series }: Pick<Trends, "series">): TrendChart[] {
  const groups = [...Map.groupBy(series.toSorted(inOrder), chartKey)];
  return groups.map(([key, parts]) => {
    const lines = parts.map((part) => ({ ...part, role: roleOf(part) }));
    const [{ name, code, unit, role }] = lines as [TrendLine, ...TrendLine[]];
    return { key, title: role === "value" ? capital(name ?? code) : "Blood pressure", unit, lines };
  });
}

/** Abbreviations that every ward knows. */
const SHORT: ReadonlyMap<string, string> = new Map([
  ["Blood pressure", "BP"],
  ["Heart rate", "HR"],
  ["Pulse rate", "Pulse"],
  ["Oxygen saturation", "SpO\u2082"],
  ["Perfusion index", "PI"],
  ["Respiratory rate", "Resp"],
  ["Body temperature", "Temp"],
  ["Glucose in blood", "Glucose"],
  ["Body weight", "Weight"],
  ["Body height", "Height"],
]);

/** A chart's title where there is little room. */
export function shortTitle({ title }: Pick<TrendChart, "title">): string {
  return SHORT.get(title) ?? title;
}

/** A chart's lines without what lies outside a window. */
export function clipped(chart: TrendChart, window: TimeWindow): TrendChart {
  const inside = ({ lastUnixMs }: TrendBucket): boolean => isIn(window, lastUnixMs);
  return { ...chart, lines: chart.lines.map((line) => ({ ...line, buckets: line.buckets.filter(inside) })) };
}

/** The code or codes of a chart's values, as one text. */
export function codesText({ lines }: Pick<TrendChart, "lines">): string {
  return lines.map(({ code }) => code).join(", ");
}

/** How many values some buckets hold. */
export function countValues(buckets: readonly Pick<TrendBucket, "count">[]): number {
  return buckets.reduce((sum, { count }) => sum + count, 0);
}

function roleOf({ name }: TrendSeries): LineRole {
  return ROLES.get(name ?? "") ?? "value";
}

/** A pressure's parts come from one vocabulary, and so belong together. */
function chartKey(series: TrendSeries): string {
  const { code, unit } = series;
  if (roleOf(series) === "value") return `${code} ${unit}`;
  return `blood pressure ${code.startsWith("MDC") ? "MDC" : "LOINC"} ${unit}`;
}

function inOrder(a: TrendSeries, b: TrendSeries): number {
  return rank(a) - rank(b) || (a.name ?? a.code).localeCompare(b.name ?? b.code) || a.code.localeCompare(b.code);
}

function rank({ name }: TrendSeries): number {
  const place = ORDER.indexOf(name ?? "");
  return place === -1 ? ORDER.length : place;
}

function capital(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
