/** ECG paper: 1 mm fine and 5 mm bold lines. */
import { gridLines } from "../paper/grid-lines.ts";
import type { GridLine } from "../paper/grid-lines.ts";
import { snapped, xOfFrame } from "../paper/mapping.ts";
import { timeTicks } from "../paper/ticks.ts";
import { frameRateHz } from "../api/types.ts";
import { PALETTE } from "./palette.ts";
import { gutterPx } from "./scene.ts";
import type { Scene } from "./scene.ts";
import type { Surface } from "./surface.ts";

/** Least distance of two labels on the time axis, CSS px. Shared with the axis, whose ticks the slow grid follows. */
export const LABEL_SPACING_PX = 84;

/** Slowest paper, in mm/s, whose millimetres are round times; below it vertical lines stand at the time ticks. */
const MM_GRID_SPEED_MIN = 1;

/** Fills the surface with paper. Vertical lines move with the signal; those under the gutter stay with the pulse. */
export function drawGrid(surface: Surface, scene: Scene): void {
  const { context } = surface;
  const edge = gutterPx(scene);
  context.fillStyle = PALETTE.paper;
  context.fillRect(0, 0, surface.widthPx, surface.heightPx);
  const rows = gridLines(0, surface.heightPx, scene.layout.gridAnchorPx, scene.pxPerMm);
  const gutter = gridLines(0, edge, scene.gutter.pulseFromMm * scene.pxPerMm, scene.pxPerMm);
  const columns = [...gutter.filter(({ px }) => px < edge), ...signalColumns(surface, scene, edge)];
  for (const bold of [false, true]) {
    context.fillStyle = bold ? PALETTE.gridBold : PALETTE.gridFine;
    for (const line of rows) if (line.bold === bold) horizontal(surface, line);
    for (const line of columns) if (line.bold === bold) vertical(surface, line);
  }
}

function signalColumns(surface: Surface, scene: Scene, edge: number): GridLine[] {
  if (scene.speedMmPerS >= MM_GRID_SPEED_MIN) {
    return gridLines(edge, surface.widthPx, xOfFrame(scene.time, 0), scene.pxPerMm);
  }
  const pxPerSecond = scene.speedMmPerS * scene.pxPerMm;
  const seconds = (x: number): number => (x - xOfFrame(scene.time, 0)) / pxPerSecond;
  const range = { fromSeconds: seconds(edge), toSeconds: seconds(surface.widthPx), pxPerSecond };
  const ticks = timeTicks({ ...range, labelSpacingPx: LABEL_SPACING_PX });
  const x = (s: number): number => xOfFrame(scene.time, s * frameRateHz(scene.recording));
  return ticks.map((tick) => ({ px: x(tick.seconds), bold: tick.labelled }));
}

function horizontal({ context, widthPx, devicePixelRatio }: Surface, line: GridLine): void {
  const thickness = lineThickness(devicePixelRatio);
  context.fillRect(0, snapped(line.px - thickness / 2, devicePixelRatio), widthPx, thickness);
}

function vertical({ context, heightPx, devicePixelRatio }: Surface, line: GridLine): void {
  const thickness = lineThickness(devicePixelRatio);
  context.fillRect(snapped(line.px - thickness / 2, devicePixelRatio), 0, thickness, heightPx);
}

/** One CSS px in whole device pixels, at least one. */
function lineThickness(devicePixelRatio: number): number {
  return Math.max(1, Math.floor(devicePixelRatio)) / devicePixelRatio;
}
