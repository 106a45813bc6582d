/** From a recording, a wish and a size to everything that the paper shows: pure, so that it can be tested whole. */
import { frameRateHz } from "../api/types.ts";
import type { Recording } from "../api/types.ts";
import { availableEnd, planTiles, tileRevision, tilesIn } from "../data/tile-plan.ts";
import type { TilePlan } from "../data/tile-plan.ts";
import type { WantedTile } from "../data/tile-store.ts";
import { gutterAt, gutterWidthMm } from "../paper/gutter.ts";
import type { Gutter } from "../paper/gutter.ts";
import { layoutRows } from "../paper/layout.ts";
import type { PaperLayout } from "../paper/layout.ts";
import type { AduRange } from "../paper/lead-scale.ts";
import type { TimeMapping } from "../paper/mapping.ts";
import { settle } from "../paper/viewport.ts";
import type { Ground, Settled, Viewport } from "../paper/viewport.ts";

/** The paper that is there to draw on. */
export interface PaperSize {
  readonly widthPx: number;
  /** Height to fill if the rows allow it. */
  readonly heightPx: number;
  readonly pxPerMm: number;
  readonly devicePixelRatio: number;
  /** Row heights are multiples of this many mm. */
  readonly rowStepMm: number;
  /** Least row in mV when smaller rows avoid scrolling. */
  readonly rowTightMv: number;
}

/** What a stage is made from. */
export interface StageInput {
  readonly recording: Recording;
  readonly viewport: Viewport;
  readonly gainMmPerMv: number;
  readonly paper: PaperSize;
  /** Usual sample range per lead index, as far as known. */
  readonly ranges: readonly (AduRange | undefined)[];
}

/** One state of the paper. */
export interface Stage extends StageInput {
  readonly ground: Ground;
  readonly settled: Settled;
  readonly gutter: Gutter;
  readonly time: TimeMapping;
  readonly layout: PaperLayout;
  readonly plan: TilePlan;
  /** Tiles in view, ascending. */
  readonly visible: readonly WantedTile[];
  /** Tiles beside the view, nearest first. */
  readonly beside: readonly WantedTile[];
}

/** Shift between leads that is followed when fetching; what a lead shifts beyond it is drawn as not loaded. */
const SKEW_MAX_SECONDS = 30;

/** Composes a stage. */
export function composeStage(input: StageInput): Stage {
  const ground = groundOf(input);
  return stageAt(input, ground, settle(input.viewport, ground));
}

/**
 * Stage of a further stream of the recording that `main` shows: the same seconds at the same places.
 *
 * @param recording the recording as {@link recordingOfStream} has it for the stream.
 */
export function composeStrip(main: Stage, recording: Recording, ranges: StageInput["ranges"], heightPx: number): Stage {
  const input = { ...main, recording, ranges, paper: { ...main.paper, heightPx } };
  const rate = frameRateHz(recording);
  const seconds = main.settled.leftFrame / main.ground.frameRateHz - secondsAfter(main.recording, recording);
  const visibleFrames = (main.settled.visibleFrames / main.ground.frameRateHz) * rate;
  return stageAt(input, groundOf(input), { ...main.settled, leftFrame: seconds * rate, visibleFrames });
}

/** How long after the main stream another one began; 0 while either start is not known. */
function secondsAfter(main: Pick<Recording, "start">, other: Pick<Recording, "start">): number {
  const [from, to] = [main.start.unixMs, other.start.unixMs];
  return from === null || to === null ? 0 : (to - from) / 1000;
}

function groundOf({ recording, viewport, paper }: Pick<StageInput, "recording" | "viewport" | "paper">): Ground {
  const widthMm = paper.widthPx / paper.pxPerMm - gutterWidthMm(viewport.speed);
  return {
    frameCount: recording.frameCount,
    frameRateHz: frameRateHz(recording),
    widthMm: Math.max(1, widthMm),
  };
}

function stageAt(input: StageInput, ground: Ground, settled: Settled): Stage {
  const { recording, viewport, paper } = input;
  const rate = ground.frameRateHz;
  const gutter = gutterAt(viewport.speed, settled.speedMmPerS);
  const pxPerFrame = (settled.speedMmPerS * paper.pxPerMm) / rate;
  const time = { pxPerFrame, fromFrame: settled.leftFrame - (gutter.widthMm * paper.pxPerMm) / pxPerFrame };
  const layout = layoutRows(recording.leads, {
    pxPerMm: paper.pxPerMm,
    gainMmPerMv: input.gainMmPerMv,
    availableHeightPx: paper.heightPx,
    stepMm: paper.rowStepMm,
    tightMv: paper.rowTightMv,
    ranges: input.ranges,
  });
  const plan = planTiles({
    frameRateHz: rate,
    framesPerDevicePx: 1 / (pxPerFrame * paper.devicePixelRatio),
    samplesPerFrameMax: Math.max(1, ...recording.leads.map(({ samplesPerFrame }) => samplesPerFrame)),
    visibleFrames: settled.visibleFrames,
  });
  return { ...input, ground, settled, gutter, time, layout, plan, ...tilesAround(recording, plan, settled) };
}

/** Tiles in view, and those within one window (at least two tiles) to either side. */
function tilesAround(recording: Recording, plan: TilePlan, settled: Settled): Pick<Stage, "visible" | "beside"> {
  const [skewMin, skewMax] = skewRange(recording);
  const from = settled.leftFrame + skewMin;
  const to = settled.leftFrame + settled.visibleFrames + skewMax;
  const reach = Math.max(settled.visibleFrames, 2 * plan.framesPerTile);
  const tiles = (a: number, b: number): WantedTile[] =>
    tilesIn(plan, a, b, recording.frameCount).map((address) => ({
      address,
      revision: tileRevision(address, recording),
      availableToFrame: availableEnd(address, recording.frameCount),
    }));
  const visible = tiles(from, to);
  const known = new Set(visible.map(({ address }) => address.key));
  const around = [...tiles(to, to + reach), ...tiles(from - reach, from).toReversed()];
  return { visible, beside: around.filter(({ address }) => !known.has(address.key)) };
}

function skewRange(recording: Recording): readonly [number, number] {
  const limit = SKEW_MAX_SECONDS * frameRateHz(recording);
  const skews = recording.leads.map(({ skewFrames }) => Math.max(-limit, Math.min(limit, skewFrames)));
  return [Math.min(0, ...skews), Math.max(0, ...skews)];
}
