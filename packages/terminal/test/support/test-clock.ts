/** A clock that a test moves by hand. */
import type { Clock } from "@pericard/terminal";

/** Time of a test. Both clocks move together, except when a test sets the wall clock. */
export class TestClock implements Clock {
  wallMs: number;
  zoneMinutes: number | null = 60;
  #nowMs = 1000;
  readonly #sleepers = new Set<{ readonly atMs: number; readonly wake: () => void }>();

  constructor(wallMs = Date.UTC(2026, 0, 1)) {
    this.wallMs = wallMs;
  }

  unixMs(): number {
    return this.wallMs;
  }

  zoneOffsetMinutes(): number | null {
    return this.zoneMinutes;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  sleep(durationMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#sleepers.delete(sleeper);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      const sleeper = { atMs: this.#nowMs + durationMs, wake };
      this.#sleepers.add(sleeper);
      signal.addEventListener("abort", wake);
    });
  }

  /** Moves both clocks and wakes who is due, in order, with turns of the event loop in between. */
  async advance(durationMs: number): Promise<void> {
    const untilMs = this.#nowMs + durationMs;
    for (;;) {
      await turns();
      const next = [...this.#sleepers].sort((a, b) => a.atMs - b.atMs)[0];
      if (!next || next.atMs > untilMs) break;
      this.#move(Math.max(next.atMs, this.#nowMs));
      next.wake();
    }
    this.#move(untilMs);
    await turns();
  }

  #move(toMs: number): void {
    this.wallMs += toMs - this.#nowMs;
    this.#nowMs = toMs;
  }
}

/** Lets everything run that can without time passing. */
export async function turns(count = 20): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise(setImmediate);
}
