/** What the storage server refuses or cannot do. docs/errors.md lists each; http/problems.ts gives each its status. */
export type ServerErrorCode =
  | "ERR_CLIENT_UNKNOWN"
  | "ERR_TERMINAL_UNKNOWN"
  | "ERR_TERMINAL_QUARANTINED"
  | "ERR_SIGNATURE_INVALID"
  | "ERR_MESSAGE_REFUSED"
  | "ERR_SUITE_REFUSED"
  | "ERR_STATUS_REPLAYED"
  | "ERR_FETCH_RATE"
  | "ERR_FETCH_CHALLENGE"
  | "ERR_FETCH_REPLAYED"
  | "ERR_BODY_TOO_LARGE"
  | "ERR_BUFFER_FULL"
  | "ERR_QUOTA_EXCEEDED"
  | "ERR_STORE_UNAVAILABLE"
  | "ERR_VOLUME_DOWN"
  | "ERR_VOLUME_FULL"
  | "ERR_VOLUME_IDENTITY"
  | "ERR_BUCKET_REFUSED"
  | "ERR_VOLUME_TWICE"
  | "ERR_VOLUME_NEEDED"
  | "ERR_CATALOG_DAMAGED"
  | "ERR_CATALOG_UNAVAILABLE"
  | "ERR_KEYSTORE_UNAVAILABLE"
  | "ERR_CATALOG_VERSION"
  | "ERR_CATALOG_NOT_DURABLE"
  | "ERR_THREAD_ENDED"
  | "ERR_DATA_UNREADABLE"
  | "ERR_SIGN_IN_NEEDED"
  | "ERR_SIGN_IN_LINK"
  | "ERR_ROLE_DENIED"
  | "ERR_NOT_FOUND"
  | "ERR_REQUEST_RANGE"
  | "ERR_SERVER_CONFIG"
  | "ERR_CERTIFICATE_INVALID"
  | "ERR_KEYSTORE_OLD"
  | "ERR_MIGRATION_TARGET"
  | "ERR_MIGRATION_DIFFERS"
  | "ERR_SERVER_UNREACHABLE"
  | "ERR_SERVER_NOT_RUNNING";

const RETRYABLE: ReadonlySet<ServerErrorCode> = new Set([
  "ERR_BUFFER_FULL",
  "ERR_QUOTA_EXCEEDED",
  "ERR_FETCH_RATE",
  "ERR_STORE_UNAVAILABLE",
  "ERR_VOLUME_DOWN",
  "ERR_VOLUME_FULL",
  "ERR_CATALOG_UNAVAILABLE",
  "ERR_KEYSTORE_UNAVAILABLE",
  "ERR_THREAD_ENDED",
  "ERR_SERVER_NOT_RUNNING",
]);

/** Thrown by every room of the server. Messages carry ids and lengths, never contents, names or tokens. */
export class ServerError extends Error {
  readonly code: ServerErrorCode;
  readonly retryable: boolean;

  constructor(code: ServerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ServerError";
    this.code = code;
    this.retryable = RETRYABLE.has(code);
  }
}

/** The code of any error of Pericard's, or undefined for another error. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as Error & { code?: unknown }).code : undefined;
  return typeof code === "string" && code.startsWith("ERR_") ? code : undefined;
}
