/**
 * What a client is told when it is refused: the one place that decides HTTP statuses.
 *
 * Source: docs/errors.md; RFC 9457; RFC 9110 §10.2.3 (Retry-After), §11.6.1 (WWW-Authenticate).
 */
import { problem, ProtocolError, type Problem } from "@pericard/protocol";
import { GatewayError, type GatewayErrorCode } from "./errors.ts";

/** A refusal ready to be sent. */
export interface Refusal {
  readonly problem: Problem;
  readonly headers: Readonly<Record<string, string>>;
}

interface Row {
  readonly status: number;
  readonly title: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const LATER = { "retry-after": "30" };

const ROWS: Readonly<Partial<Record<GatewayErrorCode, Row>>> = {
  ERR_CLIENT_UNKNOWN: {
    status: 401,
    title: "client is not known to this gateway",
    headers: { "www-authenticate": "Bearer" },
  },
  ERR_ROUTING_FOREIGN: { status: 403, title: "client does not speak for this terminal" },
  ERR_MQTT_TOPIC: { status: 403, title: "nothing is taken under this topic" },
  ERR_MQTT_QOS: { status: 400, title: "messages are taken with QoS 1 and without retain" },
  ERR_PATH_UNKNOWN: { status: 404, title: "nothing is served at this path by this method" },
  ERR_BODY_TOO_LARGE: { status: 413, title: "body is larger than any message" },
  ERR_MEDIA_TYPE: { status: 415, title: "body is not of type application/cose" },
  ERR_ROUTING_MISMATCH: { status: 400, title: "envelope is signed under another routing id" },
  ERR_WAIT_RANGE: { status: 400, title: "waiting time is not 0 to 30 seconds" },
  ERR_GATEWAY_BUSY: { status: 503, title: "gateway has too many requests at once", headers: { "retry-after": "2" } },
  ERR_CLIENT_QUOTA: { status: 503, title: "client has as much in the spool as it may", headers: LATER },
  ERR_SPOOL_FULL: { status: 503, title: "spool is full", headers: LATER },
  ERR_SPOOL_DISK_FULL: { status: 503, title: "disk of the spool is full", headers: LATER },
  ERR_SPOOL_DISK: { status: 503, title: "disk of the spool fails", headers: LATER },
};

/** Fastify's own refusals, by what they mean here. */
const FRAMEWORK_CODES: Readonly<Record<string, GatewayErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "ERR_BODY_TOO_LARGE",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "ERR_MEDIA_TYPE",
};

function ofCode(code: GatewayErrorCode, detail: string): Refusal | undefined {
  const row = ROWS[code];
  return row && { problem: problem(row.status, code, row.title, detail), headers: row.headers ?? {} };
}

function ofFramework(error: { readonly code?: unknown; readonly statusCode?: unknown }): Refusal | undefined {
  const { code, statusCode } = error;
  const known = typeof code === "string" ? FRAMEWORK_CODES[code] : undefined;
  if (known) return ofCode(known, ROWS[known]?.title ?? "");
  if (typeof statusCode !== "number" || statusCode < 400 || statusCode > 499) return undefined;
  return { problem: problem(statusCode, "ERR_REQUEST_MALFORMED", "request is malformed"), headers: {} };
}

/** What to tell a client about an error; 500 ERR_INTERNAL, without its message, for one that no code stands for. */
export function refusalOf(error: unknown): Refusal {
  const known =
    error instanceof GatewayError
      ? ofCode(error.code, error.message)
      : error instanceof ProtocolError
        ? { problem: problem(400, error.code, "message is not one that a gateway takes", error.message), headers: {} }
        : ofFramework((error ?? {}) as { code?: unknown; statusCode?: unknown });
  return known ?? { problem: problem(500, "ERR_INTERNAL", "gateway failed"), headers: {} };
}
