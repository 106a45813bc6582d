/** All leads' traces, clipped to the trace area. */
import type { LoadedBlock } from "../data/missing-runs.ts";
import type { PaperRow } from "../paper/layout.ts";
import { frameAtX } from "../paper/mapping.ts";
import type { RowMapping } from "../paper/mapping.ts";
import { PALETTE } from "./palette.ts";
import { PathPen } from "./path-pen.ts";
import { gutterPx } from "./scene.ts";
import type { Scene } from "./scene.ts";
import type { Surface } from "./surface.ts";
import { traceSamples } from "./trace-samples.ts";
import type { TraceWindow } from "./trace-samples.ts";
import { traceSummary } from "./trace-summary.ts";

/** Width of a trace, CSS px: about 0.3 mm, as a thermal head prints. */
const TRACE_WIDTH_PX = 1.15;

/** Draws every row's trace from the tiles at hand. */
export function drawTraces({ context }: Surface, scene: Scene): void {
  const window = traceWindow(scene);
  context.strokeStyle = PALETTE.trace;
  context.fillStyle = PALETTE.trace;
  context.lineWidth = TRACE_WIDTH_PX;
  context.lineJoin = "bevel";
  context.lineCap = "butt";
  for (const row of scene.layout.rows) {
    if (row.mapping === undefined) continue;
    context.save();
    if (row.scale.kind === "own") clipToRow(context, scene, row);
    context.beginPath();
    traceRow(context, scene, row.mapping, window);
    context.stroke();
    context.restore();
  }
}

/** Voltages may overlap their neighbours, as on paper; what has a scale of its own must not be read against theirs. */
function clipToRow(context: CanvasRenderingContext2D, scene: Scene, row: PaperRow): void {
  context.beginPath();
  context.rect(0, row.topPx, scene.widthPx, row.heightPx);
  context.clip();
}

/** The part of the time axis in the trace area, with the frame rate's own resolution. */
export function traceWindow(scene: Scene): TraceWindow {
  const fromFrame = frameAtX(scene.time, gutterPx(scene));
  const toFrame = frameAtX(scene.time, scene.widthPx);
  return { fromFrame, toFrame, devicePixelRatio: scene.devicePixelRatio };
}

function traceRow(context: CanvasRenderingContext2D, scene: Scene, row: RowMapping, window: TraceWindow): void {
  const pen = new PathPen(context);
  let end = Number.NaN;
  for (const { loaded } of scene.tiles) {
    if (loaded === undefined || loaded.block.fromFrame !== end) pen.lift();
    if (loaded !== undefined) traceBlock(context, pen, loaded, scene, row, window);
    end = loaded?.block.toFrame ?? Number.NaN;
  }
  pen.lift();
}

function traceBlock(
  context: CanvasRenderingContext2D,
  pen: PathPen,
  { block }: LoadedBlock,
  scene: Scene,
  row: RowMapping,
  window: TraceWindow,
): void {
  if (block.kind === "samples") return traceSamples(pen, block, scene.time, row, window);
  const column = (left: number, top: number, width: number, bottom: number): void =>
    context.fillRect(left, top, width, bottom - top);
  traceSummary(column, block, scene.time, row, window);
}
