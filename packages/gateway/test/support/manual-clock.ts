/** A clock that stands still until a test moves it. */
import type { Clock } from "@pericard/gateway";

interface Timer {
  readonly atMs: number;
  readonly work: () => void;
}

/** Time in the hands of a test. */
export interface ManualClock extends Clock {
  /** Moves both clocks, and calls what is due, in order. */
  advance(byMs: number): void;
  /** Timers that have not been called or cancelled. */
  readonly timerCount: number;
}

export const START_UNIX_MS = 1_800_000_000_000;

/** Makes one that begins at {@link START_UNIX_MS}. */
export function createManualClock(): ManualClock {
  let nowMs = 1000;
  const timers = new Set<Timer>();
  const nextDue = (untilMs: number): Timer | undefined =>
    [...timers].filter((timer) => timer.atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
  return {
    unixMs: () => START_UNIX_MS + nowMs,
    monotonicMs: () => nowMs,
    after: (delayMs, work) => {
      const timer = { atMs: nowMs + delayMs, work };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    advance: (byMs) => {
      const untilMs = nowMs + byMs;
      for (let timer = nextDue(untilMs); timer; timer = nextDue(untilMs)) {
        timers.delete(timer);
        nowMs = Math.max(nowMs, timer.atMs);
        timer.work();
      }
      nowMs = untilMs;
    },
    get timerCount() {
      return timers.size;
    },
  };
}

/** Lets everything that is already kept or broken be heard of. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
}
