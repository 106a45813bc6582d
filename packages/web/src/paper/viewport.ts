/**
 * Which part of a recording is on the paper. A viewport is what the user asked for; {@link settle} turns it into what
 * the recording and the window allow, so that neither a resize nor new data needs to rewrite it.
 */
import { wholeSpeed } from "./speeds.ts";
import type { SpeedChoice } from "./speeds.ts";

/** The user's wish. */
export interface Viewport {
  /** Frame at the left end of the trace area; ±Infinity ask for the ends. */
  readonly leftFrame: number;
  readonly speed: SpeedChoice;
  /** Keep the newest data at the right end. */
  readonly following: boolean;
}

/** The recording's extent and the paper's width, without the gutter. */
export interface Ground {
  readonly frameCount: number;
  readonly frameRateHz: number;
  readonly widthMm: number;
}

/** What is shown. `visibleFrames` may exceed the recording. */
export interface Settled {
  readonly leftFrame: number;
  readonly visibleFrames: number;
  readonly speedMmPerS: number;
}

/** Paper shown beyond either end of the recording, so that its bounds can be seen. */
const BOUND_MARGIN_MM = 4;

/** Resolves a viewport against its ground. */
export function settle(viewport: Viewport, ground: Ground): Settled {
  const speedMmPerS = speedOf(viewport.speed, ground);
  const framesPerMm = ground.frameRateHz / speedMmPerS;
  const visibleFrames = ground.widthMm * framesPerMm;
  const margin = BOUND_MARGIN_MM * framesPerMm;
  const first = -margin;
  const last = Math.max(first, ground.frameCount + margin - visibleFrames);
  const wanted = viewport.following ? last : viewport.leftFrame;
  return { leftFrame: Math.min(last, Math.max(first, wanted)), visibleFrames, speedMmPerS };
}

/** Moves by a number of frames, towards later ones when positive. Ends following. */
export function panByFrames(viewport: Viewport, ground: Ground, frames: number): Viewport {
  const leftFrame = settle(viewport, ground).leftFrame + frames;
  return {
    ...viewport,
    following: false,
    leftFrame: settle({ ...viewport, following: false, leftFrame }, ground).leftFrame,
  };
}

/** Moves by a part of what is visible: 0.9 is nearly a page, -0.1 a little back. */
export function panByWindow(viewport: Viewport, ground: Ground, part: number): Viewport {
  return panByFrames(viewport, ground, part * settle(viewport, ground).visibleFrames);
}

/** Puts a frame at the centre of the trace area. */
export function centreOn(viewport: Viewport, ground: Ground, frame: number): Viewport {
  const { visibleFrames } = settle(viewport, ground);
  return { ...viewport, following: false, leftFrame: frame - visibleFrames / 2 };
}

/** Goes to the first or last frame. The end of a live recording is not followed unless asked. */
export function goToEnd(viewport: Viewport, end: "start" | "end"): Viewport {
  return { ...viewport, following: false, leftFrame: end === "start" ? -Infinity : Infinity };
}

/**
 * Changes the speed and keeps the frame at `anchor` in place.
 * @param anchor place across the trace area, 0 left to 1 right.
 */
export function zoomTo(viewport: Viewport, ground: Ground, speed: SpeedChoice, anchor: number): Viewport {
  if (viewport.following) return { ...viewport, speed };
  const before = settle(viewport, ground);
  const frame = before.leftFrame + anchor * before.visibleFrames;
  const after = settle({ ...viewport, speed }, ground);
  return { ...viewport, speed, leftFrame: frame - anchor * after.visibleFrames };
}

function speedOf(speed: SpeedChoice, ground: Ground): number {
  if (speed !== "whole") return speed;
  const widthMm = Math.max(1, ground.widthMm - 2 * BOUND_MARGIN_MM);
  return wholeSpeed(widthMm, ground.frameCount / ground.frameRateHz);
}
