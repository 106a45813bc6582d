/** A patient's trends, kept as whole as they were: what is asked for again replaces them when all of it is there. */
import { isAbort, toWebError } from "../errors.ts";
import type { WebError } from "../errors.ts";
import type { LoadedTrends } from "./load-trends.ts";

/** What is known. After a failure the old trends stay, with the error beside them. */
export interface TrendsSnapshot {
  readonly loaded: LoadedTrends | undefined;
  readonly error: WebError | undefined;
}

/** Gives what is known after each page; the last one is complete. */
export type LoadTrends = (signal: AbortSignal) => AsyncGenerator<LoadedTrends>;

/** Feed of one patient over one time. Does nothing until {@link TrendsFeed.start}. */
export class TrendsFeed {
  readonly #load: LoadTrends;
  readonly #listeners = new Set<() => void>();
  #snapshot: TrendsSnapshot = { loaded: undefined, error: undefined };
  #request = new AbortController();

  constructor(load: LoadTrends) {
    this.#load = load;
  }

  /** The present state; the same object until something changes. */
  readonly snapshot = (): TrendsSnapshot => this.#snapshot;

  /** Calls `listener` after every change until the returned function is called. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Asks anew; what was on its way is given up. */
  readonly reload = (): void => {
    this.#request.abort();
    this.#request = new AbortController();
    void this.#run(this.#request.signal);
  };

  /** Loads. Returns the end of it; can be started again. */
  start(): () => void {
    this.reload();
    return () => this.#request.abort();
  }

  async #run(signal: AbortSignal): Promise<void> {
    try {
      for await (const loaded of this.#load(signal)) {
        if (signal.aborted) return;
        if (loaded.complete || this.#snapshot.loaded?.complete !== true) this.#set({ loaded, error: undefined });
      }
    } catch (caught) {
      if (!signal.aborted && !isAbort(caught)) this.#set({ ...this.#snapshot, error: toWebError(caught) });
    }
  }

  #set(snapshot: TrendsSnapshot): void {
    this.#snapshot = snapshot;
    for (const listener of this.#listeners) listener();
  }
}
