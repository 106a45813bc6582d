/** A patient's observations, window after window as they are asked for, each loaded whole. */
import type { Observation, ObservationPage, ObservationsQuery, Trends } from "../api/observations.ts";
import { singleFlight } from "../data/single-flight.ts";
import { isAbort, toWebError } from "../errors.ts";
import type { WebError } from "../errors.ts";
import { joined } from "./value-rows.ts";
import { valueWindows } from "./value-windows.ts";
import type { ValueWindow } from "./value-windows.ts";

/** What is known. */
export interface ValuesSnapshot {
  /** In no particular order; undefined until the first window is there. */
  readonly observations: readonly Observation[] | undefined;
  /** Windows that are still to be loaded, newest first; undefined until that is known. */
  readonly windows: readonly ValueWindow[] | undefined;
  /** Values without a time that are still to be loaded. */
  readonly untimedCount: number;
  readonly unreadableSegments: number;
  readonly loading: boolean;
  readonly error: WebError | undefined;
}

/** What the feed needs from its surroundings. */
export interface ValuesFeedOptions {
  /** Codes that are meant; all when there are none. */
  readonly codes: readonly string[];
  /** Trends in stretches of an hour over the time that is meant, page by page; each holds those before. */
  readonly count: (signal: AbortSignal) => AsyncGenerator<Trends>;
  readonly load: (query: ObservationsQuery, signal: AbortSignal) => Promise<ObservationPage>;
  /** Values that are asked for at a time, at least. */
  readonly enough: number;
}

const NOTHING: ValuesSnapshot = {
  observations: undefined,
  windows: undefined,
  untimedCount: 0,
  unreadableSegments: 0,
  loading: true,
  error: undefined,
};
const PAGE_SIZE = 1000;

/** Feed of the observations of one patient. Does nothing until {@link ValuesFeed.start}. */
export class ValuesFeed {
  readonly #options: ValuesFeedOptions;
  readonly #listeners = new Set<() => void>();
  #snapshot = NOTHING;
  #request = new AbortController();

  constructor(options: ValuesFeedOptions) {
    this.#options = options;
  }

  /** The present state; the same object until something changes. */
  readonly snapshot = (): ValuesSnapshot => this.#snapshot;

  /** Calls `listener` after every change until the returned function is called. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Asks for older ones, or again for those that failed. */
  readonly loadMore: () => void = singleFlight(() => this.#run(this.#request.signal));

  /** Loads the newest ones. Returns the end of it; can be started again. */
  start(): () => void {
    this.#request = new AbortController();
    this.#snapshot = NOTHING;
    this.loadMore();
    return () => this.#request.abort();
  }

  async #run(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    this.#set({ loading: true, error: undefined });
    try {
      const windows = this.#snapshot.windows ?? (await this.#plan(signal));
      const [first, ...rest] = windows;
      const found = await this.#loadWindow(first, signal);
      const observations = joined(this.#snapshot.observations ?? [], found);
      const untimedCount = first === undefined ? 0 : this.#snapshot.untimedCount;
      if (!signal.aborted) this.#set({ observations, windows: rest, untimedCount, loading: false });
    } catch (caught) {
      if (!signal.aborted && !isAbort(caught)) this.#set({ loading: false, error: toWebError(caught) });
    }
  }

  async #plan(signal: AbortSignal): Promise<readonly ValueWindow[]> {
    const { count, codes, enough } = this.#options;
    let counted: Trends | undefined;
    for await (const trends of count(signal)) counted = trends;
    const windows = counted === undefined ? [] : valueWindows(counted, codes, enough);
    const { untimedCount = 0, unreadableSegments = 0 } = counted ?? {};
    if (!signal.aborted) this.#set({ windows, untimedCount, unreadableSegments });
    return windows;
  }

  /** Every observation of a window; without one, all that have no time. */
  async #loadWindow(window: ValueWindow | undefined, signal: AbortSignal): Promise<readonly Observation[]> {
    if (window === undefined && this.#snapshot.untimedCount === 0) return [];
    const { codes, load } = this.#options;
    const code = codes.length === 0 ? undefined : codes.join(",");
    const found: Observation[] = [];
    let after: string | undefined;
    do {
      const query = { code, from: window?.fromUnixMs, to: window?.toUnixMs, limit: PAGE_SIZE, after };
      const page = await load(query, signal);
      found.push(...page.observations.filter(({ time }) => window !== undefined || time.unixMs === null));
      after = page.next ?? undefined;
    } while (after !== undefined);
    return found;
  }

  #set(change: Partial<ValuesSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...change };
    for (const listener of this.#listeners) listener();
  }
}
