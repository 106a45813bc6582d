/** When a window's first frame was: what a live terminal measures and claims, or what a file claims. */
import type { BootId, WaveformDescriptor } from "@pericard/protocol";
import type { Clock } from "../clock.ts";
import { msOfFrames } from "../shape.ts";
import type { ClaimedTime, Source } from "../sources/source.ts";

/** The clock of this run of the terminal. */
export interface RunClock {
  readonly clock: Clock;
  /** Drawn at the start of the process. */
  readonly bootId: BootId;
}

/** @param firstFrameAtMs the monotonic clock at the first frame; undefined for a window without frames. */
export function windowTimes(
  source: Source,
  { clock, bootId }: RunClock,
  sourceFrame: number,
  firstFrameAtMs: number | undefined,
): Pick<WaveformDescriptor, "boot" | "claimed"> {
  if (source.kind === "file") return { boot: null, claimed: claimedInFile(source, sourceFrame) };
  const nowMs = clock.monotonicMs();
  const monotonicMs = firstFrameAtMs ?? nowMs;
  const unixMs = clock.unixMs() - (nowMs - monotonicMs);
  return {
    boot: { bootId, monotonicMs },
    claimed: { unixMs, zoneOffsetMinutes: clock.zoneOffsetMinutes(unixMs) },
  };
}

function claimedInFile({ claimedStart, format }: Source, sourceFrame: number): ClaimedTime | null {
  if (!claimedStart) return null;
  return { ...claimedStart, unixMs: Math.round(claimedStart.unixMs + msOfFrames(format, sourceFrame)) };
}
