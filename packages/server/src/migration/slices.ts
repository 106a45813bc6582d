/** Work on many things, some at a time. */
import type { Volume } from "../volumes/volume.ts";

/** Finds an open volume by its id. */
export type FindVolume = (volumeId: string) => Volume | undefined;

/** Does `work` on each, `size` of them side by side, and gives the results in order. */
export async function inSlices<T, R>(
  all: readonly T[],
  size: number,
  work: (one: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  for (let at = 0; at < all.length; at += size) {
    results.push(...(await Promise.all(all.slice(at, at + size).map(work))));
  }
  return results;
}
