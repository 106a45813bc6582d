/** How far what is shown lies behind the present. */
import { useEffect, useState } from "react";
import type { ReactNode } from "react";
import { durationSeconds } from "../api/types.ts";
import type { Recording } from "../api/types.ts";
import { durationText, unixMsOfSeconds } from "../format/time.ts";
import { useServices } from "../services.ts";
import type { LiveRecording } from "./use-live-recording.ts";

const TICK_MS = 1000;
/** Longer than the longest segment that terminals send while they are watched, with room for the way. */
const LATE_SECONDS = 30;

/** Props of {@link LiveStatus}. */
export interface LiveStatusProps {
  readonly recording: Recording;
  readonly live: LiveRecording;
}

/** Nothing for recordings that are not live. */
export function LiveStatus({ recording, live }: LiveStatusProps): ReactNode {
  const now = useNow(recording.state === "live");
  if (recording.state !== "live") return null;
  const behind = secondsBehind(recording, live.grewAtUnixMs, now);
  const late = behind !== undefined && behind >= LATE_SECONDS;
  return (
    <span className={`live-status${late || !live.connected ? " live-late" : ""}`} data-testid="live-status">
      {live.connected ? behindText(behind) : "Connection lost, trying again"}
    </span>
  );
}

/** Age of the newest sample: by the recording's clock where it has one, else by when it last grew here. */
function secondsBehind(recording: Recording, grewAtUnixMs: number | undefined, now: number): number | undefined {
  const newest = unixMsOfSeconds(recording, durationSeconds(recording)) ?? grewAtUnixMs;
  return newest === undefined ? undefined : Math.max(0, (now - newest) / 1000);
}

function behindText(seconds: number | undefined): string {
  if (seconds === undefined) return "Waiting for new data";
  return `${durationText(Math.round(seconds))} behind now`;
}

function useNow(active: boolean): number {
  const { nowUnixMs } = useServices();
  const [now, setNow] = useState(nowUnixMs);
  useEffect(() => {
    if (!active) return undefined;
    const timer = setInterval(() => setNow(nowUnixMs()), TICK_MS);
    return () => clearInterval(timer);
  }, [active, nowUnixMs]);
  return now;
}
