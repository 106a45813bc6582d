/** Server-sent events of one recording: a note each time that new data is durable. */

/** The part of EventSource that is used here; tests hand in their own. */
export interface EventStream {
  /** 0 connecting, 1 open, 2 closed for good. */
  readonly readyState: number;
  addEventListener(type: string, listener: (event: { readonly data?: unknown }) => void): void;
  close(): void;
}

/** Runs `task` after `delayMs` and returns its cancellation. */
export type Schedule = (task: () => void, delayMs: number) => () => void;

/** Surroundings and listeners of {@link followLive}. */
export interface LiveOptions {
  readonly open: () => EventStream;
  /** Perhaps new data or a new state; what it is must be read from the API, which knows the gaps too. */
  readonly onExtent: () => void;
  readonly onConnected: (connected: boolean) => void;
  readonly schedule: Schedule;
}

const REOPEN_DELAY_MS = 5000;
const CLOSED = 2;

/**
 * Follows the events until the returned function is called. EventSource reconnects by itself after a broken
 * connection, but not after an HTTP error: then it is opened anew after 5 s. Each connection counts as news, since events
 * may have been missed, and a reopening too: asking the API tells whether the session has ended.
 */
export function followLive(options: LiveOptions): () => void {
  let cancel: (() => void) | undefined;
  let stream = open();

  function open(): EventStream {
    const opened = options.open();
    opened.addEventListener("extent", options.onExtent);
    opened.addEventListener("open", () => {
      options.onConnected(true);
      options.onExtent();
    });
    opened.addEventListener("error", () => {
      options.onConnected(false);
      if (opened.readyState === CLOSED) cancel = options.schedule(reopen, REOPEN_DELAY_MS);
    });
    return opened;
  }

  function reopen(): void {
    stream = open();
    options.onExtent();
  }

  return () => {
    cancel?.();
    stream.close();
  };
}
