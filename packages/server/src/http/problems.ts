/** The one place that decides which HTTP status an error has. Source: RFC 9457; docs/errors.md. */
import { problem, ProtocolError, type Problem } from "@pericard/protocol";
import { codeOf, ServerError, type ServerErrorCode } from "../errors.ts";

const STATUS: Readonly<Record<ServerErrorCode, { readonly status: number; readonly title: string }>> = {
  ERR_CLIENT_UNKNOWN: { status: 401, title: "client is not admitted" },
  ERR_TERMINAL_UNKNOWN: { status: 403, title: "terminal is not registered" },
  ERR_TERMINAL_QUARANTINED: { status: 403, title: "terminal is not active" },
  ERR_SIGNATURE_INVALID: { status: 403, title: "signature is not the sender's" },
  ERR_MESSAGE_REFUSED: { status: 422, title: "message is refused" },
  ERR_SUITE_REFUSED: { status: 422, title: "message is of another suite" },
  ERR_STATUS_REPLAYED: { status: 409, title: "status is not new" },
  ERR_FETCH_RATE: { status: 429, title: "terminal asks for its streams too often" },
  ERR_FETCH_CHALLENGE: { status: 409, title: "challenge does not hold" },
  ERR_FETCH_REPLAYED: { status: 409, title: "request is not new" },
  ERR_BODY_TOO_LARGE: { status: 413, title: "body is too large" },
  ERR_BUFFER_FULL: { status: 503, title: "buffer is full" },
  ERR_QUOTA_EXCEEDED: { status: 429, title: "quota of the day is used up" },
  ERR_STORE_UNAVAILABLE: { status: 503, title: "storage is not available" },
  ERR_VOLUME_DOWN: { status: 503, title: "storage is not available" },
  ERR_VOLUME_FULL: { status: 503, title: "storage is full" },
  ERR_VOLUME_IDENTITY: { status: 500, title: "storage is not available" },
  ERR_BUCKET_REFUSED: { status: 500, title: "storage is not available" },
  ERR_VOLUME_NEEDED: { status: 409, title: "volume is needed" },
  ERR_VOLUME_TWICE: { status: 409, title: "volume is there already" },
  ERR_CATALOG_DAMAGED: { status: 503, title: "catalog is damaged" },
  ERR_CATALOG_UNAVAILABLE: { status: 503, title: "catalog is not available" },
  ERR_CATALOG_VERSION: { status: 500, title: "catalog is of a newer version" },
  ERR_KEYSTORE_UNAVAILABLE: { status: 503, title: "key store is not available" },
  ERR_CATALOG_NOT_DURABLE: { status: 503, title: "catalog may lose what it acknowledges" },
  ERR_THREAD_ENDED: { status: 503, title: "server is stopping" },
  ERR_DATA_UNREADABLE: { status: 500, title: "stored data cannot be read" },
  ERR_SIGN_IN_NEEDED: { status: 401, title: "sign in first" },
  ERR_SIGN_IN_LINK: { status: 401, title: "sign-in link is not valid" },
  ERR_ROLE_DENIED: { status: 403, title: "role does not allow this" },
  ERR_NOT_FOUND: { status: 404, title: "not found" },
  ERR_REQUEST_RANGE: { status: 400, title: "request is out of range" },
  ERR_SERVER_CONFIG: { status: 500, title: "server is not configured" },
  ERR_KEYSTORE_OLD: { status: 500, title: "key store is older than the catalog" },
  ERR_MIGRATION_TARGET: { status: 409, title: "target of the migration is not empty" },
  ERR_MIGRATION_DIFFERS: { status: 500, title: "what was copied is not the same" },
  ERR_CERTIFICATE_INVALID: { status: 422, title: "certificate does not hold" },
  ERR_SERVER_UNREACHABLE: { status: 502, title: "server does not answer" },
  ERR_SERVER_NOT_RUNNING: { status: 503, title: "server is not running" },
};

/** Refusals of the key store that the operator hears. To everybody else they are said otherwise, or not at all. */
const CUSTODY_STATUS: Readonly<Record<string, number>> = {
  ERR_PATIENT_UNKNOWN: 404,
  ERR_RECORDING_UNKNOWN: 404,
  ERR_ERASURE_UNKNOWN: 404,
  ERR_HOLD_UNKNOWN: 404,
  ERR_LEGAL_HOLD: 409,
};

/** Seconds after which a client that was sent away may come back. */
export const RETRY_AFTER_SECONDS = 2;
/** Seconds after which one that has used its quota up may come back. */
export const QUOTA_RETRY_AFTER_SECONDS = 600;

function fastifyProblem(error: unknown): Problem | undefined {
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown };
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") return problem(413, "ERR_BODY_TOO_LARGE", "body is too large");
  if (typeof statusCode === "number" && statusCode >= 400 && statusCode < 500) {
    return problem(statusCode, "ERR_REQUEST_RANGE", "request is malformed");
  }
  return undefined;
}

/** The refusal that an error becomes. An error that is none of ours becomes 500 without a word about its cause. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProtocolError) return problem(400, error.code, "message is malformed", error.message);
  if (error instanceof ServerError) {
    const { status, title } = STATUS[error.code];
    return problem(status, error.code, title, error.message);
  }
  const code = codeOf(error);
  const known = code === undefined ? undefined : (STATUS as Partial<typeof STATUS>)[code as ServerErrorCode];
  // A thread's error has lost its class.
  if (known) return problem(known.status, String(code), known.title, (error as Error).message);
  const custody = code === undefined ? undefined : CUSTODY_STATUS[code];
  if (custody !== undefined) return problem(custody, String(code), "key store refuses", (error as Error).message);
  if (code?.startsWith("ERR_KEYSTORE_")) return problem(503, code, "key store is not available");
  if (code === "ERR_SQLITE_ERROR") return problem(503, "ERR_CATALOG_UNAVAILABLE", STATUS.ERR_CATALOG_UNAVAILABLE.title);
  return fastifyProblem(error) ?? problem(500, "ERR_INTERNAL", "server failed");
}

/** Every code that this table knows, for docs/errors.md. */
export const HTTP_STATUS_OF_CODE: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries(STATUS).map(([code, { status }]) => [code, status]),
);
