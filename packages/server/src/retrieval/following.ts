/**
 * Which terminals somebody watches, where several servers share a catalog: the terminal may upload through any of them, and each
 * asks it to hurry. Kept as notes of the catalog, since commands wait in the memory of one server.
 */
import { TerminalId } from "@pericard/protocol";
import type { Catalog } from "../catalog/catalog.ts";
import { FOLLOW_LIFETIME_MS } from "./live.ts";

const PREFIX = "follow/";

export interface FollowingParts {
  readonly catalog: Pick<Catalog, "storeNote" | "listNotes">;
  /** Asks a terminal for short segments, on this server. */
  readonly hurry: (terminal: TerminalId) => void;
  readonly nowUnixMs: () => number;
  readonly onError: (error: unknown) => void;
}

export class Following {
  readonly #parts: FollowingParts;
  /** What this server asked for already: until when, by terminal. */
  readonly #known = new Map<TerminalId, number>();
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;

  constructor(parts: FollowingParts) {
    this.#parts = parts;
  }

  /** Looks at once and then so often for what other servers noted. */
  start(lookMs: number): void {
    this.#timer = setInterval(() => void this.look(), lookMs);
    this.#timer.unref();
    void this.look();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Somebody watches the terminal, or goes on to: called again well before {@link FOLLOW_LIFETIME_MS} is over. */
  follow(terminal: TerminalId): void {
    const { catalog, hurry, nowUnixMs, onError } = this.#parts;
    const untilUnixMs = nowUnixMs() + FOLLOW_LIFETIME_MS;
    this.#known.set(terminal, untilUnixMs);
    hurry(terminal);
    catalog.storeNote(`${PREFIX}${terminal}`, JSON.stringify({ untilUnixMs })).catch(onError);
  }

  /** Hurries the terminals that others follow. What is over for long is removed. */
  async look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      for (const { name, json } of await this.#parts.catalog.listNotes()) {
        if (name.startsWith(PREFIX)) await this.#take(name, (JSON.parse(json) as { untilUnixMs: number }).untilUnixMs);
      }
    } catch (error) {
      this.#parts.onError(error);
    } finally {
      this.#isLooking = false;
    }
  }

  async #take(name: string, untilUnixMs: number): Promise<void> {
    const { catalog, hurry, nowUnixMs } = this.#parts;
    const terminal = TerminalId.parse(name.slice(PREFIX.length));
    const leftMs = untilUnixMs - nowUnixMs();
    if (leftMs > 0 && untilUnixMs > (this.#known.get(terminal) ?? 0)) {
      this.#known.set(terminal, untilUnixMs);
      hurry(terminal);
    }
    // Far from the moment in which a follower renews it.
    if (leftMs < -FOLLOW_LIFETIME_MS) {
      this.#known.delete(terminal);
      await catalog.storeNote(name, null);
    }
  }
}
