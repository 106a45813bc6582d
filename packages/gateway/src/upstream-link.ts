/** What is known of one upstream, so that a hiccup changes nothing and a return does not flap. Pure. */

/** How far messages get by an upstream. */
export type Reach =
  /** It takes messages, and nothing says that its own way to the server is closed. */
  | "open"
  /** It is a gateway that takes messages and cannot pass them on now. */
  | "cut-off"
  /** It takes nothing. */
  | "failing";

/** How patient a gateway with several upstreams is, in milliseconds. */
export interface FailoverTimes {
  /** For how long an upstream may fail before the next one is used. */
  readonly failingMs: number;
  /** For how long one may be cut off before one that is not is used. */
  readonly cutOffMs: number;
  /** For how long one must have been well before it is preferred again; doubled each time it fails soon after. */
  readonly returnMs: number;
  readonly returnMsMax: number;
  /** Between two probes. */
  readonly probeMs: number;
}

/** Higher is better: 3 well for long, 2 well again, 1 cut off, 0 failing. */
export type Rank = 0 | 1 | 2 | 3;

const GOODNESS: Readonly<Record<Reach, number>> = { failing: 0, "cut-off": 1, open: 2 };

interface Worse {
  readonly reach: Reach;
  readonly sinceMs: number;
}

/** One upstream as seen so far. Before anything is seen of it, it counts as well. */
export class UpstreamLink {
  readonly #times: FailoverTimes;
  #reach: Reach = "open";
  /** Since when it is as it is, on the monotonic clock; undefined when it never was otherwise. */
  #sinceMs: number | undefined;
  #worse: Worse | undefined;
  #returnMs: number;

  constructor(times: FailoverTimes) {
    this.#times = times;
    this.#returnMs = times.returnMs;
  }

  get reach(): Reach {
    return this.#reach;
  }

  /** Notes what an exchange or a probe showed. What is worse counts after a while only, what is better at once. */
  see(seen: Reach, nowMs: number): void {
    const change = GOODNESS[seen] - GOODNESS[this.#reach];
    if (change >= 0) this.#worse = undefined;
    else this.#worse = { reach: seen, sinceMs: this.#worse?.sinceMs ?? nowMs };
    if (change > 0) this.#become(seen, nowMs);
    this.settle(nowMs);
  }

  /** When what was seen will be believed, if nothing else is seen before; undefined when nothing waits. */
  get settlesAtMs(): number | undefined {
    if (!this.#worse) return undefined;
    const { reach, sinceMs } = this.#worse;
    return sinceMs + (reach === "failing" ? this.#times.failingMs : this.#times.cutOffMs);
  }

  /** Believes what was seen when it has lasted long enough. */
  settle(nowMs: number): void {
    if (!this.#worse) return;
    const { reach } = this.#worse;
    if (nowMs < (this.settlesAtMs ?? 0)) return;
    this.#worse = undefined;
    if (this.#reach === "open") this.#learn(nowMs);
    this.#become(reach, nowMs);
  }

  rank(nowMs: number): Rank {
    if (this.#reach === "failing") return 0;
    if (this.#reach === "cut-off") return 1;
    return this.#sinceMs === undefined || nowMs - this.#sinceMs >= this.#returnMs ? 3 : 2;
  }

  #become(reach: Reach, nowMs: number): void {
    this.#reach = reach;
    this.#sinceMs = nowMs;
  }

  /** One that fails soon after it came back must be well for longer the next time. */
  #learn(nowMs: number): void {
    const { returnMs, returnMsMax } = this.#times;
    const isRelapse = this.#sinceMs !== undefined && nowMs - this.#sinceMs < 10 * this.#returnMs;
    this.#returnMs = isRelapse ? Math.min(2 * this.#returnMs, returnMsMax) : returnMs;
  }
}
