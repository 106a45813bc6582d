/** The channel to one volume over its queue. */
import type { RandomSource } from "@pericard/crypto";
import { toHex } from "@pericard/protocol";
import { setTimeout as sleep } from "node:timers/promises";
import type { Connection, Publisher } from "rabbitmq-client";
import { ServerError } from "../../errors.ts";
import type { Copy, StoredItem } from "../../volumes/volume.ts";
import { CHANNEL_WINDOW, type Channel, type ChannelState } from "../channel.ts";
import type { ItemId } from "../placements.ts";
import { declareQueues } from "./broker.ts";
import { PROBE, typeOfItem, type Outcome } from "./messages.ts";
import type { Replies } from "./rabbitmq-channels.ts";

/** How long a probe is waited for; it stays in the queue until a worker comes. */
const PROBE_MS = 30_000;
const NO_BYTES = Buffer.alloc(0);
const NOBODY = "no worker answers";

export interface RabbitmqChannelParts {
  readonly connection: Connection;
  readonly replies: Replies;
  /** Name of the queue that replies come to. */
  readonly replyTo: string;
  readonly findCopy: (itemId: ItemId) => Promise<Copy | undefined>;
  readonly random: RandomSource;
  readonly replyMs: number;
  readonly retryMs: number;
  readonly onError: (error: unknown) => void;
}

export class RabbitmqChannel implements Channel {
  readonly volumeId: string;
  readonly #parts: RabbitmqChannelParts;
  readonly #publisher: Publisher;
  readonly #queue: string;
  readonly #end = new AbortController();
  #itemsUnderWay = 0;
  #bytesUnderWay = 0;
  /** What a worker said last; down until one answered. */
  #told: "up" | "full" | "down" = "down";
  #why = NOBODY;
  #isProbing = false;

  constructor(volumeId: string, parts: RabbitmqChannelParts) {
    const { live, dead } = declareQueues(volumeId);
    this.volumeId = volumeId;
    this.#parts = parts;
    this.#queue = live.queue;
    this.#publisher = parts.connection.createPublisher({ confirm: true, queues: [dead, live] });
    // A message that no queue takes is returned: the queue was removed, and the next worker declares it again.
    this.#publisher.on("basic.return", ({ messageId = "" }) => parts.replies.settle(messageId, undefined));
    void this.#probe();
  }

  get reason(): string | null {
    if (!this.#parts.connection.ready) return "broker does not answer";
    return this.#told === "up" ? null : this.#why;
  }

  get itemsUnderWay(): number {
    return this.#itemsUnderWay;
  }

  get bytesUnderWay(): number {
    return this.#bytesUnderWay;
  }

  get state(): ChannelState {
    if (!this.#parts.connection.ready) return "down";
    if (this.#told !== "up") return this.#told;
    return this.#itemsUnderWay < CHANNEL_WINDOW.itemCount && this.#bytesUnderWay < CHANNEL_WINDOW.bytes
      ? "idle"
      : "busy";
  }

  async send({ kind, bytes }: StoredItem): Promise<Copy> {
    this.#itemsUnderWay += 1;
    this.#bytesUnderWay += bytes.length;
    try {
      // The item's memory is its owner's; what the connection still holds after a deadline must be its own.
      return await this.#deliver(typeOfItem(kind), Buffer.from(bytes));
    } finally {
      this.#itemsUnderWay -= 1;
      this.#bytesUnderWay -= bytes.length;
    }
  }

  close(): void {
    this.#end.abort();
  }

  async #deliver(type: string, body: Buffer): Promise<Copy> {
    const itemId = toHex(this.#parts.random(16));
    const outcome = await this.#exchange(itemId, type, body, this.#parts.replyMs);
    if (outcome !== "full" && outcome !== "down") {
      // The placement alone counts, with or without a reply.
      const copy = await this.#parts.findCopy(itemId);
      if (copy?.volumeId === this.volumeId) return copy;
    }
    this.#note(outcome);
    void this.#probe();
    const code = outcome === "full" ? "ERR_VOLUME_FULL" : "ERR_VOLUME_DOWN";
    throw new ServerError(code, `volume ${this.volumeId} did not take an item: ${this.#why}`);
  }

  #note(outcome: Outcome | undefined): void {
    this.#told = outcome === "up" || outcome === "full" ? outcome : "down";
    this.#why = outcome === undefined ? NOBODY : `a worker says ${outcome}`;
  }

  /** Sends a message; the outcome that is replied, or undefined without one in time. */
  async #exchange(itemId: ItemId, type: string, body: Buffer, timeMs: number): Promise<Outcome | undefined> {
    const { replies, replyTo, onError } = this.#parts;
    const outcome = replies.wait(itemId, timeMs);
    const envelope = { routingKey: this.#queue, messageId: itemId, type, replyTo, durable: true, mandatory: true };
    this.#publisher.send(envelope, body).catch((error: unknown) => {
      onError(error);
      replies.settle(itemId, undefined);
    });
    return outcome;
  }

  /** Asks until a worker says that the volume is up. */
  async #probe(): Promise<void> {
    if (this.#isProbing) return;
    this.#isProbing = true;
    while (!this.#end.signal.aborted && !(await this.#isUp())) await this.#pause();
    this.#isProbing = false;
    // An item may have failed between the answer and here.
    if (!this.#end.signal.aborted && this.#told !== "up") void this.#probe();
  }

  async #isUp(): Promise<boolean> {
    const itemId = toHex(this.#parts.random(16));
    const outcome = await this.#exchange(itemId, PROBE, NO_BYTES, PROBE_MS);
    this.#note(outcome);
    return outcome === "up";
  }

  async #pause(): Promise<void> {
    const { signal } = this.#end;
    await sleep(this.#parts.retryMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
