/** What is on the paper, in words: position, clock time and its certainty, scales, and how live it is. */
import type { ReactNode } from "react";
import { CERTAINTY_WORD, elapsedText, unixMsOfSeconds, wallClockText } from "../format/time.ts";
import { speedText } from "../paper/speeds.ts";
import { LiveStatus } from "./live-status.tsx";
import type { Stage } from "./stage.ts";
import type { LiveRecording } from "./use-live-recording.ts";

/** Props of {@link StatusLine}. */
export interface StatusLineProps {
  readonly stage: Stage;
  readonly live: LiveRecording;
  /** Some of what is in view could not be fetched. */
  readonly failed: boolean;
  readonly onRetry: () => void;
}

/** One line under the paper; printed too, since a strip without its scales says nothing. */
export function StatusLine({ stage, live, failed, onRetry }: StatusLineProps): ReactNode {
  return (
    <div className="status-line">
      <Position stage={stage} />
      <span className="scales" data-testid="scales">
        <strong>{speedText(stage.settled.speedMmPerS)}</strong> <strong>{stage.gainMmPerMv} mm/mV</strong>
        <span className="scale-note">
          <span className="wide-only">
            {stage.plan.kind === "summary" ? "highest and lowest values, " : "every sample, "}
          </span>
          no filter
        </span>
      </span>
      <LiveStatus recording={stage.recording} live={live} />
      {failed && (
        <span className="status-failed" role="alert" data-testid="tiles-failed">
          Part of this view could not be loaded.
          <button type="button" onClick={onRetry}>
            Try again
          </button>
        </span>
      )}
    </div>
  );
}

function Position({ stage }: { readonly stage: Stage }): ReactNode {
  const { recording, ground, settled } = stage;
  const rate = ground.frameRateHz;
  const from = Math.max(0, settled.leftFrame) / rate;
  const to = Math.min(ground.frameCount, settled.leftFrame + settled.visibleFrames) / rate;
  const unixMs = unixMsOfSeconds(recording, from);
  return (
    <span className="position" data-testid="position">
      <strong>
        {elapsedText(from, 1)} – {elapsedText(to, 1)}
      </strong>{" "}
      of {elapsedText(ground.frameCount / rate)}{" "}
      <span className="wall-clock" data-testid="wall-clock">
        {unixMs === undefined
          ? "clock time unknown"
          : `${wallClockText(unixMs)}, ${CERTAINTY_WORD[recording.start.certainty]}`}
      </span>
    </span>
  );
}
