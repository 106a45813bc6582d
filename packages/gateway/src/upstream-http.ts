/** An upstream reached by HTTP or HTTPS. Its certificate is verified by the configured CA, or by those whom the system trusts. */
import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import {
  MAIL_ANSWER_BYTES_MAX,
  MAIL_MEDIA_TYPE,
  PROBLEM_MEDIA_TYPE,
  HEALTH_PATH,
  SIGNED_MEDIA_TYPE,
  UPLOAD_PATH,
  UPSTREAM_HEADER,
  WAIT_PARAMETER,
} from "@pericard/protocol";
import type { Clock } from "./clock.ts";
import type { UpstreamConfig } from "./config.ts";
import { PROBE_TIMEOUT_MS } from "./limits.ts";
import { tlsClientOptions } from "./tls.ts";
import { readAnswer, readHealth, unreached, type RawAnswer } from "./upstream-answer.ts";
import type { Reach } from "./upstream-link.ts";
import type { SendOptions, Upstream, UpstreamAnswer } from "./upstream.ts";

async function readBody(response: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    sizeBytes += chunk.length;
    if (sizeBytes > MAIL_ANSWER_BYTES_MAX) throw Object.assign(new Error("answer is too long"), { code: "answer" });
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function oneOf(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === "string" ? header : header?.[0];
}

async function readRaw(response: IncomingMessage): Promise<RawAnswer> {
  const { statusCode = 0, headers } = response;
  const mediaType = (headers["content-type"] ?? "").split(";")[0] ?? "";
  const body = await readBody(response);
  return {
    status: statusCode,
    mediaType: mediaType.trim().toLowerCase(),
    retryAfter: headers["retry-after"],
    upstream: oneOf(headers[UPSTREAM_HEADER]),
    body,
  };
}

/** One exchange on a request that was just made. Rejects with an errno, or an AbortError when it was broken off. */
function exchange(request: ClientRequest, message?: Uint8Array): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    request.on("error", reject);
    request.on("response", (response) => void readRaw(response).then(resolve, reject));
    request.end(message);
  });
}

function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  return typeof code === "string" ? code : "network";
}

function addressOf(base: string, path: string): URL {
  return new URL(base.replace(/\/*$/, path));
}

/** Where messages are posted, with the waiting time of a status. */
function targetOf(base: string, waitSeconds: number): URL {
  const url = addressOf(base, UPLOAD_PATH);
  if (waitSeconds > 0) url.searchParams.set(WAIT_PARAMETER, String(waitSeconds));
  return url;
}

/**
 * Runs a request that a deadline and a caller's signal can break off.
 *
 * @returns the answer, or the word for why there is none: `aborted`, `timeout` or an errno.
 */
async function bounded(
  run: (signal: AbortSignal) => Promise<RawAnswer>,
  breakOff: AbortSignal,
  deadline: (work: () => void) => () => void,
): Promise<RawAnswer | string> {
  const controller = new AbortController();
  let broken: string | undefined;
  const stop = (why: string): void => {
    broken ??= why;
    controller.abort();
  };
  const onAbort = (): void => stop("aborted");
  if (breakOff.aborted) return "aborted";
  breakOff.addEventListener("abort", onAbort, { once: true });
  const cancel = deadline(() => stop("timeout"));
  try {
    return await run(controller.signal);
  } catch (error) {
    return broken ?? reasonOf(error);
  } finally {
    cancel();
    breakOff.removeEventListener("abort", onAbort);
  }
}

/** Makes an upstream with connections of its own, which are kept open between messages. */
export function createHttpUpstream(config: UpstreamConfig, clock: Clock): Upstream {
  const isSecure = new URL(config.url).protocol === "https:";
  const agent = isSecure
    ? new HttpsAgent({ keepAlive: true, ...tlsClientOptions(config) })
    : new HttpAgent({ keepAlive: true });
  const request = isSecure ? httpsRequest : httpRequest;

  async function send(message: Uint8Array, { waitSeconds, signal }: SendOptions): Promise<UpstreamAnswer> {
    const url = targetOf(config.url, waitSeconds);
    const headers = {
      ...(config.token === undefined ? {} : { authorization: `Bearer ${config.token}` }),
      "content-type": SIGNED_MEDIA_TYPE,
      "content-length": message.length,
      accept: `${MAIL_MEDIA_TYPE}, ${PROBLEM_MEDIA_TYPE}`,
    };
    const answer = await bounded(
      (signal) => exchange(request(url, { method: "POST", agent, headers, signal }), message),
      signal,
      (work) => clock.after(config.timeoutMs + waitSeconds * 1000, work),
    );
    return typeof answer === "string" ? unreached(answer) : readAnswer(answer, clock.unixMs());
  }

  async function probe(signal: AbortSignal): Promise<Reach> {
    const url = addressOf(config.url, HEALTH_PATH);
    const answer = await bounded(
      (signal) => exchange(request(url, { agent, signal })),
      signal,
      (work) => clock.after(PROBE_TIMEOUT_MS, work),
    );
    return typeof answer === "string" ? "failing" : readHealth(answer);
  }

  return { send, probe, close: () => agent.destroy() };
}
