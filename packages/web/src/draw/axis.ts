/** The time axis under the paper: elapsed time, and the clock where the start is known. */
import { clockText, elapsedText, unixMsOfSeconds } from "../format/time.ts";
import { frameRateHz } from "../api/types.ts";
import type { Recording } from "../api/types.ts";
import { frameAtX, xOfFrame } from "../paper/mapping.ts";
import type { TimeMapping } from "../paper/mapping.ts";
import { timeTicks } from "../paper/ticks.ts";
import { LABEL_SPACING_PX } from "./grid.ts";
import { PALETTE, font } from "./palette.ts";
import { prepareSurface } from "./surface.ts";
import type { Surface } from "./surface.ts";

/** Height of the axis, CSS px. */
export const AXIS_HEIGHT_PX = 36;

/** What the axis shows; `leftPx` is where the trace area starts. */
export interface AxisScene {
  readonly recording: Recording;
  readonly time: TimeMapping;
  readonly leftPx: number;
  readonly widthPx: number;
  readonly devicePixelRatio: number;
}

/** Draws the axis. Ticks beyond the ends of the recording are left out. */
export function drawAxis(canvas: HTMLCanvasElement, scene: AxisScene): void {
  const surface = prepareSurface(canvas, scene.widthPx, AXIS_HEIGHT_PX, scene.devicePixelRatio);
  if (surface === undefined) return;
  const { context } = surface;
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, surface.widthPx, surface.heightPx);
  context.textAlign = "center";
  context.textBaseline = "alphabetic";
  for (const tick of visibleTicks(scene)) drawTick(surface, scene, tick.seconds, tick.labelled);
  drawCaptions(surface, scene);
}

function visibleTicks(scene: AxisScene): ReturnType<typeof timeTicks> {
  const rate = frameRateHz(scene.recording);
  const fromSeconds = Math.max(0, frameAtX(scene.time, scene.leftPx) / rate);
  const toSeconds = Math.min(scene.recording.frameCount, frameAtX(scene.time, scene.widthPx)) / rate;
  return timeTicks({
    fromSeconds,
    toSeconds,
    pxPerSecond: scene.time.pxPerFrame * rate,
    labelSpacingPx: LABEL_SPACING_PX,
  });
}

function drawTick({ context }: Surface, scene: AxisScene, seconds: number, labelled: boolean): void {
  const x = xOfFrame(scene.time, seconds * frameRateHz(scene.recording));
  context.fillStyle = labelled ? PALETTE.inkMuted : PALETTE.hatchLine;
  context.fillRect(x - 0.5, 0, 1, labelled ? 6 : 3);
  const halfLabel = 24;
  if (!labelled || x - halfLabel < scene.leftPx || x + halfLabel > scene.widthPx) return;
  context.fillStyle = PALETTE.ink;
  context.font = font(11, 600);
  context.fillText(elapsedText(seconds), x, 18);
  const unixMs = unixMsOfSeconds(scene.recording, seconds);
  if (unixMs === undefined) return;
  context.fillStyle = PALETTE.inkMuted;
  context.font = font(11);
  context.fillText(clockText(unixMs), x, 31);
}

function drawCaptions({ context }: Surface, scene: AxisScene): void {
  context.textAlign = "left";
  context.font = font(10);
  context.fillStyle = PALETTE.inkMuted;
  context.fillText("elapsed", 4, 18, scene.leftPx - 8);
  if (unixMsOfSeconds(scene.recording, 0) !== undefined) context.fillText("clock", 4, 31, scene.leftPx - 8);
}
