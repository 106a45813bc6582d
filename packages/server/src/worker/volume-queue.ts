/**
 * One volume's queue as a worker empties it: items are gathered into one append, their placements are written, then each is
 * acknowledged, then replied to. It holds no key, and what it stores was sealed before.
 *
 * Source: docs/format.md §10.6.
 */
import { ConsumerStatus, type AsyncMessage, type Connection, type Publisher } from "rabbitmq-client";
import type { ItemId, Placements } from "../channels/placements.ts";
import { deadQueueOf, declareQueues } from "../channels/rabbitmq/broker.ts";
import { parseRequest, type Outcome } from "../channels/rabbitmq/messages.ts";
import { codeOf } from "../errors.ts";
import type { StoredItem, Volume } from "../volumes/volume.ts";
import { batch } from "./batches.ts";

const BATCH = { bytesMax: 4 * 1024 * 1024, waitMs: 20, writesMax: 4 } as const;
/** Messages that are handed out before the first of them is acknowledged. */
const PREFETCH_COUNT = 128;

export interface VolumeQueueParts {
  readonly connection: Connection;
  readonly volume: Volume;
  readonly placements: Placements;
  /** Told what is wrong and goes on: a volume that fails, a message that cannot be read. */
  readonly onError: (error: unknown, what: string) => void;
}

interface SentItem {
  readonly itemId: ItemId;
  readonly item: StoredItem;
}

/** A queue that is being emptied. */
export interface VolumeQueue {
  /** Messages that were given up, by all workers, and wait for somebody to look at them. */
  countDead(): Promise<number>;
  /** Finishes what is under way, and takes nothing more. */
  close(): Promise<void>;
}

/** Begins to empty a volume's queue, now and whenever the broker is there. */
export function serveVolumeQueue(parts: VolumeQueueParts): VolumeQueue {
  const { connection, volume, onError } = parts;
  const { live, dead } = declareQueues(volume.id);
  const replies = connection.createPublisher({ queues: [dead] });
  const store = batch<SentItem, void>((items) => storeGroup(parts, items), BATCH);
  const consumer = connection.createConsumer(
    { queue: live.queue, queueOptions: live, qos: { prefetchCount: PREFETCH_COUNT } },
    async (message) => {
      const outcome = await answerTo(parts, store, message);
      if (outcome === undefined) return ConsumerStatus.DROP;
      // After the acknowledgement, which is sent once this function has returned.
      setImmediate(() => reply(replies, message, outcome));
      return ConsumerStatus.ACK;
    },
  );
  consumer.on("error", (error) => onError(error, "queue"));
  return {
    countDead: async () =>
      (await connection.queueDeclare({ queue: deadQueueOf(volume.id), passive: true })).messageCount,
    close: async () => {
      await consumer.close();
      // What the last acknowledgements set off.
      await new Promise((resolve) => setImmediate(resolve));
      await replies.close();
    },
  };
}

/** Appends a group and writes its placements. The group is durable and known when it resolves. */
async function storeGroup(
  { volume, placements }: VolumeQueueParts,
  group: readonly SentItem[],
): Promise<readonly void[]> {
  const copies = await volume.append(group.map(({ item }) => item));
  await placements.store(
    group.flatMap(({ itemId }, i) => {
      const copy = copies[i];
      return copy ? [{ itemId, copy }] : [];
    }),
  );
  return group.map(() => undefined);
}

/** What becomes of a message; undefined when it is none of ours, and is put aside. */
async function answerTo(
  { volume, placements, onError }: VolumeQueueParts,
  store: (sent: SentItem, sizeBytes: number) => Promise<void>,
  message: AsyncMessage,
): Promise<Outcome | undefined> {
  const request = parseRequest(message);
  if (!request) {
    onError(new Error(`message ${message.deliveryTag} of ${message.routingKey} is malformed`), "message");
    return undefined;
  }
  if (request.kind === "probe") return volume.state === "recovering" ? "down" : volume.state;
  const { itemId, item } = request;
  try {
    // An item that comes again may have been stored by a worker that died before it could say so.
    if (message.redelivered && (await placements.find([itemId])).has(itemId)) return "stored";
    await store({ itemId, item }, item.bytes.length);
    return "stored";
  } catch (error) {
    onError(error, "item");
    return codeOf(error) === "ERR_VOLUME_FULL" ? "full" : "down";
  }
}

/** A reply is a hint: when it is lost, the server looks at the placements. */
function reply(replies: Publisher, { replyTo, messageId }: AsyncMessage, outcome: Outcome): void {
  if (replyTo === undefined || messageId === undefined) return;
  const envelope = { routingKey: replyTo, correlationId: messageId, type: outcome };
  replies.send(envelope, Buffer.alloc(0)).catch(() => undefined);
}
