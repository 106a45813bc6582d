/** The strip of a further stream: its own rate and scales on the time axis of the leads. */
import { useLayoutEffect, useMemo, useRef } from "react";
import type { ReactNode } from "react";
import { drawPaper } from "../draw/paper.ts";
import { leadTitle } from "../paper/lead-order.ts";
import { LeadScales } from "./paper.tsx";
import { sceneOf } from "./scene-of.ts";
import { composeStrip } from "./stage.ts";
import type { Stage } from "./stage.ts";
import { recordingOfStream, stripHeightPx } from "./streams.ts";
import type { WaveformStream } from "./streams.ts";
import { useDescribed } from "./use-described.ts";
import { useOverview } from "./use-overview.ts";
import { useTileStore, useTiles } from "./use-tiles.ts";

/** Props of {@link StreamStrip}. */
export interface StreamStripProps {
  /** What the leads show. */
  readonly main: Stage;
  readonly stream: WaveformStream;
}

/** Draws the stream after every change. */
export function StreamStrip({ main, stream }: StreamStripProps): ReactNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  const described = useDescribed({ id: main.recording.id, leads: stream.leads }, stream.stream);
  const overview = useOverview(described, stream.frameCount);
  const heightPx = stripHeightPx(stream, main.paper.pxPerMm);
  const stage = useMemo(
    () => composeStrip(main, recordingOfStream(main.recording, stream), overview.ranges, heightPx),
    [main, stream, overview.ranges, heightPx],
  );
  const tiles = useTiles(useTileStore(described), stage);
  useLayoutEffect(() => {
    if (canvas.current !== null && stage.paper.widthPx > 0) drawPaper(canvas.current, sceneOf(stage, tiles.views));
  });
  const names = stream.leads.map(({ name }) => leadTitle(name)).join(", ");
  return (
    <div className="stream-strip">
      <canvas
        ref={canvas}
        role="img"
        aria-label={`${names}, on the same time axis`}
        data-testid="stream-canvas"
        data-stream={stream.stream}
      />
      <LeadScales stage={stage} testId="stream-scales" />
      {tiles.failed && (
        <button type="button" className="strip-failed" onClick={tiles.retry} data-testid="strip-failed">
          Part of {names} could not be loaded. Try again
        </button>
      )}
    </div>
  );
}
