/** Going through everything that lies in packs, in bounded work: a batch at a time, resting between items. */
import type { Catalog, CopiedItem } from "../catalog/catalog.ts";

const BATCH = 32;

export interface WalkParts {
  readonly catalog: Catalog;
  /** Aborts at the end of the server. */
  readonly signal: AbortSignal;
}

/** Waits, keeps no process alive, and ends at once when the signal aborts. */
export function rest(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted || ms <= 0) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, Math.min(ms, 2 ** 31 - 1));
    timer.unref();
    signal.addEventListener("abort", done);
  });
}

/** Items after a key, in order, until the end or the signal. */
export async function* walkItems({ catalog, signal }: WalkParts, afterKey: number): AsyncGenerator<CopiedItem> {
  for (let last = afterKey; !signal.aborted;) {
    const items = await catalog.walkCopies(last, BATCH);
    const end = items.at(-1);
    if (!end) return;
    yield* items;
    last = end.key;
  }
}
