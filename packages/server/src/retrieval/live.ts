/** Who follows which recording, and what keeps a followed terminal quick. */
import type { RecordingId, TerminalId } from "@pericard/protocol";

type Listener = () => void;

/** Tells followers that something of their recording became durable. */
export class LiveFeed {
  readonly #listeners = new Map<RecordingId, Set<Listener>>();
  readonly #onFollowed: (terminal: TerminalId) => void;

  /** @param onFollowed is called while somebody follows a recording of the terminal, at first and then now and again. */
  constructor(onFollowed: (terminal: TerminalId) => void) {
    this.#onFollowed = onFollowed;
  }

  /** Follows a recording until the returned function is called. */
  follow(recording: RecordingId, terminal: TerminalId, listener: Listener): () => void {
    const listeners = this.#listeners.get(recording) ?? new Set();
    this.#listeners.set(recording, listeners);
    listeners.add(listener);
    this.#onFollowed(terminal);
    const renew = setInterval(() => this.#onFollowed(terminal), FOLLOW_RENEW_MS);
    return () => {
      clearInterval(renew);
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
