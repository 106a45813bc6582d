/** Sending spooled items upstream until each was taken or refused. */
import { FrameError } from "@pericard/framelog";
import type { Clock } from "./clock.ts";
import { CLOSE_GRACE_MS, FORWARD_CONCURRENCY } from "./limits.ts";
import { mailboxKey, type Mirror } from "./mirror.ts";
import { retryDelayMs, type Jitter } from "./retry-delay.ts";
import type { SendQueue } from "./send-queue.ts";
import type { Spool } from "./spool.ts";
import type { SpoolItem } from "./spool-ledger.ts";
import { unreached } from "./upstream-answer.ts";
import type { Upstream, UpstreamAnswer, UpstreamLater } from "./upstream.ts";

/** What the forwarder tells whoever keeps the log. Never contents, never tokens. */
export interface ForwarderEvents {
  /** The upstream will never take it; the terminal still has the data. */
  onRefused(item: SpoolItem, status: number, code: string): void;
  /** Its bytes changed on disk; the terminal still has the data. */
  onDamaged(item: SpoolItem): void;
  onLater(item: SpoolItem, reason: string, delayMs: number): void;
}

/** What a forwarder works with. */
export interface ForwarderOptions {
  readonly spool: Pick<Spool, "read" | "finish">;
  readonly queue: SendQueue;
  readonly mirror: Mirror;
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly jitter: Jitter;
  readonly events: ForwarderEvents;
}

/**
 * Keeps up to eight requests going, one for each routing id at most. While the upstream as a whole fails it sends one
 * at a time, with growing pauses.
 */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #abort = new AbortController();
  #failureCount = 0;
  /** Counts pauses, so that requests which were sent before one do not ask for another. */
  #round = 0;
  #pausedUntilMs = 0;
  #cancelTimer: () => void = () => undefined;
  #stopped = false;

  constructor(options: ForwarderOptions) {
    this.#options = options;
  }

  /** Sends what can be sent now. Called when an item came; the forwarder calls itself for everything else. */
  pump(): void {
    const { clock, queue } = this.#options;
    const now = { unixMs: clock.unixMs(), monotonicMs: clock.monotonicMs() };
    this.#cancelTimer();
    if (this.#stopped) return;
    if (now.monotonicMs < this.#pausedUntilMs) {
      this.#wakeAt(this.#pausedUntilMs, now.monotonicMs);
      return;
    }
    const limit = this.#failureCount > 0 ? 1 : FORWARD_CONCURRENCY;
    while (this.#inFlight.size < limit) {
      const item = queue.take(now);
      if (!item) break;
      this.#start(item);
    }
    if (queue.nextWakeMs !== undefined) this.#wakeAt(queue.nextWakeMs, now.monotonicMs);
  }

  /** Begins anew with an upstream that is not known to fail. What is on its way to the other one asks for no pause. */
  upstreamChanged(): void {
    this.#round += 1;
    this.#failureCount = 0;
    this.#pausedUntilMs = 0;
    this.#options.queue.wakeAll();
    this.pump();
  }

  /** Sends nothing more; waits for requests in flight, five seconds at most, then breaks them off. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer();
    const cancel = this.#options.clock.after(CLOSE_GRACE_MS, () => this.#abort.abort());
    await Promise.all(this.#inFlight);
    cancel();
  }

  #wakeAt(atMs: number, nowMs: number): void {
    this.#cancelTimer = this.#options.clock.after(Math.max(1, atMs - nowMs), () => this.pump());
  }

  #start(item: SpoolItem): void {
    const sending: Promise<void> = this.#forward(item).finally(() => {
      this.#inFlight.delete(sending);
      this.pump();
    });
    this.#inFlight.add(sending);
  }

  async #forward(item: SpoolItem): Promise<void> {
    const round = this.#round;
    const message = this.#read(item);
    if (message === "damaged") {
      this.#options.events.onDamaged(item);
      this.#finish(item);
      return;
    }
    this.#settle(item, await this.#send(message), round);
  }

  /** The item's bytes, or what stands for them when the disk fails. */
  #read(item: SpoolItem): Uint8Array | "damaged" | UpstreamLater {
    try {
      return this.#options.spool.read(item);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      if (error.code === "ERR_FRAME_DAMAGED") return "damaged";
      return { ...unreached(error.code), concerns: "message" };
    }
  }

  async #send(message: Uint8Array | UpstreamLater): Promise<UpstreamAnswer> {
    if (!(message instanceof Uint8Array)) return message;
    return this.#options.upstream.send(message, { waitSeconds: 0, signal: this.#abort.signal });
  }

  #settle(item: SpoolItem, answer: UpstreamAnswer, round: number): void {
    if (answer.kind === "later") {
      this.#retry(item, answer, round);
      return;
    }
    this.#failureCount = 0;
    if (answer.kind === "taken") this.#options.mirror.put(mailboxKey(item.client, item.routing), answer.mail);
    else this.#options.events.onRefused(item, answer.status, answer.code);
    this.#finish(item);
  }

  #finish(item: SpoolItem): void {
    this.#options.spool.finish(item);
    this.#options.queue.done(item);
  }

  #retry(item: SpoolItem, answer: UpstreamLater, round: number): void {
    const { clock, queue, jitter, events } = this.#options;
    const delayMs = retryDelayMs(queue.failureCountOf(item) + 1, jitter, answer.retryAfterMs);
    queue.retry(item, clock.monotonicMs() + delayMs);
    if (answer.concerns === "upstream") this.#pause(answer, round);
    if (!this.#abort.signal.aborted) events.onLater(item, answer.reason, delayMs);
  }

  /** Requests that were on their way together fail together: that is one failure. */
  #pause(answer: UpstreamLater, round: number): void {
    if (round < this.#round) return;
    this.#round += 1;
    this.#failureCount += 1;
    const pauseMs = retryDelayMs(this.#failureCount, this.#options.jitter, answer.retryAfterMs);
    this.#pausedUntilMs = this.#options.clock.monotonicMs() + pauseMs;
  }
}
