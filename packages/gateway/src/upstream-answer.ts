/**
 * From an HTTP answer to what it means for a message.
 *
 * A message counts as taken or refused only when Pericard itself says so: 200 or 202 with mail, 4xx with a problem that
 * has a code. A captive portal answers 200 too, and a proxy with its own limits 403 or 413; what they say is repeated
 * until the way is free, because a message that was forgotten on their word would be missed by nobody but its terminal.
 *
 * Source: docs/format.md §9; RFC 9457.
 */
import {
  decodeMail,
  MAIL_MEDIA_TYPE,
  PROBLEM_MEDIA_TYPE,
  ProtocolError,
  UPSTREAM_UNREACHABLE,
} from "@pericard/protocol";
import { readRetryAfterMs } from "./retry-delay.ts";
import type { Reach } from "./upstream-link.ts";
import type { UpstreamAnswer, UpstreamLater } from "./upstream.ts";

/** An HTTP answer as read. */
export interface RawAnswer {
  readonly status: number;
  /** Media type without parameters, in lower case. */
  readonly mediaType: string;
  readonly retryAfter: string | undefined;
  /** Header `pericard-upstream`. */
  readonly upstream: string | undefined;
  readonly body: Uint8Array;
}

/** Statuses after which the same message may be taken, though they are 4xx. */
const LATER_4XX: ReadonlySet<number> = new Set([401, 408, 429]);

/** Statuses that are about one message: the next may fare better. */
const ABOUT_MESSAGE: ReadonlySet<number> = new Set([400, 408, 413, 500]);
/** Codes of problems that are about the sender of one message, whatever their status. */
const ABOUT_SENDER: ReadonlySet<string> = new Set(["ERR_QUOTA_EXCEEDED"]);

/** Nothing answered. `reason` is an errno or a word of its own. */
export function unreached(reason: string): UpstreamLater {
  return { kind: "later", reason, concerns: "upstream", reached: false, retryAfterMs: 0 };
}

function later(raw: RawAnswer, reason: string, nowUnixMs: number): UpstreamLater {
  const isAboutSender = ABOUT_SENDER.has(readProblem(raw)?.code ?? "");
  const concerns = ABOUT_MESSAGE.has(raw.status) || isAboutSender ? "message" : "upstream";
  return { kind: "later", reason, concerns, reached: true, retryAfterMs: readRetryAfterMs(raw.retryAfter, nowUnixMs) };
}

function readTaken(raw: RawAnswer, nowUnixMs: number): UpstreamAnswer {
  if (raw.mediaType !== MAIL_MEDIA_TYPE) return later(raw, "answer", nowUnixMs);
  try {
    return { kind: "taken", mail: decodeMail(raw.body), cutOff: raw.upstream === UPSTREAM_UNREACHABLE };
  } catch (error) {
    if (error instanceof ProtocolError) return later(raw, "answer", nowUnixMs);
    throw error;
  }
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body)) as unknown;
  } catch {
    return undefined;
  }
}

/** Code and title of a problem of Pericard's, or undefined when the body is something else. */
function readProblem(raw: RawAnswer): { readonly code: string; readonly title: string } | undefined {
  const value = raw.mediaType === PROBLEM_MEDIA_TYPE ? parseJson(raw.body) : undefined;
  const { code, title } = (value ?? {}) as { readonly code?: unknown; readonly title?: unknown };
  if (typeof code !== "string" || !/^[A-Z][A-Z0-9_]{0,63}$/.test(code)) return undefined;
  const isPlain = typeof title === "string" && /^[\x20-\x7e]{1,200}$/.test(title);
  return { code, title: isPlain ? title : "upstream refused the message" };
}

/** What an answer means for the message that it answers. */
export function readAnswer(raw: RawAnswer, nowUnixMs: number): UpstreamAnswer {
  const { status } = raw;
  if (status === 200 || status === 202) return readTaken(raw, nowUnixMs);
  const refusal = status >= 400 && status < 500 && !LATER_4XX.has(status) ? readProblem(raw) : undefined;
  return refusal ? { kind: "refused", status, ...refusal } : later(raw, `http-${status}`, nowUnixMs);
}

/** What the answer to a probe says: the body of a gateway's or a server's /healthz. */
export function readHealth({ status, body }: RawAnswer): Reach {
  const { status: state, upstream } = (parseJson(body) ?? {}) as {
    readonly status?: unknown;
    readonly upstream?: unknown;
  };
  if (status !== 200 || state !== "ok") return "failing";
  return upstream === "unreachable" || upstream === "cut-off" ? "cut-off" : "open";
}
