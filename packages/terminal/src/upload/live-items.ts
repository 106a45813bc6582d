/** Items that somebody may be watching for: of a live source, appended in the last minute. */
import type { Clock } from "../clock.ts";
import type { JournalEntry } from "../journal/journal-index.ts";

/** How long an item counts as live, in milliseconds. */
export const LIVE_MS = 60_000;

/** Whether an item travels in the live lane. */
export function isLiveItem(entry: JournalEntry, nowMs: number): boolean {
  return entry.live && entry.appendedAtMs !== null && nowMs - entry.appendedAtMs < LIVE_MS;
}

/** Pending live items, oldest first, without walking a long backlog: the newest are at the end of it. */
export class LiveItems {
  readonly #clock: Clock;
  #items: JournalEntry[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Notes an item that became pending. */
  add(entry: JournalEntry): void {
    if (entry.live) this.#items.push(entry);
  }

  /** Those that are still live and pending. */
  list(): readonly JournalEntry[] {
    const nowMs = this.#clock.monotonicMs();
    this.#items = this.#items.filter((entry) => entry.state === "pending" && isLiveItem(entry, nowMs));
    return this.#items;
  }
}
