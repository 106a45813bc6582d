/** State of the viewer and what its controls do to it. */
import { useMemo, useState } from "react";
import { frameRateHz } from "../api/types.ts";
import type { Recording } from "../api/types.ts";
import type { KeyMove } from "../paper/keys.ts";
import { DEFAULT_GAIN, DEFAULT_SPEED, speedChoices, stepSpeed } from "../paper/speeds.ts";
import type { SpeedChoice } from "../paper/speeds.ts";
import { centreOn, goToEnd, panByFrames, panByWindow, zoomTo } from "../paper/viewport.ts";
import type { Ground, Viewport } from "../paper/viewport.ts";
import { composeStage } from "./stage.ts";
import type { PaperSize, Stage } from "./stage.ts";
import type { AduRange } from "../paper/lead-scale.ts";

/** What controls can ask for. `anchor` is a place across the trace area, 0 left to 1 right. */
export interface ViewerActions {
  readonly panByPx: (dxPx: number) => void;
  readonly panByWindow: (part: number) => void;
  readonly panBySeconds: (seconds: number) => void;
  readonly centreOn: (frame: number) => void;
  readonly goToEnd: (end: "start" | "end") => void;
  readonly setSpeed: (speed: SpeedChoice, anchor?: number) => void;
  readonly stepSpeed: (direction: 1 | -1, anchor?: number) => void;
  readonly setFollowing: (following: boolean) => void;
  readonly setGain: (gainMmPerMv: number) => void;
}

/** Stage, choices of speed, and actions. */
export interface Viewer {
  readonly stage: Stage;
  readonly choices: readonly SpeedChoice[];
  readonly actions: ViewerActions;
}

/** Holds viewport and gain for one recording on one paper. */
export function useViewer(
  recording: Recording,
  paper: PaperSize,
  ranges: readonly (AduRange | undefined)[],
  at: number | "end" | undefined,
): Viewer {
  const [viewport, setViewport] = useState(() => firstViewport(recording, at));
  const [gainMmPerMv, setGain] = useState(DEFAULT_GAIN);
  const stage = useMemo(
    () => composeStage({ recording, viewport: followed(viewport, recording), gainMmPerMv, paper, ranges }),
    [recording, viewport, gainMmPerMv, paper, ranges],
  );
  const { ground } = stage;
  const choices = speedChoices(ground.widthMm, ground.frameCount / ground.frameRateHz);
  const actions = viewerActions(
    (change) => setViewport((before) => change(followed(before, recording))),
    stage,
    choices,
  );
  return { stage, choices, actions: { ...actions, setGain } };
}

/** Following holds only while the recording is live; after that its end simply stays in view. */
function followed(viewport: Viewport, recording: Recording): Viewport {
  if (!viewport.following || recording.state === "live") return viewport;
  return goToEnd(viewport, "end");
}

function firstViewport(recording: Recording, at: number | "end" | undefined): Viewport {
  const wanted = at === "end" ? Infinity : at === undefined ? -Infinity : at * frameRateHz(recording);
  return { leftFrame: wanted, speed: DEFAULT_SPEED, following: recording.state === "live" && at === undefined };
}

function viewerActions(
  change: (next: (viewport: Viewport) => Viewport) => void,
  { ground, time }: Stage,
  choices: readonly SpeedChoice[],
): Omit<ViewerActions, "setGain"> {
  const move = (next: (viewport: Viewport, ground: Ground) => Viewport): void =>
    change((viewport) => next(viewport, ground));
  return {
    panByPx: (dxPx) => move((viewport) => panByFrames(viewport, ground, dxPx / time.pxPerFrame)),
    panByWindow: (part) => move((viewport) => panByWindow(viewport, ground, part)),
    panBySeconds: (seconds) => move((viewport) => panByFrames(viewport, ground, seconds * ground.frameRateHz)),
    centreOn: (frame) => move((viewport) => centreOn(viewport, ground, frame)),
    goToEnd: (end) => move((viewport) => goToEnd(viewport, end)),
    setSpeed: (speed, anchor = 0.5) => move((viewport) => zoomTo(viewport, ground, speed, anchor)),
    stepSpeed: (direction, anchor = 0.5) =>
      move((viewport) => zoomTo(viewport, ground, stepSpeed(choices, viewport.speed, direction), anchor)),
    setFollowing: (following) =>
      move((viewport) => (following ? { ...viewport, following } : panByFrames(viewport, ground, 0))),
  };
}

/** Applies a key's move; `scrollRows` receives a number of rows. */
export function applyKey(move: KeyMove, { actions, stage }: Viewer, scrollRows: (rows: number) => void): void {
  if (move.kind === "pan") actions.panByWindow(move.part);
  else if (move.kind === "seconds") actions.panBySeconds(move.seconds);
  else if (move.kind === "end") actions.goToEnd(move.end);
  else if (move.kind === "zoom") actions.stepSpeed(move.direction);
  else if (move.kind === "rows") scrollRows(move.rows);
  else if (stage.recording.state === "live") actions.setFollowing(!stage.viewport.following);
}
