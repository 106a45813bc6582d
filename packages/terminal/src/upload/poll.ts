/** Polls: signed statuses that ask for mail, held open by the server while something is awaited. */
import type { RandomSource } from "@pericard/crypto";
import type { Clock } from "../clock.ts";
import { Backoff } from "./backoff.ts";
import { isTransient } from "./lane.ts";
import { isDelivered } from "./sender.ts";
import type { PostAnswer, Transport } from "./transport.ts";

/** Seconds for which the server may hold a poll. */
export const POLL_WAIT_SECONDS = 25;
/** Least milliseconds between polls whose answers held no news: a path that does not wait must not be hammered. */
const POLL_PAUSE_MS = 2000;
/** Answers that follow one status, at most: a server that goes on asking must not keep statuses from being sent. */
const ANSWERS_PER_CONTACT_MAX = 8;

/** `cut-off`: a gateway has it and can pass nothing on, which is no contact for a status. */
type Outcome = "news" | "quiet" | "cut-off" | "failed";

/** What polls work with. */
export interface PollParts {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** A signed status, and what is called when it reached the path. */
  readonly makeStatus: () => { readonly signed: Uint8Array; readonly told: () => void };
  /** A signed answer that waits to be sent; it is gone then, since the server asks again for one that is lost. */
  readonly takeAnswer: () => Uint8Array | undefined;
  /** Whether anything in the mail was news. */
  readonly takeMail: (answer: PostAnswer) => boolean;
}

/** Polls of one run of uploads. */
export class Poll {
  readonly #parts: PollParts;
  readonly #backoff: Backoff;

  constructor(parts: PollParts) {
    this.#parts = parts;
    this.#backoff = new Backoff(parts.random);
  }

  /** Sends statuses until `signal` is aborted; all but the first wait for mail. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    await this.#contact(0, signal);
    while (!signal.aborted) {
      const startedAtMs = clock.monotonicMs();
      const outcome = await this.#contact(POLL_WAIT_SECONDS, signal);
      const leftMs = startedAtMs + POLL_PAUSE_MS - clock.monotonicMs();
      if (outcome === "quiet" && leftMs > 0) await clock.sleep(leftMs, signal);
    }
  }

  /** Sends one status that does not wait, again until the path takes it or `signal` is aborted. */
  async once(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) if ((await this.#contact(0, signal)) !== "failed") return;
  }

  /** One status, and then the answers to what its mail asked; their own answers may ask again. */
  async #contact(waitSeconds: number, signal: AbortSignal): Promise<Outcome> {
    const { makeStatus, takeAnswer } = this.#parts;
    const { signed, told } = makeStatus();
    const outcome = await this.#post(signed, waitSeconds, signal);
    if (outcome === "failed") return outcome;
    if (outcome === "cut-off") {
      await this.#rest(null, signal);
      return "failed";
    }
    told();
    for (let count = 0; count < ANSWERS_PER_CONTACT_MAX && !signal.aborted; count += 1) {
      const answer = takeAnswer();
      if (!answer || (await this.#post(answer, 0, signal)) === "failed") break;
    }
    return outcome;
  }

  async #post(signed: Uint8Array, waitSeconds: number, signal: AbortSignal): Promise<Outcome> {
    const { transport, takeMail } = this.#parts;
    let retryAfterMs: number | null = null;
    try {
      const answer = await transport.post(signed, waitSeconds > 0 ? { waitSeconds, signal } : { signal });
      if (isDelivered(answer)) {
        const outcome = takeMail(answer) ? "news" : "quiet";
        if (answer.cutOff) return "cut-off";
        this.#backoff.succeeded();
        return outcome;
      }
      retryAfterMs = answer.retryAfterMs;
    } catch (error) {
      if (!isTransient(error)) throw error;
    }
    await this.#rest(retryAfterMs, signal);
    return "failed";
  }

  async #rest(retryAfterMs: number | null, signal: AbortSignal): Promise<void> {
    if (!signal.aborted) await this.#parts.clock.sleep(this.#backoff.failed(retryAfterMs), signal);
  }
}
