/** Lead names and calibration pulses at the left of the paper. */
import { unitText } from "../format/unit.ts";
import { leadTitle } from "../paper/lead-order.ts";
import type { PaperRow } from "../paper/layout.ts";
import { trimmed } from "../paper/speeds.ts";
import { PALETTE, font } from "./palette.ts";
import { gutterPx } from "./scene.ts";
import type { Scene } from "./scene.ts";
import type { Surface } from "./surface.ts";

const NAME_LEFT_PX = 4;

/** Draws name and pulse (or scale bar) of every row. */
export function drawGutter({ context, heightPx }: Surface, scene: Scene): void {
  context.textAlign = "left";
  for (const row of scene.layout.rows) {
    if (row.scale.kind === "voltage") drawVoltageRow(context, scene, row);
    else drawOwnRow(context, scene, row);
  }
  context.fillStyle = PALETTE.gridBold;
  context.fillRect(gutterPx(scene) - 1, 0, 1, heightPx);
}

function drawVoltageRow(context: CanvasRenderingContext2D, scene: Scene, row: PaperRow): void {
  drawName(context, scene, leadTitle(row.lead.name), row.zeroPx - 0.5 * scene.pxPerMm);
  strokePulse(context, scene, row);
}

/** 1 mV for 0.2 s, from the zero line. */
function strokePulse(context: CanvasRenderingContext2D, scene: Scene, row: PaperRow): void {
  const { pxPerMm, gutter } = scene;
  const rise = gutter.pulseFromMm * pxPerMm;
  const fall = rise + gutter.pulseWidthMm * pxPerMm;
  const top = row.zeroPx - scene.gainMmPerMv * pxPerMm;
  context.beginPath();
  context.moveTo(rise - pxPerMm, row.zeroPx);
  context.lineTo(rise, row.zeroPx);
  context.lineTo(rise, top);
  context.lineTo(fall, top);
  context.lineTo(fall, row.zeroPx);
  context.lineTo(fall + pxPerMm, row.zeroPx);
  stroke(context);
}

/** A bar of 10 mm with the values at its ends, and the lead's unit under its name. */
function drawOwnRow(context: CanvasRenderingContext2D, scene: Scene, row: PaperRow): void {
  const { scale } = row;
  const { pxPerMm } = scene;
  drawName(context, scene, leadTitle(row.lead.name), row.zeroPx - (scale.kind === "own" ? 1.7 * pxPerMm : 0));
  if (scale.kind !== "own") return;
  const x = gutterPx(scene) - pxPerMm;
  const half = 5 * pxPerMm;
  strokeBar(context, x, row.zeroPx, half, pxPerMm);
  context.font = font(10);
  fillFitting(context, unitText(scale.unit), row.zeroPx + 1.9 * pxPerMm, x - 5 * pxPerMm);
  context.textAlign = "right";
  const halfValue = scale.valuePer10Mm / 2;
  const right = x - 1.4 * pxPerMm;
  context.fillText(trimmed(scale.centreValue + halfValue), right, row.zeroPx - half, right - NAME_LEFT_PX);
  context.fillText(trimmed(scale.centreValue - halfValue), right, row.zeroPx + half, right - NAME_LEFT_PX);
  context.textAlign = "left";
}

function strokeBar(context: CanvasRenderingContext2D, x: number, y: number, half: number, tick: number): void {
  context.beginPath();
  context.moveTo(x - tick, y - half);
  context.lineTo(x, y - half);
  context.lineTo(x, y + half);
  context.lineTo(x - tick, y + half);
  stroke(context);
}

function drawName(context: CanvasRenderingContext2D, scene: Scene, name: string, y: number): void {
  context.font = font(13, 600);
  context.fillStyle = PALETTE.ink;
  context.textBaseline = "middle";
  fillFitting(context, name, y, (scene.gutter.pulseFromMm - 1) * scene.pxPerMm - NAME_LEFT_PX);
}

/** Text at the left edge, narrowed when it is too long for its room. */
function fillFitting(context: CanvasRenderingContext2D, text: string, y: number, roomPx: number): void {
  context.fillText(text, NAME_LEFT_PX, y, roomPx);
}

function stroke(context: CanvasRenderingContext2D): void {
  context.strokeStyle = PALETTE.trace;
  context.lineWidth = 1.15;
  context.lineJoin = "miter";
  context.stroke();
}
