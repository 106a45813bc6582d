/** One chart of values over time. Nothing is drawn where nothing was measured. */
import { clockTicks } from "../trends/clock-ticks.ts";
import type { TrendChart, TrendLine } from "../trends/charts.ts";
import { gapMsOf } from "../trends/moments.ts";
import type { Moment } from "../trends/moments.ts";
import type { TimeWindow } from "../trends/time-range.ts";
import { trendMapping, xOfTime, yOfValue } from "../trends/trend-mapping.ts";
import type { TrendMapping } from "../trends/trend-mapping.ts";
import type { ValueScale } from "../trends/value-scale.ts";
import { PALETTE, font } from "./palette.ts";
import { prepareSurface } from "./surface.ts";
import type { Surface } from "./surface.ts";
import { drawPressures, drawSuspects, drawValues } from "./trend-marks.ts";

/** Everything that a chart's picture depends on. */
export interface TrendScene {
  readonly chart: TrendChart;
  readonly moments: readonly Moment[];
  readonly window: TimeWindow;
  readonly scale: ValueScale;
  readonly bucketMs: number;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly devicePixelRatio: number;
  /** Time that is pointed at, and the moment that is read there. */
  readonly cursorUnixMs: number | undefined;
  readonly selected: Moment | undefined;
}

/** Least distance of two labels of the time axis, CSS px. */
const LABEL_SPACING_PX = 76;

/** Draws a chart and publishes its mapping on the canvas. */
export function drawTrend(canvas: HTMLCanvasElement, scene: TrendScene): void {
  const surface = prepareSurface(canvas, scene.widthPx, scene.heightPx, scene.devicePixelRatio);
  if (surface === undefined) return;
  const mapping = trendMapping(scene.window, scene.scale, scene);
  const { context } = surface;
  context.fillStyle = PALETTE.trendGround;
  context.fillRect(0, 0, surface.widthPx, surface.heightPx);
  drawScale(surface, scene, mapping);
  drawTimes(surface, scene, mapping);
  drawCursor(surface, scene, mapping);
  for (const line of scene.chart.lines) if (line.role === "value") drawValues(context, valuesOf(scene, line), mapping);
  drawPressures(context, scene.moments, mapping);
  drawSuspects(context, scene.moments, mapping);
  publishMapping(canvas, scene, mapping);
}

function valuesOf({ moments, bucketMs }: TrendScene, line: TrendLine): Parameters<typeof drawValues>[1] {
  const own = moments.filter(({ suspect, parts }) => !suspect && parts.some((part) => part.line === line));
  return { line, moments: own, gapMs: gapMsOf(own, bucketMs), bucketMs };
}

function drawScale({ context, devicePixelRatio }: Surface, { scale }: TrendScene, mapping: TrendMapping): void {
  const { leftPx, rightPx } = mapping;
  const thickness = 1 / devicePixelRatio;
  context.font = font(11);
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const { value, text } of scale.ticks) {
    const y = Math.round(yOfValue(mapping, value) * devicePixelRatio) / devicePixelRatio;
    context.fillStyle = PALETTE.trendGrid;
    context.fillRect(leftPx, y, rightPx - leftPx, thickness);
    context.fillStyle = PALETTE.inkMuted;
    context.fillText(text, leftPx - 7, y);
  }
}

function drawTimes({ context, heightPx }: Surface, { window }: TrendScene, mapping: TrendMapping): void {
  const { leftPx, rightPx, topPx, bottomPx } = mapping;
  context.textAlign = "center";
  context.textBaseline = "alphabetic";
  let freeFrom = leftPx - 24;
  for (const { unixMs, text, bold } of clockTicks(window, mapping.pxPerMs, LABEL_SPACING_PX)) {
    const x = Math.round(xOfTime(mapping, unixMs));
    context.fillStyle = bold ? PALETTE.trendGridBold : PALETTE.trendGrid;
    context.fillRect(x, topPx, 1, bottomPx - topPx + 4);
    context.font = font(11, bold ? 600 : 400);
    const half = context.measureText(text).width / 2;
    if (x - half < freeFrom || x + half > rightPx + 12) continue;
    context.fillStyle = bold ? PALETTE.ink : PALETTE.inkMuted;
    context.fillText(text, x, heightPx - 6);
    freeFrom = x + half + 8;
  }
}

function drawCursor({ context }: Surface, { cursorUnixMs, selected }: TrendScene, mapping: TrendMapping): void {
  const at = selected?.unixMs ?? cursorUnixMs;
  if (at === undefined) return;
  const x = xOfTime(mapping, at);
  context.fillStyle = selected === undefined ? PALETTE.trendGridBold : PALETTE.window;
  const widthPx = selected === undefined ? 1 : 9;
  context.fillRect(x - widthPx / 2, mapping.topPx, widthPx, mapping.bottomPx - mapping.topPx);
}

/**
 * Data attributes that tell where a value was drawn, in CSS px from the canvas's top left corner:
 * x = data-left-px + (unixMs - data-from-unix-ms) * data-px-per-ms; y = data-bottom-px - (value - data-low) * data-px-per-unit.
 */
function publishMapping({ dataset }: HTMLCanvasElement, { bucketMs }: TrendScene, mapping: TrendMapping): void {
  for (const [name, value] of Object.entries(mapping)) dataset[name] = String(value);
  dataset["bucketMs"] = String(bucketMs);
}
