/** Values that were measured while the signal in view was recorded, in rows under it, each at its time. */
import { useEffect, useMemo, useSyncExternalStore } from "react";
import type { ReactNode } from "react";
import { gutterPx } from "../draw/scene.ts";
import { unixMsOfSeconds } from "../format/time.ts";
import { xOfFrame } from "../paper/mapping.ts";
import { useServices } from "../services.ts";
import { blockAround, BlockFeed, loadBlock } from "../trends/block-feed.ts";
import type { ValueBlock } from "../trends/block-feed.ts";
import { chartsOf, codesText, shortTitle } from "../trends/charts.ts";
import type { TrendChart } from "../trends/charts.ts";
import { laneMarks } from "../trends/lane.ts";
import type { LaneMark } from "../trends/lane.ts";
import { readingText } from "../trends/reading.ts";
import type { TimeWindow } from "../trends/time-range.ts";
import type { Stage } from "./stage.ts";

/** While a recording is live, values may still come. */
const REFRESH_MS = 10_000;

/** Rows of the patient's values; none where the recording has no clock time, or nothing was measured. */
export function ValueLanes({ stage }: { readonly stage: Stage }): ReactNode {
  const block = useBlock(stage);
  const startUnixMs = unixMsOfSeconds(stage.recording, 0);
  if (block === undefined || startUnixMs === undefined) return null;
  const charts = chartsOf(block.trends);
  if (charts.length === 0) return null;
  return (
    <ul className="lanes" aria-label="Values measured in this time" data-testid="lanes">
      {charts.map((chart) => (
        <Lane key={chart.key} chart={chart} bucketMs={block.bucketMs} stage={stage} startUnixMs={startUnixMs} />
      ))}
    </ul>
  );
}

interface LaneProps {
  readonly chart: TrendChart;
  readonly bucketMs: number;
  readonly stage: Stage;
  readonly startUnixMs: number;
}

function Lane({ chart, bucketMs, stage, startUnixMs }: LaneProps): ReactNode {
  const { time, paper, ground } = stage;
  const fromPx = gutterPx({ gutter: stage.gutter, pxPerMm: paper.pxPerMm });
  const xOf = (unixMs: number): number => xOfFrame(time, ((unixMs - startUnixMs) / 1000) * ground.frameRateHz);
  const marks = laneMarks(chart, bucketMs, xOf, { fromPx, toPx: paper.widthPx });
  return (
    <li className="lane" data-testid="lane" data-key={chart.key}>
      <span className="lane-name" style={{ width: `${fromPx}px` }} title={`${chart.title} ${codesText(chart)}`}>
        {shortTitle(chart)}
      </span>
      {marks.map((mark) => (
        <Mark key={`${mark.moment.unixMs} ${mark.moment.suspect}`} mark={mark} />
      ))}
    </li>
  );
}

function Mark({ mark: { moment, reading, x, labelled } }: { readonly mark: LaneMark }): ReactNode {
  return (
    <span
      className="lane-mark"
      style={{ left: `${x}px` }}
      title={readingText(reading)}
      data-testid="lane-mark"
      data-unix-ms={moment.unixMs}
      data-suspect={moment.suspect}
    >
      {labelled && reading.short}
    </span>
  );
}

/** Values of the block about the view; asked for again while the recording is live. */
function useBlock({ recording, settled, ground }: Stage): ValueBlock | undefined {
  const { api } = useServices();
  const { patientId, state } = recording;
  const feed = useMemo(
    () => new BlockFeed((window, signal) => loadBlock(api, patientId, window, signal)),
    [api, patientId],
  );
  const block = blockOf(recording, settled.leftFrame, settled.visibleFrames, ground.frameRateHz);
  const { fromUnixMs, toUnixMs } = block ?? {};
  useEffect(() => {
    if (fromUnixMs === undefined || toUnixMs === undefined || patientId === "") return undefined;
    let stop = feed.want({ fromUnixMs, toUnixMs });
    if (state !== "live") return () => stop();
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") stop = feed.want({ fromUnixMs, toUnixMs });
    }, REFRESH_MS);
    return () => {
      clearInterval(timer);
      stop();
    };
  }, [feed, fromUnixMs, toUnixMs, patientId, state]);
  return useSyncExternalStore(feed.subscribe, feed.snapshot);
}

function blockOf(
  recording: Stage["recording"],
  leftFrame: number,
  visibleFrames: number,
  rateHz: number,
): TimeWindow | undefined {
  const fromUnixMs = unixMsOfSeconds(recording, leftFrame / rateHz);
  const toUnixMs = unixMsOfSeconds(recording, (leftFrame + visibleFrames) / rateHz);
  return fromUnixMs === undefined || toUnixMs === undefined ? undefined : blockAround({ fromUnixMs, toUnixMs });
}
