/** Waking what waits for something to do. */
import type { Clock } from "./clock.ts";

/** Rings for everyone who waits at that moment; a ring that nobody waits for is lost. */
export class Bell {
  readonly #waiting = new Set<() => void>();

  /** Wakes all who wait. */
  ring(): void {
    for (const wake of this.#waiting) wake();
  }

  /** Resolves at the next ring, after `timeoutMs`, or when `signal` is aborted. It never rejects. */
  async wait(clock: Clock, timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const rung = new AbortController();
    const wake = (): void => rung.abort();
    this.#waiting.add(wake);
    signal.addEventListener("abort", wake);
    try {
      await clock.sleep(timeoutMs, rung.signal);
    } finally {
      this.#waiting.delete(wake);
      signal.removeEventListener("abort", wake);
    }
  }
}
