/**
 * What was refused, counted and written to the audit trail in bounded work: of each source and code the first of an hour has an
 * entry before it is answered, and the rest of that hour one more with their number. A stolen terminal that sends without end
 * fills nothing.
 *
 * Source: paper B §3 (illegal operations); docs/illegal-operations.md.
 */
import type { Audit } from "./audit.ts";

const HOUR_MS = 3_600_000;
const FLUSH_MS = 60_000;

interface Repeats {
  readonly source: string;
  readonly code: string;
  readonly hour: number;
  /** After the first. */
  count: number;
}

export interface RefusalParts {
  readonly audit: Audit;
  readonly nowUnixMs: () => number;
  readonly onError: (error: unknown) => void;
}

export class Refusals {
  readonly #parts: RefusalParts;
  readonly #repeats = new Map<string, Repeats>();
  readonly #totals = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;

  constructor(parts: RefusalParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => void this.#flush(this.#hour()).catch(parts.onError), FLUSH_MS);
    this.#timer.unref();
  }

  /** How often each code was refused since the start. */
  get totals(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#totals);
  }

  /**
   * Notes one refused thing. Durable when it resolves, if it is the first of its hour.
   *
   * @param source who: a terminal, or who it claims to be.
   * @param code what, without numbers or ids: repeats are told by it.
   * @param detail ids of the first one, for its entry.
   */
  async note(source: string, code: string, detail = ""): Promise<void> {
    this.#totals.set(code, (this.#totals.get(code) ?? 0) + 1);
    const key = `${source} ${code}`;
    const known = this.#repeats.get(key);
    const hour = this.#hour();
    if (known?.hour === hour) {
      known.count += 1;
      return;
    }
    this.#repeats.set(key, { source, code, hour, count: 0 });
    if (known) await this.#tellRepeats(known);
    await this.#record(source, `${code}${detail === "" ? "" : ` ${detail}`}`);
  }

  /** Writes down what was counted. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#flush(Number.POSITIVE_INFINITY);
  }

  async #flush(beforeHour: number): Promise<void> {
    for (const [key, repeats] of this.#repeats) {
      if (repeats.hour >= beforeHour) continue;
      this.#repeats.delete(key);
      await this.#tellRepeats(repeats);
    }
  }

  async #tellRepeats({ source, code, hour, count }: Repeats): Promise<void> {
    if (count === 0) return;
    const since = new Date(hour * HOUR_MS).toISOString();
    await this.#record(source, `${code}: ${count} more in the hour from ${since}`);
  }

  #record(source: string, action: string): Promise<unknown> {
    const subject = source.replace(/^terminal /, "");
    return this.#parts.audit.record({ actor: source, action, subject, outcome: "denied" });
  }

  #hour(): number {
    return Math.floor(this.#parts.nowUnixMs() / HOUR_MS);
  }
}
