/** The viewer of one recording: header, controls, paper, position and overview. */
import { useMemo, useRef, useState } from "react";
import type { ReactNode, RefObject } from "react";
import type { Recording } from "../api/types.ts";
import { AXIS_HEIGHT_PX } from "../draw/axis.ts";
import { CSS_PX_PER_MM, loadPxPerMm, savePxPerMm } from "../paper/calibration.ts";
import { useServices } from "../services.ts";
import { CalibrationDialog } from "./calibration-dialog.tsx";
import { OverviewStrip } from "./overview-strip.tsx";
import { Paper } from "./paper.tsx";
import { RecordingHeader } from "./recording-header.tsx";
import type { PaperSize } from "./stage.ts";
import { StreamStrip } from "./stream-strip.tsx";
import { furtherStreams, stripHeightPx } from "./streams.ts";
import { StatusLine } from "./status-line.tsx";
import { Toolbar } from "./toolbar.tsx";
import type { LiveRecording } from "./use-live-recording.ts";
import { ValueLanes } from "./value-lanes.tsx";
import { useDescribed } from "./use-described.ts";
import { useKeys } from "./use-keys.ts";
import { useOverview } from "./use-overview.ts";
import { useDevicePixelRatio, useElementSize, usePrinting } from "./use-screen.ts";
import { useTileStore, useTiles } from "./use-tiles.ts";
import { applyKey, useViewer } from "./use-viewer.ts";

/** Props of {@link RecordingViewer}; the recording has at least one lead. */
export interface RecordingViewerProps {
  readonly recording: Recording;
  readonly live: LiveRecording;
  readonly at: number | "end" | undefined;
}

/** A landscape page of A4 or Letter between its margins, in mm: what a print fills. */
const PRINT_WIDTH_MM = 260;
const PRINT_HEIGHT_MM = 158;
const PRINT_PIXEL_RATIO = 4;
/** Least share of the pane for the leads. */
const MAIN_SHARE_MIN = 0.4;

/** Everything about one recording on one page. */
export function RecordingViewer({ recording, live, at }: RecordingViewerProps): ReactNode {
  const { storage } = useServices();
  const pane = useRef<HTMLDivElement>(null);
  const [pxPerMm, setPxPerMm] = useState(() => loadPxPerMm(storage));
  const [calibrating, setCalibrating] = useState(false);
  const strips = furtherStreams(recording);
  const paper = usePaperSize(
    pane,
    pxPerMm,
    strips.reduce((sum, strip) => sum + stripHeightPx(strip, pxPerMm), 0),
  );
  const described = useDescribed(recording);
  const overview = useOverview(described, recording.frameCount);
  const viewer = useViewer(recording, paper, overview.ranges, at);
  const { stage, choices, actions } = viewer;
  const tiles = useTiles(useTileStore(described), stage);
  useKeys((move) =>
    applyKey(move, viewer, (rows) => {
      if (pane.current !== null) pane.current.scrollTop += rows * (stage.layout.rows[0]?.heightPx ?? 0);
    }),
  );
  const calibrate = (value: number): void => {
    setPxPerMm(value);
    savePxPerMm(storage, value);
  };
  return (
    <div className="recording" data-testid="recording-view" data-following={stage.viewport.following}>
      <RecordingHeader recording={recording} />
      <Toolbar stage={stage} choices={choices} actions={actions} onCalibrate={() => setCalibrating(true)} />
      <Paper pane={pane} stage={stage} tiles={tiles.views} actions={actions}>
        {strips.length > 0 && (
          <div className="strips">
            {strips.map((strip) => (
              <StreamStrip key={strip.stream} main={stage} stream={strip} />
            ))}
          </div>
        )}
      </Paper>
      <ValueLanes stage={stage} />
      <StatusLine stage={stage} live={live} failed={tiles.failed} onRetry={tiles.retry} />
      <OverviewStrip stage={stage} overview={overview} onCentre={actions.centreOn} />
      {calibrating && (
        <CalibrationDialog pxPerMm={pxPerMm} onChange={calibrate} onClose={() => setCalibrating(false)} />
      )}
    </div>
  );
}

/** The pane's size on this screen, or the page's when printing: there a CSS mm is a true mm. */
function usePaperSize(pane: RefObject<HTMLDivElement | null>, pxPerMm: number, stripsPx: number): PaperSize {
  const { widthPx, heightPx } = useElementSize(pane);
  const devicePixelRatio = useDevicePixelRatio();
  const printing = usePrinting();
  return useMemo(() => {
    if (!printing)
      return {
        widthPx,
        heightPx: Math.max(heightPx - AXIS_HEIGHT_PX - stripsPx, heightPx * MAIN_SHARE_MIN),
        pxPerMm,
        devicePixelRatio,
        rowStepMm: 5,
        rowTightMv: 1.2,
      };
    return {
      widthPx: Math.floor(PRINT_WIDTH_MM * CSS_PX_PER_MM),
      heightPx: PRINT_HEIGHT_MM * CSS_PX_PER_MM - (stripsPx / pxPerMm) * CSS_PX_PER_MM,
      pxPerMm: CSS_PX_PER_MM,
      devicePixelRatio: PRINT_PIXEL_RATIO,
      rowStepMm: 1,
      rowTightMv: 0.5,
    };
  }, [printing, widthPx, heightPx, pxPerMm, stripsPx, devicePixelRatio]);
}
