/** Values about what is in view: what was there stays until what follows has come. */
import type { Api } from "../api/client.ts";
import type { Trends } from "../api/observations.ts";
import { mergeTrends, NO_TRENDS } from "./merge.ts";
import { bucketMsOf } from "./time-range.ts";
import type { TimeWindow } from "./time-range.ts";

/** Values of one block of time. */
export interface ValueBlock {
  readonly window: TimeWindow;
  readonly bucketMs: number;
  readonly trends: Trends;
}

const BLOCK_MIN_MS = 600_000;

/** The block that holds a window: of a length that changes with the zoom alone, so that moving seldom needs another. */
export function blockAround({ fromUnixMs, toUnixMs }: TimeWindow): TimeWindow {
  const lengthMs = Math.max(BLOCK_MIN_MS, 2 ** Math.ceil(Math.log2(Math.max(1, toUnixMs - fromUnixMs))));
  return {
    fromUnixMs: Math.floor(fromUnixMs / lengthMs) * lengthMs,
    toUnixMs: Math.ceil(toUnixMs / lengthMs) * lengthMs,
  };
}

/** Loads a block whole. @throws {WebError} */
export async function loadBlock(
  api: Pick<Api, "trends">,
  patientId: string,
  window: TimeWindow,
  signal: AbortSignal,
): Promise<ValueBlock> {
  const bucketMs = bucketMsOf(window);
  const query = { from: window.fromUnixMs, to: window.toUnixMs, bucketMs };
  let trends = NO_TRENDS;
  let after: string | undefined;
  do {
    const page = await api.trends(patientId, { ...query, after }, signal);
    trends = mergeTrends(trends, page);
    after = page.next ?? undefined;
  } while (after !== undefined);
  return { window, bucketMs, trends };
}

/** Feed of blocks. A block that cannot be had leaves the one before: values beside a signal are an aid. */
export class BlockFeed {
  readonly #load: (window: TimeWindow, signal: AbortSignal) => Promise<ValueBlock>;
  readonly #listeners = new Set<() => void>();
  #block: ValueBlock | undefined;
  #request = new AbortController();

  constructor(load: (window: TimeWindow, signal: AbortSignal) => Promise<ValueBlock>) {
    this.#load = load;
  }

  /** The newest block, if there is one yet. */
  readonly snapshot = (): ValueBlock | undefined => this.#block;

  /** Calls `listener` after every change until the returned function is called. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Asks for a block in the place of any that is on its way. Returns the end of it. */
  want(window: TimeWindow): () => void {
    this.#request.abort();
    const request = new AbortController();
    this.#request = request;
    void this.#take(window, request.signal);
    return () => request.abort();
  }

  async #take(window: TimeWindow, signal: AbortSignal): Promise<void> {
    const block = await this.#load(window, signal).catch(() => undefined);
    if (signal.aborted || block === undefined) return;
    this.#block = block;
    for (const listener of this.#listeners) listener();
  }
}
