/** One HTTP request of a terminal. Source: docs/format.md §9; RFC 9457. */
import { request as httpRequest, type Agent, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import {
  MAIL_ANSWER_BYTES_MAX,
  MAIL_MEDIA_TYPE,
  SIGNED_MEDIA_TYPE,
  UPLOAD_PATH,
  UPSTREAM_HEADER,
  UPSTREAM_UNREACHABLE,
  WAIT_PARAMETER,
} from "@pericard/protocol";
import { TerminalError } from "../errors.ts";
import type { PostOptions, WayAnswer } from "./transport.ts";

/** Where to, and how long a connection may stand still. */
export interface HttpPost {
  readonly url: string;
  readonly token: string;
  readonly agent: Agent;
  /** Milliseconds without a byte either way after which the request is given up. */
  readonly idleTimeoutMs: number;
}

/** Sends one body. @throws {TerminalError} ERR_UPLOAD_UNREACHABLE or ERR_UPLOAD_ANSWER. */
export function httpPost(target: HttpPost, body: Uint8Array, options: PostOptions): Promise<WayAnswer> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => reject(asTerminalError(cause));
    const sent = startRequest(target, body, options);
    sent.on("error", (cause: NodeJS.ErrnoException) => {
      // A kept connection that the other side closed at that moment: nothing was taken, so it is asked again.
      if (sent.reusedSocket && cause.code === "ECONNRESET") httpPost(target, body, options).then(resolve, fail);
      else fail(cause);
    });
    sent.on("timeout", () => sent.destroy(new Error("connection stood still")));
    sent.on("response", (response) => readAnswer(response).then(resolve, fail));
    sent.end(body);
  });
}

function startRequest({ url, token, agent, idleTimeoutMs }: HttpPost, body: Uint8Array, options: PostOptions) {
  const address = new URL(url);
  address.pathname = `${address.pathname.replace(/\/$/, "")}${UPLOAD_PATH}`;
  const { waitSeconds, signal } = options;
  if (waitSeconds !== undefined) address.searchParams.set(WAIT_PARAMETER, String(waitSeconds));
  const request = address.protocol === "https:" ? httpsRequest : httpRequest;
  return request(address, {
    method: "POST",
    agent,
    signal,
    timeout: idleTimeoutMs + (waitSeconds ?? 0) * 1000,
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": SIGNED_MEDIA_TYPE,
      "content-length": body.length,
      accept: MAIL_MEDIA_TYPE,
    },
  });
}

async function readAnswer(response: IncomingMessage): Promise<WayAnswer> {
  const bytes = await readBody(response);
  const status = response.statusCode ?? 0;
  const isDelivered = status === 200 || status === 202;
  return {
    status,
    mail: isDelivered && bytes.length > 0 ? bytes : null,
    problemCode: isDelivered ? null : problemCodeOf(bytes),
    retryAfterMs: retryAfterMsOf(response.headers["retry-after"]),
    cutOff: isDelivered && response.headers[UPSTREAM_HEADER] === UPSTREAM_UNREACHABLE,
  };
}

async function readBody(response: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    sizeBytes += chunk.length;
    if (sizeBytes > MAIL_ANSWER_BYTES_MAX) {
      response.destroy();
      throw new TerminalError("ERR_UPLOAD_ANSWER", `answer is over ${MAIL_ANSWER_BYTES_MAX} bytes`);
    }
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** The code in a problem+json; null when the body is none. */
function problemCodeOf(bytes: Uint8Array): string | null {
  try {
    const { code } = JSON.parse(new TextDecoder().decode(bytes)) as { readonly code?: unknown };
    return typeof code === "string" && /^[A-Z0-9_]{1,64}$/.test(code) ? code : null;
  } catch {
    return null;
  }
}

/** Delay-seconds alone: a date would have to be compared with the terminal's clock, which is a claim. */
function retryAfterMsOf(header: string | undefined): number | null {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) * 1000 : null;
}

function asTerminalError(cause: unknown): TerminalError {
  if (cause instanceof TerminalError) return cause;
  return new TerminalError("ERR_UPLOAD_UNREACHABLE", "upload target does not answer", { cause });
}
