/** Errors of the viewer: what a view can do about a failure, never more than the server said. */

/**
 * - `ERR_SERVER_UNREACHABLE`: no answer arrived; the same request may succeed later.
 * - `ERR_ANSWER_REFUSED`: the server answered with problem+json; its own code is in `problemCode`.
 * - `ERR_ANSWER_MALFORMED`: the answer does not follow the API; nothing of it is shown.
 */
export type WebErrorCode = "ERR_SERVER_UNREACHABLE" | "ERR_ANSWER_REFUSED" | "ERR_ANSWER_MALFORMED";

/** Details of a {@link WebError}; `status` is the HTTP status, 0 when no answer arrived. */
export interface WebErrorDetails {
  readonly status?: number;
  readonly problemCode?: string;
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

/** Base and only class of the viewer's operating failures. Messages carry no patient data and no query strings. */
export class WebError extends Error {
  override readonly name = "WebError";
  readonly code: WebErrorCode;
  readonly status: number;
  /** Code from the server's problem+json, or an empty string. */
  readonly problemCode: string;
  readonly retryable: boolean;

  constructor(code: WebErrorCode, message: string, details: WebErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.code = code;
    this.status = details.status ?? 0;
    this.problemCode = details.problemCode ?? "";
    this.retryable = details.retryable ?? code === "ERR_SERVER_UNREACHABLE";
  }
}

/** Refusal of an answer that does not follow the API. `subject` names the field, never its contents. */
export function malformed(subject: string, cause?: unknown): WebError {
  return new WebError("ERR_ANSWER_MALFORMED", `${subject} is not as the API describes it`, { cause });
}

/** Turns anything caught into a {@link WebError}, keeping it as the cause when it was something else. */
export function toWebError(caught: unknown): WebError {
  if (caught instanceof WebError) return caught;
  return new WebError("ERR_SERVER_UNREACHABLE", "the server gave no answer", { cause: caught });
}

/** Whether `caught` is the outcome of an aborted request, which no one needs to hear about. */
export function isAbort(caught: unknown): boolean {
  return caught instanceof Error && caught.name === "AbortError";
}
