/** What a terminal cannot do. docs/errors.md lists each. */
export type TerminalErrorCode =
  | "ERR_JOURNAL_FULL"
  | "ERR_JOURNAL_DISK_FULL"
  | "ERR_JOURNAL_DISK"
  | "ERR_JOURNAL_ITEM_UNREADABLE"
  | "ERR_TERMINAL_STATE"
  | "ERR_TERMINAL_BUSY"
  | "ERR_TERMINAL_CLOSED"
  | "ERR_SERVER_UNTRUSTED"
  | "ERR_UPLOAD_NO_TARGET"
  | "ERR_UPLOAD_UNREACHABLE"
  | "ERR_UPLOAD_ANSWER"
  | "ERR_FETCH_REFUSED"
  | "ERR_FETCH_UNANSWERED"
  | "ERR_FETCH_BROKEN"
  | "ERR_SOURCE_UNREADABLE"
  | "ERR_SUITE_REFUSED"
  | "ERR_BRIDGE_INPUT"
  | "ERR_BRIDGE_MAPPING"
  | "ERR_BRIDGE_LISTEN";

const RETRYABLE: ReadonlySet<TerminalErrorCode> = new Set<TerminalErrorCode>([
  "ERR_JOURNAL_FULL",
  "ERR_JOURNAL_DISK_FULL",
  "ERR_TERMINAL_BUSY",
  "ERR_UPLOAD_UNREACHABLE",
  "ERR_UPLOAD_ANSWER",
  "ERR_FETCH_UNANSWERED",
  "ERR_SOURCE_UNREADABLE",
]);

/** Thrown by the terminal SDK. It never carries keys, samples or tokens. */
export class TerminalError extends Error {
  readonly code: TerminalErrorCode;
  /** Whether the same call may succeed later without anybody changing the terminal's folder. */
  readonly retryable: boolean;

  constructor(code: TerminalErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "TerminalError";
    this.code = code;
    this.retryable = RETRYABLE.has(code);
  }
}
