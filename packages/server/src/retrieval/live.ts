/** Who follows which recording, and what keeps a followed terminal quick. */
import type { RecordingId, TerminalId } from "@pericard/protocol";

type Listener = () => void;

/** Tells followers that something of their recording became durable. */
export class LiveFeed {
  readonly #listeners = new Map<RecordingId, Set<Listener>>();
  readonly #onFollowed: (terminal: TerminalId) => void;
  readonly #lookMs: number | undefined;

  /**
   * @param onFollowed is called while somebody follows a recording of the terminal, at first and then now and again.
   * @param lookMs how often followers look by themselves, where other servers store to the same catalog; never without it.
   */
  constructor(onFollowed: (terminal: TerminalId) => void, lookMs?: number) {
    this.#onFollowed = onFollowed;
    this.#lookMs = lookMs;
  }

  /** Follows a recording until the returned function is called. */
  follow(recording: RecordingId, terminal: TerminalId, listener: Listener): () => void {
    const listeners = this.#listeners.get(recording) ?? new Set();
    this.#listeners.set(recording, listeners);
    listeners.add(listener);
    this.#onFollowed(terminal);
    const renew = setInterval(() => this.#onFollowed(terminal), FOLLOW_RENEW_MS);
    const look = this.#lookMs === undefined ? undefined : setInterval(listener, this.#lookMs);
    return () => {
      clearInterval(renew);
      clearInterval(look);
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(recording);
    };
  }

  /** Something of a recording became durable, or all of it was erased: followers look again. */
  changed(recording: RecordingId): void {
    for (const listener of this.#listeners.get(recording) ?? []) listener();
  }
}

/** Segment length while somebody watches, its lifetime without renewal, and how often it is renewed, in milliseconds. */
export const FOLLOW_SEGMENT_MS = 2000;
export const FOLLOW_LIFETIME_MS = 60_000;
const FOLLOW_RENEW_MS = 25_000;
/** How often followers look where several servers share a catalog. */
export const FOLLOW_LOOK_MS = 1000;
