/** The ECG paper: canvas of the leads, time axis below it, gestures on both. */
import { useLayoutEffect, useRef } from "react";
import type { ReactNode, RefObject } from "react";
import { drawAxis } from "../draw/axis.ts";
import { drawPaper } from "../draw/paper.ts";
import { gutterPx } from "../draw/scene.ts";
import type { TileView } from "../draw/scene.ts";
import { elapsedText } from "../format/time.ts";
import { countText } from "../format/words.ts";
import { leadTitle } from "../paper/lead-order.ts";
import { sceneOf } from "./scene-of.ts";
import type { Stage } from "./stage.ts";
import { usePan } from "./use-pan.ts";
import type { ViewerActions } from "./use-viewer.ts";

/** Props of {@link Paper}. */
export interface PaperProps {
  readonly pane: RefObject<HTMLDivElement | null>;
  readonly stage: Stage;
  readonly tiles: readonly TileView[];
  readonly actions: ViewerActions;
  /** Strips of further streams, between the leads and the axis. */
  readonly children?: ReactNode;
}

/** Draws the stage after every change, in the same step in which the canvas publishes its mapping. */
export function Paper({ pane, stage, tiles, actions, children }: PaperProps): ReactNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  const axis = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    if (canvas.current === null || axis.current === null || stage.paper.widthPx === 0) return;
    const scene = sceneOf(stage, tiles);
    drawPaper(canvas.current, scene);
    drawAxis(axis.current, { ...scene, leftPx: gutterPx(scene) });
  });
  const pan = usePan(pane, {
    onPan: actions.panByPx,
    onZoom: (direction, anchorPx) => actions.stepSpeed(direction, anchorShare(stage, anchorPx)),
  });
  return (
    <div
      ref={pane}
      className="paper"
      role="group"
      tabIndex={0}
      aria-label="ECG paper. Arrow keys, Page Up, Page Down, Home and End move through time."
      data-testid="paper"
      {...pan}
    >
      <canvas ref={canvas} className="paper-canvas" role="img" aria-label={describe(stage)} data-testid="ecg-canvas" />
      {children}
      <canvas ref={axis} className="paper-axis" aria-hidden="true" data-testid="time-axis" />
      <LeadScales stage={stage} testId="lead-scales" />
    </div>
  );
}

/** Scales as text, for those who cannot see the gutter; tests read them too. */
export function LeadScales({ stage, testId }: { readonly stage: Stage; readonly testId: string }): ReactNode {
  return (
    <ul className="visually-hidden" data-testid={testId}>
      {stage.layout.rows.map(({ lead, scale }) => (
        <li key={lead.name} data-lead={lead.name}>
          {leadTitle(lead.name)}: {scale.text}
        </li>
      ))}
    </ul>
  );
}

function anchorShare(stage: Stage, anchorPx: number): number {
  const edge = gutterPx({ gutter: stage.gutter, pxPerMm: stage.paper.pxPerMm });
  return Math.min(1, Math.max(0, (anchorPx - edge) / Math.max(1, stage.paper.widthPx - edge)));
}

function describe({ recording, ground, settled }: Stage): string {
  const seconds = (frame: number): string => elapsedText(Math.max(0, frame) / ground.frameRateHz);
  const to = Math.min(ground.frameCount, settled.leftFrame + settled.visibleFrames);
  return `${countText(recording.leads.length, "lead")} from ${seconds(settled.leftFrame)} to ${seconds(to)} after the start`;
}
