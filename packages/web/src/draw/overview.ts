/** The strip that shows the whole recording at once. */
import type { Recording, SummaryBlock } from "../api/types.ts";
import type { AduRange } from "../paper/lead-scale.ts";
import type { TimeMapping } from "../paper/mapping.ts";
import { xOfFrame } from "../paper/mapping.ts";
import { drawHatch } from "./hatch.ts";
import { PALETTE } from "./palette.ts";
import { prepareSurface } from "./surface.ts";
import { traceSummary } from "./trace-summary.ts";

/** Height of the strip, CSS px. */
export const OVERVIEW_HEIGHT_PX = 40;

/** What the strip shows. `time` maps the whole recording onto its width. */
export interface OverviewScene {
  readonly recording: Recording;
  readonly summary: SummaryBlock | undefined;
  readonly leadIndex: number;
  readonly range: AduRange | undefined;
  readonly time: TimeMapping;
  readonly widthPx: number;
  readonly devicePixelRatio: number;
  /** Part on the paper, in frames. */
  readonly window: { readonly fromFrame: number; readonly toFrame: number };
}

/** Least width at which the window can be seen and held, CSS px. */
export const WINDOW_WIDTH_MIN_PX = 6;

/** Draws one lead's summary, the gaps, and the window that is on the paper. */
export function drawOverview(canvas: HTMLCanvasElement, scene: OverviewScene): void {
  const surface = prepareSurface(canvas, scene.widthPx, OVERVIEW_HEIGHT_PX, scene.devicePixelRatio);
  if (surface === undefined) return;
  const { context } = surface;
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, surface.widthPx, surface.heightPx);
  drawHatch(
    surface,
    scene.recording.gaps.map((gap) => {
      const left = xOfFrame(scene.time, gap.fromFrame);
      return { left, top: 0, width: Math.max(2, xOfFrame(scene.time, gap.toFrame) - left), height: OVERVIEW_HEIGHT_PX };
    }),
  );
  drawSummary(context, scene);
  drawWindow(context, scene);
}

/** The window's place on the strip, CSS px, never narrower than can be held. */
export function windowSpan(scene: Pick<OverviewScene, "time" | "window" | "widthPx">): { left: number; width: number } {
  const left = Math.max(0, xOfFrame(scene.time, scene.window.fromFrame));
  const right = Math.min(scene.widthPx, xOfFrame(scene.time, scene.window.toFrame));
  const width = Math.max(WINDOW_WIDTH_MIN_PX, right - left);
  return { left: Math.min(left, scene.widthPx - width), width };
}

function drawSummary(context: CanvasRenderingContext2D, scene: OverviewScene): void {
  const { summary, range, time } = scene;
  if (summary === undefined || range === undefined) return;
  const pxPerAdu = (OVERVIEW_HEIGHT_PX - 10) / Math.max(1, range.max - range.min);
  const row = {
    leadIndex: scene.leadIndex,
    baselinePx: OVERVIEW_HEIGHT_PX / 2,
    baselineAdu: (range.min + range.max) / 2,
    pxPerAdu,
    samplesPerFrame: 1,
    skewFrames: 0,
  };
  const window = { fromFrame: 0, toFrame: scene.recording.frameCount, devicePixelRatio: scene.devicePixelRatio };
  context.fillStyle = "#56606b";
  traceSummary(
    (left, top, width, bottom) => context.fillRect(left, top, width, bottom - top),
    summary,
    time,
    row,
    window,
  );
}

function drawWindow(context: CanvasRenderingContext2D, scene: OverviewScene): void {
  const { left, width } = windowSpan(scene);
  context.fillStyle = PALETTE.window;
  context.fillRect(left, 0, width, OVERVIEW_HEIGHT_PX);
  context.strokeStyle = PALETTE.accent;
  context.lineWidth = 2;
  context.strokeRect(left + 1, 1, width - 2, OVERVIEW_HEIGHT_PX - 2);
}
