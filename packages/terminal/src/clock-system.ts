/** The machine's clock. Made by composition roots alone. */
import type { Clock } from "./clock.ts";

const TIMER_MS_MAX = 2 ** 31 - 1;

function sleepSystem(durationMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, Math.min(durationMs, TIMER_MS_MAX));
    signal.addEventListener("abort", done);
  });
}

/** The operating system's wall clock, zone and monotonic clock. */
export const systemClock: Clock = {
  unixMs: () => Date.now(),
  zoneOffsetMinutes: (unixMs) => -new Date(unixMs).getTimezoneOffset(),
  monotonicMs: () => Math.floor(performance.now()),
  sleep: sleepSystem,
};
