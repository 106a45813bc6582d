/**
 * Channels over RabbitMQ: one quorum queue for each volume, which workers empty. A queue is a way and never the only holder: what
 * counts is the placement that a worker wrote before it replied. The reply only says when to look.
 *
 * Source: paper B §3, §4; docs/format.md §10.6.
 */
import type { RandomSource } from "@pericard/crypto";
import { toHex } from "@pericard/protocol";
import type { Connection } from "rabbitmq-client";
import type { BrokerConfig } from "../../config.ts";
import { gather } from "../../threads/gather.ts";
import type { Copy } from "../../volumes/volume.ts";
import type { Channel } from "../channel.ts";
import type { ItemId, Placements } from "../placements.ts";
import { connectBroker, declareReplies } from "./broker.ts";
import { parseReply, type Outcome } from "./messages.ts";
import { RabbitmqChannel } from "./rabbitmq-channel.ts";

export interface RabbitmqOptions {
  readonly placements: Placements;
  readonly random: RandomSource;
  /** Without a reply by then the placements are asked, and the volume is down until a worker answers. */
  readonly replyMs: number;
  /** Pause before a volume that is down or full is asked again. */
  readonly retryMs: number;
  /** Told what the connection loses; it comes back by itself. */
  readonly onError: (error: unknown) => void;
}

/** Waits for replies, each for a time. */
export class Replies {
  readonly #waiting = new Map<ItemId, (outcome: Outcome | undefined) => void>();

  /** The outcome that is replied; undefined when none is by then, or {@link settle} said so. */
  wait(itemId: ItemId, timeMs: number): Promise<Outcome | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.settle(itemId, undefined), timeMs);
      this.#waiting.set(itemId, (outcome) => {
        clearTimeout(timer);
        resolve(outcome);
      });
    });
  }

  settle(itemId: ItemId, outcome: Outcome | undefined): void {
    const resolve = this.#waiting.get(itemId);
    this.#waiting.delete(itemId);
    resolve?.(outcome);
  }

  settleAll(): void {
    for (const itemId of this.#waiting.keys()) this.settle(itemId, undefined);
  }
}

/** All channels of a server over one connection. */
export interface RabbitmqChannels {
  /** Name of the queue that replies come to. */
  readonly replyQueue: string;
  channelTo(volumeId: string): Channel;
  /** Gives up what is under way. */
  close(): Promise<void>;
}

/** Opens the way to a broker. Channels are down until it is there. @throws {ServerError} ERR_SERVER_CONFIG. */
export function openRabbitmqChannels(broker: BrokerConfig, options: RabbitmqOptions): RabbitmqChannels {
  const { placements, random, onError } = options;
  const connection: Connection = connectBroker(broker, onError);
  const replies = new Replies();
  const replyTo = `pericard.replies.${toHex(random(16))}`;
  const consumer = connection.createConsumer(
    { queue: replyTo, queueOptions: declareReplies(replyTo), noAck: true },
    (message) => {
      const reply = parseReply(message);
      if (reply) replies.settle(reply.itemId, reply.outcome);
    },
  );
  consumer.on("error", onError);
  const findCopy = gather<ItemId, Copy | undefined>(async (itemIds) => {
    const found = await placements.find(itemIds);
    return itemIds.map((itemId) => found.get(itemId));
  });
  const channels: RabbitmqChannel[] = [];
  return {
    replyQueue: replyTo,
    channelTo: (volumeId) => {
      const channel = new RabbitmqChannel(volumeId, { connection, replies, replyTo, findCopy, ...options });
      channels.push(channel);
      return channel;
    },
    close: async () => {
      for (const channel of channels) channel.close();
      replies.settleAll();
      connection.unsafeDestroy();
    },
  };
}
