/** A recording's description, kept up to date by the server's events for as long as it can still change. */
import { followLive } from "../api/live.ts";
import type { EventStream, Schedule } from "../api/live.ts";
import type { Recording } from "../api/types.ts";
import { isAbort, toWebError } from "../errors.ts";
import type { WebError } from "../errors.ts";
import { singleFlight } from "./single-flight.ts";

/** The newest description known, and how fresh it is. */
export interface FeedSnapshot {
  readonly recording: Recording | undefined;
  readonly error: WebError | undefined;
  /** False while the connection for events is down. */
  readonly connected: boolean;
  /** When the recording last grew while it was watched, by this screen's clock. */
  readonly grewAtUnixMs: number | undefined;
}

/** What the feed needs from its surroundings. */
export interface RecordingFeedOptions {
  readonly load: (signal: AbortSignal) => Promise<Recording>;
  readonly openEvents: () => EventStream;
  readonly nowUnixMs: () => number;
  readonly schedule: Schedule;
}

/** Feed of one recording. Does nothing until {@link RecordingFeed.start}. */
export class RecordingFeed {
  readonly #options: RecordingFeedOptions;
  readonly #listeners = new Set<() => void>();
  #snapshot: FeedSnapshot = { recording: undefined, error: undefined, connected: true, grewAtUnixMs: undefined };
  #request = new AbortController();
  #stopEvents: (() => void) | undefined;

  constructor(options: RecordingFeedOptions) {
    this.#options = options;
  }

  /** The present state; the same object until something changes. */
  readonly snapshot = (): FeedSnapshot => this.#snapshot;

  /** Calls `listener` after every change until the returned function is called. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Asks the server anew; calls while it answers become one more request. */
  readonly reload: () => void = singleFlight(() => this.#load());

  /** Loads, and follows events while the recording may grow. Returns the end of it; can be started again. */
  start(): () => void {
    this.#request = new AbortController();
    this.reload();
    return () => {
      this.#request.abort();
      this.#endEvents();
    };
  }

  async #load(): Promise<void> {
    const { signal } = this.#request;
    try {
      const recording = await this.#options.load(signal);
      if (!signal.aborted) this.#take(recording);
    } catch (caught) {
      if (!signal.aborted && !isAbort(caught)) this.#set({ error: toWebError(caught) });
    }
  }

  #take(recording: Recording): void {
    const before = this.#snapshot.recording;
    const grew = before !== undefined && recording.frameCount > before.frameCount;
    this.#set({ recording, error: undefined, ...(grew ? { grewAtUnixMs: this.#options.nowUnixMs() } : {}) });
    if (!mayGrow(recording)) this.#endEvents();
    else this.#stopEvents ??= this.#followEvents();
  }

  #followEvents(): () => void {
    return followLive({
      open: this.#options.openEvents,
      schedule: this.#options.schedule,
      onExtent: this.reload,
      onConnected: (connected) => this.#set({ connected }),
    });
  }

  #endEvents(): void {
    this.#stopEvents?.();
    this.#stopEvents = undefined;
  }

  #set(change: Partial<FeedSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...change };
    for (const listener of this.#listeners) listener();
  }
}

/** A complete recording still changes while segments of it are waiting for an earlier one. */
function mayGrow(recording: Recording): boolean {
  return recording.state !== "complete" || recording.pendingCount > 0;
}
