/** From values to a scale with round ticks. Numbers here are floats: they place ink, they are never shown as values. */
import { niceAbove } from "../paper/lead-scale.ts";
import type { TrendChart } from "./charts.ts";

/** A scale: its ends are ticks. */
export interface ValueScale {
  readonly low: number;
  readonly high: number;
  /** Ascending, from `low` to `high`. */
  readonly ticks: readonly { readonly value: number; readonly text: string }[];
}

/** What is always on a chart, so that small changes look small. Not a normal range: nothing is judged. */
const ALWAYS: ReadonlyMap<string, readonly [low: number, high: number]> = new Map([
  ["heart rate /min", [50, 110]],
  ["pulse rate /min", [50, 110]],
  ["Blood pressure mm[Hg]", [60, 160]],
  ["Blood pressure kPa", [8, 22]],
  ["oxygen saturation %", [88, 100]],
  ["respiratory rate /min", [8, 24]],
  ["body temperature Cel", [36, 38.5]],
  ["body temperature [degF]", [97, 101]],
  ["glucose in blood mg/dL", [70, 180]],
  ["glucose in blood mmol/L", [4, 10]],
]);

/** Where a scale ends whatever its ticks are. */
const HIGHEST: ReadonlyMap<string, number> = new Map([["%", 100]]);
const STEPS = 5;

/** Scale of a chart's values. Suspect ones do not stretch it: they are drawn at its edge. */
export function valueScaleOf(chart: TrendChart): ValueScale {
  const buckets = chart.lines.flatMap((line) => line.buckets).filter(({ suspect }) => !suspect);
  const always = ALWAYS.get(alwaysKey(chart)) ?? [];
  const values = [...always, ...buckets.flatMap(({ lowest, highest }) => [Number(lowest), Number(highest)])];
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  if (low > high) return scaleOver(0, 1, undefined);
  const room = high > low ? 0 : Math.max(Math.abs(high) * 0.02, 0.5);
  return scaleOver(
    low - room,
    high + room,
    high <= (HIGHEST.get(chart.unit) ?? -Infinity) ? HIGHEST.get(chart.unit) : undefined,
  );
}

function scaleOver(low: number, high: number, end: number | undefined): ValueScale {
  const step = niceAbove((high - low) / STEPS);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.min(Math.ceil(high / step - 1e-9), end === undefined ? Infinity : Math.ceil(end / step));
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const ticks = Array.from({ length: last - first + 1 }, (_, index) => {
    const value = (first + index) * step;
    return { value, text: value.toFixed(decimals).replace("-", "\u2212") };
  });
  return { low: first * step, high: last * step, ticks };
}

/** Units that mean the same count a minute. */
function alwaysKey({ title, unit, lines }: TrendChart): string {
  const name = title === "Blood pressure" ? title : (lines[0]?.name ?? "");
  return `${name} ${unit.endsWith("/min") ? "/min" : unit}`;
}
