/** The states of a view that has nothing to show: loading, empty, failed. */
import type { ReactNode } from "react";
import { explain } from "../api/problem.ts";
import type { WebError } from "../errors.ts";

/** Quiet line that appears only when loading takes noticeable time. */
export function Loading({ what }: { readonly what: string }): ReactNode {
  return (
    <p className="notice notice-loading" role="status" data-testid="loading">
      Loading {what}…
    </p>
  );
}

/** Nothing to show, and why. */
export function Empty({ children }: { readonly children: ReactNode }): ReactNode {
  return (
    <p className="notice" data-testid="empty">
      {children}
    </p>
  );
}

/** What went wrong in plain words, with the code for whoever is asked for help. */
export function Failure({ error, onRetry }: { readonly error: WebError; readonly onRetry: () => void }): ReactNode {
  return (
    <div className="notice notice-failed" role="alert" data-testid="error">
      <p>{explain(error)}</p>
      <p className="notice-code">{error.problemCode || error.code}</p>
      <button type="button" onClick={onRetry}>
        Try again
      </button>
    </div>
  );
}
