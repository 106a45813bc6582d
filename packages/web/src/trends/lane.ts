/** One row of values under a signal: each at its time, none over another. */
import type { TrendChart } from "./charts.ts";
import { momentsOf } from "./moments.ts";
import type { Moment } from "./moments.ts";
import { readingOf } from "./reading.ts";
import type { Reading } from "./reading.ts";

/** A value and where it stands. */
export interface LaneMark {
  readonly moment: Moment;
  readonly reading: Reading;
  /** CSS px from the left edge. */
  readonly x: number;
  /** Whether there is room for its text; without it there is a mark alone. */
  readonly labelled: boolean;
}

/** Widths are estimated, generously: text that is cut would be another value. */
const PX_PER_CHARACTER = 8;
const BETWEEN_PX = 12;

/**
 * Marks of a chart's values between two places, ascending.
 *
 * @param xOf where a time lies.
 */
export function laneMarks(
  chart: TrendChart,
  bucketMs: number,
  xOf: (unixMs: number) => number,
  { fromPx, toPx }: { readonly fromPx: number; readonly toPx: number },
): LaneMark[] {
  const marks: LaneMark[] = [];
  let freeFrom = fromPx;
  for (const moment of momentsOf(chart, bucketMs)) {
    const x = xOf(moment.unixMs);
    if (x < fromPx || x > toPx) continue;
    const reading = readingOf(moment, chart, bucketMs);
    const end = x + reading.short.length * PX_PER_CHARACTER + BETWEEN_PX;
    const labelled = x >= freeFrom && end <= toPx + BETWEEN_PX;
    if (labelled) freeFrom = end;
    marks.push({ moment, reading, x, labelled });
  }
  return marks;
}
