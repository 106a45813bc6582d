/** What is not signal: gaps and missing samples (hatched), tiles on their way or lost, and the recording's ends. */
import { durationText } from "../format/time.ts";
import { causeText } from "../format/words.ts";
import { xOfFrame } from "../paper/mapping.ts";
import { frameRateHz } from "../api/types.ts";
import type { Gap } from "../api/types.ts";
import { drawHatch } from "./hatch.ts";
import type { Box } from "./hatch.ts";
import { PALETTE, font } from "./palette.ts";
import { gutterPx } from "./scene.ts";
import type { Scene, TileView } from "./scene.ts";
import type { Surface } from "./surface.ts";
import { traceWindow } from "./traces.ts";

/** Least width of a gap's band: one second in a day must still be seen. */
const GAP_WIDTH_MIN_PX = 3;

/** Grey beyond the ends, washes over tiles that are absent, hatching over gaps and missing samples. */
export function drawBands(surface: Surface, scene: Scene): void {
  drawOutside(surface, scene);
  for (const tile of scene.tiles) drawAbsentTile(surface, scene, tile);
  drawHatch(surface, [...gapBoxes(scene), ...missingBoxes(scene)]);
}

/** Cause and length of each gap in view, where there is room; to be drawn over the traces. */
export function drawGapLabels({ context }: Surface, scene: Scene): void {
  let freeFrom = gutterPx(scene);
  context.font = font(11, 600);
  context.textBaseline = "middle";
  for (const gap of visibleGaps(scene)) {
    const text = `Gap ${durationText((gap.toFrame - gap.fromFrame) / frameRateHz(scene.recording))}: ${causeText(gap.cause)}`;
    const left = Math.max(freeFrom, xOfFrame(scene.time, gap.fromFrame)) + 4;
    const width = context.measureText(text).width + 10;
    if (left + width > scene.widthPx && left > xOfFrame(scene.time, gap.fromFrame) + 4) return;
    drawChip(context, text, Math.min(left, Math.max(freeFrom, scene.widthPx - width - 2)), width);
    freeFrom = left + width;
  }
}

/** Listed gaps that touch the trace area. */
export function visibleGaps(scene: Scene): Gap[] {
  const { fromFrame, toFrame } = traceWindow(scene);
  return scene.recording.gaps.filter((gap) => gap.toFrame > fromFrame && gap.fromFrame < toFrame);
}

function drawChip(context: CanvasRenderingContext2D, text: string, left: number, width: number): void {
  context.fillStyle = PALETTE.chip;
  context.fillRect(left, 4, width, 18);
  context.strokeStyle = PALETTE.gapEdge;
  context.lineWidth = 1;
  context.strokeRect(left + 0.5, 4.5, width - 1, 17);
  context.fillStyle = PALETTE.ink;
  context.textAlign = "left";
  context.fillText(text, left + 5, 13.5);
}

function drawOutside({ context, heightPx, widthPx }: Surface, scene: Scene): void {
  const edge = gutterPx(scene);
  const start = xOfFrame(scene.time, 0);
  const end = xOfFrame(scene.time, scene.recording.frameCount);
  context.fillStyle = PALETTE.outside;
  if (start > edge) context.fillRect(edge, 0, start - edge, heightPx);
  if (end < widthPx) context.fillRect(Math.max(edge, end), 0, widthPx, heightPx);
  context.fillStyle = PALETTE.bound;
  for (const x of [start, end]) if (x >= edge && x <= widthPx) context.fillRect(x - 1, 0, 1.5, heightPx);
}

function drawAbsentTile({ context, heightPx }: Surface, scene: Scene, tile: TileView): void {
  if (tile.loaded !== undefined) return;
  const left = Math.max(gutterPx(scene), xOfFrame(scene.time, tile.fromFrame));
  const right = xOfFrame(scene.time, Math.min(tile.toFrame, scene.recording.frameCount));
  context.fillStyle = tile.failed ? PALETTE.failed : PALETTE.loading;
  context.fillRect(left, 0, Math.max(0, right - left), heightPx);
  if (right - left < 70) return;
  context.fillStyle = tile.failed ? PALETTE.failedInk : PALETTE.inkMuted;
  context.font = font(12, 600);
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillText(tile.failed ? "Not loaded" : "Loading\u2026", left + 6, 14);
}

function gapBoxes(scene: Scene): Box[] {
  const gaps = visibleGaps(scene);
  return scene.layout.rows.flatMap((row) => {
    const skew = row.lead.skewFrames;
    return gaps.map((gap) => {
      const left = xOfFrame(scene.time, gap.fromFrame - skew);
      const width = Math.max(GAP_WIDTH_MIN_PX, xOfFrame(scene.time, gap.toFrame - skew) - left);
      return fullBox(scene, row, left, width);
    });
  });
}

/** A row's box; the first and last rows reach to the paper's edges, so that a gap through all leads is one band. */
function fullBox(scene: Scene, row: Scene["layout"]["rows"][number], left: number, width: number): Box {
  const { rows } = scene.layout;
  const top = row === rows[0] ? 0 : row.topPx;
  const bottom = row === rows.at(-1) ? scene.heightPx : row.topPx + row.heightPx;
  return { left, top, width, height: bottom - top };
}

function missingBoxes(scene: Scene): Box[] {
  return scene.layout.rows.flatMap((row) => {
    const mapping = row.mapping;
    if (mapping === undefined) return [];
    return scene.tiles.flatMap(({ loaded }) => {
      if (loaded === undefined) return [];
      const { block } = loaded;
      const perFrame = block.kind === "summary" ? 1 / block.framesPerBucket : mapping.samplesPerFrame;
      const x = (index: number): number =>
        xOfFrame(scene.time, block.fromFrame + index / perFrame - mapping.skewFrames);
      const runs = loaded.missing[mapping.leadIndex] ?? [];
      return runs.map((run) => {
        const left = x(run.from);
        return { left, top: row.topPx, width: Math.max(1, x(run.to) - left), height: row.heightPx };
      });
    });
  });
}
