/** The whole recording in one strip, with a window to drag. */
import { useLayoutEffect, useMemo, useRef } from "react";
import type { PointerEvent, ReactNode } from "react";
import { drawOverview, windowSpan } from "../draw/overview.ts";
import type { OverviewScene } from "../draw/overview.ts";
import { elapsedText } from "../format/time.ts";
import { rhythmLead } from "../paper/lead-order.ts";
import { frameAtX } from "../paper/mapping.ts";
import type { Stage } from "./stage.ts";
import { useElementSize } from "./use-screen.ts";
import type { Overview } from "./use-overview.ts";

/** Props of {@link OverviewStrip}. */
export interface OverviewStripProps {
  readonly stage: Stage;
  readonly overview: Overview;
  readonly onCentre: (frame: number) => void;
}

/** A slider over time; its keys are those of the page. */
export function OverviewStrip({ stage, overview, onCentre }: OverviewStripProps): ReactNode {
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { widthPx } = useElementSize(frame);
  const scene = useMemo(() => overviewScene(stage, overview, widthPx), [stage, overview, widthPx]);
  useLayoutEffect(() => {
    if (canvas.current !== null && widthPx > 0) drawOverview(canvas.current, scene);
  }, [scene, widthPx]);
  const { ground, settled } = stage;
  const seconds = (frames: number): number => Math.round(Math.max(0, frames) / ground.frameRateHz);
  return (
    <div
      ref={frame}
      className="overview"
      role="slider"
      tabIndex={0}
      aria-label="Position in the recording"
      aria-valuemin={0}
      aria-valuemax={seconds(ground.frameCount)}
      aria-valuenow={seconds(settled.leftFrame)}
      aria-valuetext={elapsedText(seconds(settled.leftFrame))}
      data-testid="overview"
      {...useWindowDrag(scene, onCentre)}
    >
      <canvas ref={canvas} aria-hidden="true" data-testid="overview-canvas" />
    </div>
  );
}

interface DragListeners {
  readonly onPointerDown: (event: PointerEvent<HTMLElement>) => void;
  readonly onPointerMove: (event: PointerEvent<HTMLElement>) => void;
  readonly onPointerUp: () => void;
  readonly onPointerCancel: () => void;
}

/** A press outside the window brings it there; a press on it holds it where it was touched. */
function useWindowDrag(scene: OverviewScene, onCentre: (frame: number) => void): DragListeners {
  const grip = useRef<number | undefined>(undefined);
  const end = (): void => {
    grip.current = undefined;
  };
  return {
    onPointerDown: (event) => {
      if (event.button !== 0) return;
      const x = xOf(event);
      const { left, width } = windowSpan(scene);
      const held = x >= left - 4 && x <= left + width + 4;
      grip.current = held ? x - xAtCentre(scene) : 0;
      event.currentTarget.setPointerCapture(event.pointerId);
      if (!held) onCentre(frameAtX(scene.time, x));
    },
    onPointerMove: (event) => {
      if (grip.current !== undefined) onCentre(frameAtX(scene.time, xOf(event) - grip.current));
    },
    onPointerUp: end,
    onPointerCancel: end,
  };
}

/** x of a pointer from the strip's left edge. */
function xOf(event: PointerEvent<HTMLElement>): number {
  return event.clientX - event.currentTarget.getBoundingClientRect().left;
}

function xAtCentre({ time, window }: OverviewScene): number {
  return ((window.fromFrame + window.toFrame) / 2 - time.fromFrame) * time.pxPerFrame;
}

function overviewScene(stage: Stage, overview: Overview, widthPx: number): OverviewScene {
  const { recording, settled, paper, ground } = stage;
  const leadIndex = rhythmLead(recording.leads.map(({ name }) => name));
  return {
    recording,
    summary: overview.summary,
    leadIndex,
    range: overview.ranges[leadIndex],
    time: { fromFrame: 0, pxPerFrame: widthPx / Math.max(1, ground.frameCount) },
    widthPx,
    devicePixelRatio: paper.devicePixelRatio,
    window: { fromFrame: settled.leftFrame, toFrame: settled.leftFrame + settled.visibleFrames },
  };
}
