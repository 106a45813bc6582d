/**
 * Signed polls: passed upstream at once, never spooled, since a status is true only now.
 *
 * The answer to the client does not wait longer than it must: mail that is in the mirror goes out at once, whether it
 * came with this poll or with the answer to an upload. The request upstream then goes on in the background, until it
 * ends or the same terminal polls again.
 *
 * Source: docs/format.md §9.3.
 */
import type { Clock } from "./clock.ts";
import { Ending } from "./ending.ts";
import { GatewayError } from "./errors.ts";
import { POLLS_MAX } from "./limits.ts";
import type { ClientMessage } from "./message.ts";
import { mailboxKey, type MailboxKey, type Mirror } from "./mirror.ts";
import type { Upstream, UpstreamAnswer } from "./upstream.ts";

/** Why a client's waiting ended. */
export type PollEnd =
  /** There is mail, or there is none and no reason to wait on. */
  | { readonly kind: "answered" }
  | { readonly kind: "unreachable" }
  | Extract<UpstreamAnswer, { readonly kind: "refused" }>;

const ANSWERED: PollEnd = { kind: "answered" };

/** What the upstream is given beyond the waiting time, so that its own empty answer comes in. */
const GRACE_MS = 1000;

/** How long a poll may wait. */
export interface PollWait {
  /** 0 to 30; 0 waits for the upstream's answer only. */
  readonly waitSeconds: number;
  /** Aborted when the client is gone. */
  readonly gone: AbortSignal;
}

interface Forwarded {
  readonly answer: Promise<UpstreamAnswer>;
  readonly controller: AbortController;
}

/** Passes statuses on and waits for mail. */
export class StatusRelay {
  readonly #upstream: Upstream;
  readonly #mirror: Mirror;
  readonly #clock: Clock;
  readonly #forwarded = new Map<MailboxKey, Forwarded>();
  readonly #closing = new AbortController();

  constructor(upstream: Upstream, mirror: Mirror, clock: Clock) {
    this.#upstream = upstream;
    this.#mirror = mirror;
    this.#clock = clock;
  }

  /**
   * Passes one status on. When it returns, the mirror holds what there is for the terminal.
   *
   * @throws {GatewayError} ERR_GATEWAY_BUSY when 4096 statuses are on their way.
   */
  async poll(status: ClientMessage, client: string, wait: PollWait): Promise<PollEnd> {
    const key = mailboxKey(client, status.routing);
    if (this.#forwarded.size >= POLLS_MAX && !this.#forwarded.has(key)) {
      throw new GatewayError("ERR_GATEWAY_BUSY", `${POLLS_MAX} statuses are on their way`);
    }
    const hasMail = this.#mirror.has(key);
    const forwarded = this.#forward(key, status.bytes, hasMail ? 0 : wait.waitSeconds);
    return hasMail ? ANSWERED : this.#wait(key, forwarded, wait);
  }

  /** Ends every wait with what the mirror holds, and breaks requests off. */
  close(): void {
    this.#closing.abort();
    for (const { controller } of this.#forwarded.values()) controller.abort();
  }

  #forward(key: MailboxKey, bytes: Uint8Array, waitSeconds: number): Forwarded {
    this.#forwarded.get(key)?.controller.abort();
    const controller = new AbortController();
    const forwarded = { controller, answer: this.#send(key, bytes, waitSeconds, controller) };
    this.#forwarded.set(key, forwarded);
    return forwarded;
  }

  async #send(key: MailboxKey, bytes: Uint8Array, waitSeconds: number, controller: AbortController) {
    const answer = await this.#upstream.send(bytes, { waitSeconds, signal: controller.signal });
    if (this.#forwarded.get(key)?.controller === controller) this.#forwarded.delete(key);
    if (answer.kind === "taken") this.#mirror.put(key, answer.mail);
    return answer;
  }

  async #wait(key: MailboxKey, forwarded: Forwarded, { waitSeconds, gone }: PollWait): Promise<PollEnd> {
    const { answer, controller } = forwarded;
    const untilMs = this.#clock.monotonicMs() + waitSeconds * 1000;
    const ending = new Ending<PollEnd>();
    const breakOff = (): void => {
      controller.abort();
      ending.end(ANSWERED);
    };
    const endAfter = (delayMs: number): void => ending.undo(this.#clock.after(delayMs, () => ending.end(ANSWERED)));
    ending.undo(this.#mirror.onMail(key, () => ending.end(ANSWERED)));
    ending.undo(onAbort(gone, breakOff));
    ending.undo(onAbort(this.#closing.signal, breakOff));
    if (waitSeconds > 0) endAfter(waitSeconds * 1000 + GRACE_MS);
    void this.#heed(answer, (said) => {
      const restMs = untilMs - this.#clock.monotonicMs();
      if (said.kind === "taken" && restMs > 0) endAfter(restMs);
      else ending.end(endOf(said, controller.signal));
    });
    return ending.ended;
  }

  async #heed(answer: Promise<UpstreamAnswer>, work: (answer: UpstreamAnswer) => void): Promise<void> {
    work(await answer);
  }
}

function endOf(answer: UpstreamAnswer, signal: AbortSignal): PollEnd {
  if (answer.kind === "refused") return answer;
  return answer.kind === "taken" || signal.aborted ? ANSWERED : { kind: "unreachable" };
}

function onAbort(signal: AbortSignal, work: () => void): () => void {
  signal.addEventListener("abort", work, { once: true });
  if (signal.aborted) work();
  return () => signal.removeEventListener("abort", work);
}
