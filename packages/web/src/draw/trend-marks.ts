/** Marks of a chart: lines and dots of values, bars of pressures, diamonds of what no body can have. */
import type { TrendBucket } from "../api/observations.ts";
import type { LineRole, TrendLine } from "../trends/charts.ts";
import type { Moment } from "../trends/moments.ts";
import { xOfTime, yOfValue } from "../trends/trend-mapping.ts";
import type { TrendMapping } from "../trends/trend-mapping.ts";
import { PALETTE } from "./palette.ts";
import { PathPen } from "./path-pen.ts";

/** The values of one line that a body can have; neighbours further apart than `gapMs` are not joined. */
export interface LineValues {
  readonly line: TrendLine;
  readonly moments: readonly Moment[];
  readonly gapMs: number;
  /** Length of a stretch. */
  readonly bucketMs: number;
}

const DOT_RADIUS_PX = 2.75;
/** Closer neighbours than this need no dots: their line tells enough. */
const DOT_SPACING_PX = 6;
const CAP_PX = 7;
const DIAMOND_PX = 5;

/** A bar from the least to the greatest of each stretch, a line through the newest, dots where they are few. */
export function drawValues(context: CanvasRenderingContext2D, values: LineValues, mapping: TrendMapping): void {
  const points = values.moments.flatMap((moment) => {
    const bucket = bucketOf(moment, values.line);
    return bucket === undefined ? [] : [{ unixMs: moment.unixMs, x: xOfTime(mapping, moment.unixMs), bucket }];
  });
  context.fillStyle = PALETTE.trendRange;
  const barPx = Math.max(1, Math.min(4, Math.round(mapping.pxPerMs * values.bucketMs)));
  for (const { x, bucket } of points) if (bucket.count > 1) fillSpan(context, x, barPx, span(mapping, bucket));
  strokeLine(context, points, values.gapMs, mapping);
  context.fillStyle = PALETTE.accent;
  for (const [index, { x, bucket }] of points.entries()) {
    const distance = Math.min(x - (points[index - 1]?.x ?? -Infinity), (points[index + 1]?.x ?? Infinity) - x);
    if (distance >= DOT_SPACING_PX) fillDot(context, x, yOfValue(mapping, Number(bucket.last)));
  }
}

interface Point {
  readonly unixMs: number;
  readonly x: number;
  readonly bucket: TrendBucket;
}

function strokeLine(
  context: CanvasRenderingContext2D,
  points: readonly Point[],
  gapMs: number,
  mapping: TrendMapping,
): void {
  const pen = new PathPen(context);
  context.beginPath();
  for (const [index, { unixMs, x, bucket }] of points.entries()) {
    if (unixMs - (points[index - 1]?.unixMs ?? unixMs) > gapMs) pen.lift();
    pen.to(x, yOfValue(mapping, Number(bucket.last)));
  }
  pen.lift();
  context.strokeStyle = PALETTE.accent;
  context.lineWidth = 1.5;
  context.lineJoin = "round";
  context.stroke();
}

/** For each moment a bar from diastolic to systolic with a cap at either end, and a dot at the mean. */
export function drawPressures(
  context: CanvasRenderingContext2D,
  moments: readonly Moment[],
  mapping: TrendMapping,
): void {
  const shown = moments.filter(({ suspect }) => !suspect);
  for (const moment of shown) {
    const x = xOfTime(mapping, moment.unixMs);
    const [systolic, diastolic, mean] = (["systolic", "diastolic", "mean"] as const).map((role) => find(moment, role));
    context.fillStyle = PALETTE.ink;
    if (systolic && diastolic) {
      const top = yOfValue(mapping, Number(systolic.last));
      fillSpan(context, x, 2, { top, bottom: yOfValue(mapping, Number(diastolic.last)) });
    }
    for (const bucket of [systolic, diastolic]) {
      if (bucket === undefined) continue;
      const y = yOfValue(mapping, Number(bucket.last));
      context.fillStyle = PALETTE.trendRange;
      fillSpan(context, x, CAP_PX - 2, span(mapping, bucket));
      context.fillStyle = PALETTE.ink;
      context.fillRect(x - CAP_PX / 2, y - 1, CAP_PX, 2);
    }
    context.fillStyle = PALETTE.accent;
    if (mean) fillDot(context, x, yOfValue(mapping, Number(mean.last)));
  }
}

/** Hollow diamonds; those beyond the scale stand at its edge and point there. */
export function drawSuspects(
  context: CanvasRenderingContext2D,
  moments: readonly Moment[],
  mapping: TrendMapping,
): void {
  for (const { unixMs, parts, suspect } of moments) {
    if (!suspect) continue;
    for (const { bucket } of parts) strokeSuspect(context, xOfTime(mapping, unixMs), Number(bucket.last), mapping);
  }
}

function strokeSuspect(context: CanvasRenderingContext2D, x: number, value: number, mapping: TrendMapping): void {
  const wanted = yOfValue(mapping, value);
  const y = Math.min(mapping.bottomPx - DIAMOND_PX, Math.max(mapping.topPx + DIAMOND_PX, wanted));
  const corners = cornersOf(Math.sign(Math.round(wanted - y)));
  context.beginPath();
  for (const [dx, dy] of corners) context.lineTo(x + dx * DIAMOND_PX, y + dy * DIAMOND_PX);
  context.closePath();
  context.fillStyle = PALETTE.trendGround;
  context.fill();
  context.strokeStyle = PALETTE.failedInk;
  context.lineWidth = 1.75;
  context.stroke();
}

/** A diamond, or a triangle that points up (-1) or down (1) to where the value is. */
function cornersOf(beyond: number): readonly (readonly [dx: number, dy: number])[] {
  if (beyond === 0) return [[0, -1], [1, 0], [0, 1], [-1, 0]]; // prettier-ignore
  return [[0, beyond], [1, -beyond], [-1, -beyond]]; // prettier-ignore
}

function bucketOf({ parts }: Moment, line: TrendLine): TrendBucket | undefined {
  return parts.find((part) => part.line === line)?.bucket;
}

function find({ parts }: Moment, role: LineRole): TrendBucket | undefined {
  return parts.find(({ line }) => line.role === role)?.bucket;
}

interface Span {
  readonly top: number;
  readonly bottom: number;
}

function span(mapping: TrendMapping, { lowest, highest }: TrendBucket): Span {
  return { top: yOfValue(mapping, Number(highest)), bottom: yOfValue(mapping, Number(lowest)) };
}

/** On whole pixels and a little beyond the ends: what is half covered could not be told from paper. */
function fillSpan(context: CanvasRenderingContext2D, x: number, widthPx: number, { top, bottom }: Span): void {
  const left = Math.round(x - widthPx / 2);
  context.fillRect(left, Math.floor(top - 0.5), widthPx, Math.ceil(bottom + 0.5) - Math.floor(top - 0.5));
}

function fillDot(context: CanvasRenderingContext2D, x: number, y: number): void {
  context.beginPath();
  context.arc(x, y, DOT_RADIUS_PX, 0, 2 * Math.PI);
  context.fill();
}
