/** Uploads over HTTP and HTTPS to the first of an ordered list of targets that answers. */
import { Agent } from "node:http";
import { Agent as SecureAgent } from "node:https";
import type { UploadTarget } from "@pericard/trsm";
import type { Clock } from "../clock.ts";
import { TerminalError } from "../errors.ts";
import { httpPost, type HttpPost } from "./http-post.ts";
import type { PostAnswer, PostOptions, Transport } from "./transport.ts";

/** How long a target is left alone after it did not answer, in milliseconds, and when a connection is given up. */
export interface HttpTransportLimits {
  readonly restMs: number;
  readonly idleTimeoutMs: number;
}
export const HTTP_TRANSPORT_LIMITS: HttpTransportLimits = { restMs: 15_000, idleTimeoutMs: 30_000 };

interface Target extends HttpPost {
  /** The monotonic clock until which another target is preferred. */
  restsUntilMs: number;
}

/** @throws {TerminalError} ERR_UPLOAD_NO_TARGET when the list is empty. */
export function createHttpTransport(
  targets: readonly UploadTarget[],
  clock: Clock,
  limits: HttpTransportLimits = HTTP_TRANSPORT_LIMITS,
): Transport {
  if (targets.length === 0) throw new TerminalError("ERR_UPLOAD_NO_TARGET", "terminal has no upload target");
  return new HttpTransport(targets, clock, limits);
}

class HttpTransport implements Transport {
  readonly #targets: readonly Target[];
  readonly #clock: Clock;
  readonly #restMs: number;
  #sentBytes = 0;
  #target: string | null = null;

  constructor(targets: readonly UploadTarget[], clock: Clock, limits: HttpTransportLimits) {
    const { restMs, idleTimeoutMs } = limits;
    this.#clock = clock;
    this.#restMs = restMs;
    this.#targets = targets.map(({ url, token }) => {
      const agent =
        new URL(url).protocol === "https:" ? new SecureAgent({ keepAlive: true }) : new Agent({ keepAlive: true });
      return { url, token, agent, idleTimeoutMs, restsUntilMs: 0 };
    });
  }

  get sentBytes(): number {
    return this.#sentBytes;
  }

  get target(): string | null {
    return this.#target;
  }

  async post(body: Uint8Array, options: PostOptions): Promise<PostAnswer> {
    let refusal: PostAnswer | undefined;
    let failure: unknown;
    for (const target of this.#order()) {
      if (options.signal.aborted) break;
      try {
        this.#sentBytes += body.length;
        const answer = await httpPost(target, body, options);
        if (answer.status < 500) return this.#answered(target, answer);
        refusal ??= answer;
        this.#rest(target, answer.retryAfterMs);
      } catch (error) {
        failure ??= error;
        if (!options.signal.aborted) this.#rest(target, null);
      }
    }
    if (!options.signal.aborted) this.#target = null;
    if (refusal) return refusal;
    throw failure ?? new TerminalError("ERR_UPLOAD_UNREACHABLE", "upload was given up");
  }

  close(): void {
    for (const { agent } of this.#targets) agent.destroy();
  }

  /** Those that do not rest, in the order preferred; when all rest, all. */
  #order(): readonly Target[] {
    const nowMs = this.#clock.monotonicMs();
    const awake = this.#targets.filter(({ restsUntilMs }) => restsUntilMs <= nowMs);
    return awake.length > 0 ? awake : this.#targets;
  }

  #answered(target: Target, answer: PostAnswer): PostAnswer {
    target.restsUntilMs = 0;
    this.#target = target.url;
    return answer;
  }

  #rest(target: Target, retryAfterMs: number | null): void {
    target.restsUntilMs = this.#clock.monotonicMs() + Math.max(this.#restMs, retryAfterMs ?? 0);
  }
}
