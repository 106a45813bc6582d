/** Loading something from the server into a view, and keeping it fresh. */
import { useCallback, useEffect, useState } from "react";
import { isAbort, toWebError } from "../errors.ts";
import type { WebError } from "../errors.ts";

/** What a view knows of a resource. After a failed refresh the old value stays, with the error beside it. */
export interface Resource<Value> {
  readonly value: Value | undefined;
  readonly error: WebError | undefined;
  readonly reload: () => void;
}

/**
 * Loads when first shown and whenever `load` changes (keep it stable with useCallback).
 * @param refreshMs reloads this often while the page is visible; 0 never.
 */
export function useResource<Value>(load: (signal: AbortSignal) => Promise<Value>, refreshMs = 0): Resource<Value> {
  const [outcome, setOutcome] = useState<Outcome<Value>>({ load, round: 0 });
  const [round, setRound] = useState(0);
  const reload = useCallback(() => setRound((count) => count + 1), []);
  useEffect(() => {
    const request = new AbortController();
    load(request.signal).then(
      (value) => request.signal.aborted || setOutcome({ load, round, value }),
      (caught: unknown) => {
        if (request.signal.aborted || isAbort(caught)) return;
        setOutcome((before) => ({ ...(before.load === load ? before : { load }), round, error: toWebError(caught) }));
      },
    );
    return () => request.abort();
  }, [load, round]);
  useRefresh(reload, refreshMs);
  const current = outcome.load === load ? outcome : { value: undefined, error: undefined };
  return { value: current.value, error: current.error, reload };
}

interface Outcome<Value> {
  readonly load: (signal: AbortSignal) => Promise<Value>;
  /** How many reloads had been asked for. */
  readonly round: number;
  readonly value?: Value;
  readonly error?: WebError;
}

function useRefresh(reload: () => void, refreshMs: number): void {
  useEffect(() => {
    if (refreshMs === 0) return undefined;
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") reload();
    }, refreshMs);
    return () => clearInterval(timer);
  }, [reload, refreshMs]);
}
