/**
 * Where a time and a value lie on a chart. Drawing uses these functions, and the canvas publishes their numbers, so what a
 * test computes is what is drawn. Lengths are CSS px, x to the right, y downwards.
 */
import type { TimeWindow } from "./time-range.ts";
import type { ValueScale } from "./value-scale.ts";

/** The part of a chart in which values lie, and its scales. */
export interface TrendMapping {
  readonly leftPx: number;
  readonly rightPx: number;
  readonly topPx: number;
  readonly bottomPx: number;
  readonly fromUnixMs: number;
  readonly pxPerMs: number;
  readonly low: number;
  readonly pxPerUnit: number;
}

/** Room for numbers at the left, and around. */
const LEFT_PX = 46;
const RIGHT_PX = 14;
const TOP_PX = 10;
const BOTTOM_PX = 22;

/** Mapping of a window and a scale onto a canvas. */
export function trendMapping(
  window: TimeWindow,
  scale: ValueScale,
  size: { readonly widthPx: number; readonly heightPx: number },
): TrendMapping {
  const [leftPx, rightPx] = [LEFT_PX, Math.max(LEFT_PX + 1, size.widthPx - RIGHT_PX)];
  const [topPx, bottomPx] = [TOP_PX, size.heightPx - BOTTOM_PX];
  return {
    leftPx,
    rightPx,
    topPx,
    bottomPx,
    fromUnixMs: window.fromUnixMs,
    pxPerMs: (rightPx - leftPx) / (window.toUnixMs - window.fromUnixMs),
    low: scale.low,
    pxPerUnit: (bottomPx - topPx) / (scale.high - scale.low),
  };
}

/** x of a time. */
export function xOfTime({ leftPx, fromUnixMs, pxPerMs }: TrendMapping, unixMs: number): number {
  return leftPx + (unixMs - fromUnixMs) * pxPerMs;
}

/** Time at x; the inverse of {@link xOfTime}. */
export function timeAtX({ leftPx, fromUnixMs, pxPerMs }: TrendMapping, x: number): number {
  return fromUnixMs + (x - leftPx) / pxPerMs;
}

/** y of a value. */
export function yOfValue({ bottomPx, low, pxPerUnit }: TrendMapping, value: number): number {
  return bottomPx - (value - low) * pxPerUnit;
}
