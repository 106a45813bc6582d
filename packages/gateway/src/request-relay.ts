/**
 * Requests of a terminal for streams of its own: passed upstream at once, never spooled, since their challenge expires, and
 * answered when their answer is there. What it says only the terminal can read.
 *
 * Source: docs/format.md §7.10, §9.3.
 */
import { GatewayError } from "./errors.ts";
import { REQUESTS_MAX } from "./limits.ts";
import type { ClientMessage } from "./message.ts";
import { mailboxKey, type Mirror } from "./mirror.ts";
import type { PollEnd } from "./status-relay.ts";
import type { Upstream } from "./upstream.ts";

export class RequestRelay {
  readonly #upstream: Upstream;
  readonly #mirror: Mirror;
  readonly #closing = new AbortController();
  #underWay = 0;

  constructor(upstream: Upstream, mirror: Mirror) {
    this.#upstream = upstream;
    this.#mirror = mirror;
  }

  /**
   * Passes one request on. When it returns, the mirror holds the answer, if there is one.
   *
   * @param gone aborted when the client is gone. @throws {GatewayError} ERR_GATEWAY_BUSY when 64 are on their way.
   */
  async ask(request: ClientMessage, client: string, gone: AbortSignal): Promise<PollEnd> {
    if (this.#underWay >= REQUESTS_MAX)
      throw new GatewayError("ERR_GATEWAY_BUSY", `${REQUESTS_MAX} requests are on their way`);
    this.#underWay += 1;
    try {
      const signal = AbortSignal.any([gone, this.#closing.signal]);
      const answer = await this.#upstream.send(request.bytes, { waitSeconds: 0, signal });
      if (answer.kind === "refused") return answer;
      if (answer.kind === "later") return { kind: "unreachable" };
      this.#mirror.put(mailboxKey(client, request.routing), answer.mail);
      return { kind: "answered" };
    } finally {
      this.#underWay -= 1;
    }
  }

  /** Breaks requests off. */
  close(): void {
    this.#closing.abort();
  }
}
