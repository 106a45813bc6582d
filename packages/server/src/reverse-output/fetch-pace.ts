/** How often one terminal may ask for its streams, and how many pages are made at the same time. */
import type { TerminalId } from "@pericard/protocol";
import { ServerError } from "../errors.ts";
import { Lru } from "../keys/lru.ts";

/** Requests that a terminal may make at once after a rest, and how many more each second. A page is half a megabyte. */
const BURST = 16;
const PER_SECOND = 4;
const TERMINALS_MAX = 10_000;
/** Pages in the making hold about a megabyte each. */
const AT_ONCE_MAX = 8;

interface Allowance {
  left: number;
  atMs: number;
}

export class FetchPace {
  readonly #allowances = new Lru<TerminalId, Allowance>(TERMINALS_MAX);
  readonly #monotonicMs: () => number;
  #atOnce = 0;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /** @throws {ServerError} ERR_FETCH_RATE when the terminal has asked too often, or too many pages are being made. */
  async run<T>(terminal: TerminalId, work: () => Promise<T>): Promise<T> {
    this.#take(terminal);
    if (this.#atOnce >= AT_ONCE_MAX) throw new ServerError("ERR_FETCH_RATE", `${AT_ONCE_MAX} pages are being made`);
    this.#atOnce += 1;
    try {
      return await work();
    } finally {
      this.#atOnce -= 1;
    }
  }

  #take(terminal: TerminalId): void {
    const atMs = this.#monotonicMs();
    const known = this.#allowances.get(terminal) ?? { left: BURST, atMs };
    const left = Math.min(BURST, known.left + ((atMs - known.atMs) * PER_SECOND) / 1000);
    if (left < 1)
      throw new ServerError("ERR_FETCH_RATE", `terminal ${terminal} asks more than ${PER_SECOND} times a second`);
    this.#allowances.set(terminal, { left: left - 1, atMs });
  }
}
