/** Channels over RabbitMQ with workers at the other end: real broker, real placements; only the volume fails on purpose. */
import { systemRandom } from "@pericard/crypto";
import { toHex } from "@pericard/protocol";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Channel } from "../src/channels/channel.ts";
import type { Placements } from "../src/channels/placements.ts";
import { connectBroker, deadQueueOf, queueOf } from "../src/channels/rabbitmq/broker.ts";
import { openRabbitmqChannels } from "../src/channels/rabbitmq/rabbitmq-channels.ts";
import { parsePostgresql } from "../src/catalog/postgresql/address.ts";
import { openDatabase, type Database } from "../src/catalog/postgresql/database.ts";
import { openPlacements } from "../src/catalog/postgresql/placements.ts";
import type { BrokerConfig } from "../src/config.ts";
import { ControlArea } from "../src/control/control-area.ts";
import { STORED_KIND, type StoredItem } from "../src/volumes/volume.ts";
import { serveVolumeQueue } from "../src/worker/volume-queue.ts";
import { describeChannelContract } from "./channel-contract.ts";
import { FakeVolume } from "./support/fake-volume.ts";
import { describeServices } from "./support/services.ts";
import { TestDatabase } from "./support/test-database.ts";

const cleaning: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of cleaning.splice(0).toReversed()) await clean();
});

const item = (sizeBytes = 100): StoredItem => ({ kind: STORED_KIND.package, bytes: systemRandom(sizeBytes) });

const untilIdle = (channel: Channel) => expect.poll(() => channel.state, { timeout: 20_000 }).toBe("idle");

describeServices(["rabbitmq", "postgresql"], "RabbitMQ", (services) => {
  let made: TestDatabase;
  let database: Database;
  let placements: Placements;
  const { host, port, user, passwordFile } = services.rabbitmq;
  const broker: BrokerConfig = { rabbitmq: `amqp://${user}@${host}:${port}`, passwordFile };

  beforeAll(async () => {
    made = await TestDatabase.make(services.postgresql);
    database = openDatabase(parsePostgresql(made.config()));
    placements = await openPlacements(database);
  });
  afterAll(async () => {
    await database.close();
    await made.remove();
  });

  function connect() {
    const connection = connectBroker(broker, () => undefined);
    cleaning.push(() => connection.unsafeDestroy());
    return connection;
  }

  function volumeOf(): FakeVolume {
    const volume = new FakeVolume(toHex(systemRandom(16)));
    cleaning.push(async () => {
      const connection = connectBroker(broker, () => undefined);
      for (const queue of [queueOf(volume.id), deadQueueOf(volume.id)]) await connection.queueDelete({ queue });
      await connection.close();
    });
    return volume;
  }

  /** A worker for a volume; killed when the returned function is called. */
  function startWorker(volume: FakeVolume, store: Placements = placements) {
    const connection = connect();
    const errors: string[] = [];
    const onError = (error: unknown, what: string): void => void errors.push(`${what}: ${String(error)}`);
    const queue = serveVolumeQueue({ connection, volume, placements: store, onError });
    return { queue, errors, kill: () => connection.unsafeDestroy() };
  }

  function channelTo(volumeId: string, replyMs = 5000): Channel {
    const options = { placements, random: systemRandom, replyMs, retryMs: 100, onError: () => undefined };
    const channels = openRabbitmqChannels(broker, options);
    cleaning.push(() => channels.close());
    return channels.channelTo(volumeId);
  }

  describeChannelContract("RabbitMQ", async () => {
    const volume = volumeOf();
    const { queue } = startWorker(volume);
    cleaning.push(() => queue.close());
    return { volume, channel: channelTo(volume.id) };
  });

  test("a reply that is lost is made up for by the placement", async () => {
    const volume = volumeOf();
    startWorker(volume);
    const options = { placements, random: systemRandom, replyMs: 500, retryMs: 100, onError: () => undefined };
    const lost = openRabbitmqChannels(broker, options);
    cleaning.push(() => lost.close());
    const channel = lost.channelTo(volume.id);
    await untilIdle(channel);
    volume.hold();
    const sent = channel.send(item());
    await expect.poll(() => volume.appendCount).toBe(1);
    await connect().queueDelete({ queue: lost.replyQueue });
    volume.release();
    expect((await sent).volumeId).toBe(volume.id);
    expect(volume.items).toHaveLength(1);
  });

  test("without a worker it is down after the deadline, and up again when one comes; another volume takes over", async () => {
    const [gone, other] = [volumeOf(), volumeOf()];
    const worker = startWorker(gone);
    startWorker(other);
    const channels = [channelTo(gone.id, 400), channelTo(other.id, 400)];
    for (const channel of channels) await untilIdle(channel);
    worker.kill();
    const control = new ControlArea(channels, {
      copyCount: 1,
      bufferBytesMax: 1e8,
      pollMs: 10,
      lateMs: 5000,
      deadlineMs: 10_000,
    });
    const copies = await Promise.all(Array.from({ length: 20 }, () => control.store(item())));
    expect(new Set(copies.flat().map(({ volumeId }) => volumeId))).toEqual(new Set([other.id]));
    expect(channels[0]).toMatchObject({ state: "down", reason: "no worker answers" });
    startWorker(gone);
    if (channels[0]) await untilIdle(channels[0]);
    await channels[0]?.send(item());
    control.close();
  });

  test("an item whose worker died after its placement is not stored again", async () => {
    const volume = volumeOf();
    const workers: { kill(): void }[] = [];
    const fatal: Placements = {
      ...placements,
      find: (itemIds) => placements.find(itemIds),
      store: async (rows) => {
        await placements.store(rows);
        workers[0]?.kill();
      },
    };
    workers.push(startWorker(volume, fatal));
    const channel = channelTo(volume.id, 8000);
    await untilIdle(channel);
    const sent = channel.send(item());
    await expect.poll(() => volume.items.length).toBe(1);
    const second = startWorker(volume);
    const copy = await sent;
    expect(copy.offsetBytes).toBe(0);
    expect([volume.items.length, second.errors]).toEqual([1, []]);
  });

  test("two workers share a queue, and each item is stored once", async () => {
    const volume = volumeOf();
    startWorker(volume);
    startWorker(volume);
    const channel = channelTo(volume.id);
    await untilIdle(channel);
    const items = Array.from({ length: 60 }, () => item());
    const copies = await Promise.all(items.map((one) => channel.send(one)));
    expect(volume.items).toHaveLength(60);
    for (const [i, copy] of copies.entries()) expect(await volume.read(copy)).toEqual(items[i]?.bytes);
  });

  describe("a message that no worker can take is put aside, seen, and in nobody's way:", () => {
    test("one that is malformed", async () => {
      const volume = volumeOf();
      const { queue, errors } = startWorker(volume);
      const channel = channelTo(volume.id);
      await untilIdle(channel);
      const publisher = connect().createPublisher({ confirm: true });
      const envelopes = [{}, { messageId: "x", type: "item-1" }, { messageId: "0".repeat(32), type: "item-99" }];
      for (const envelope of envelopes)
        await publisher.send({ routingKey: queueOf(volume.id), ...envelope }, Buffer.from("x"));
      await channel.send(item());
      await expect.poll(() => queue.countDead()).toBe(3);
      expect(errors).toHaveLength(3);
    });

    test("one that ends every worker that takes it", async () => {
      const volume = volumeOf();
      const channel = channelTo(volume.id, 60_000);
      const inspector = connect();
      await inspector.onConnect();
      await expect
        .poll(() => inspector.basicGet(queueOf(volume.id)).catch(() => undefined))
        .toMatchObject({ type: "probe" });
      void channel.send(item()).catch(() => undefined);
      const takeAndDie = async (): Promise<boolean> => {
        const dying = connectBroker(broker, () => undefined);
        const taken = await (await dying.acquire()).basicGet({ queue: queueOf(volume.id), noAck: false });
        dying.unsafeDestroy();
        return taken !== undefined;
      };
      for (let deaths = 0; deaths < 40; deaths += 1) {
        const { messageCount } = await inspector.queueDeclare({ queue: deadQueueOf(volume.id), passive: true });
        if (messageCount > 0) break;
        await takeAndDie();
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      const { queue } = startWorker(volume);
      await expect.poll(() => queue.countDead(), { timeout: 10_000 }).toBeGreaterThan(0);
    });
  });

  test("placements: the first stays, and old ones are forgotten", async () => {
    const itemId = toHex(systemRandom(16));
    const copy = { volumeId: "v", fileNumber: 2 ** 53 - 1, offsetBytes: 1, sizeBytes: 2 };
    await placements.store([{ itemId, copy }]);
    await placements.store([{ itemId, copy: { ...copy, fileNumber: 5 } }]);
    expect(await placements.find([itemId, "0".repeat(32)])).toEqual(new Map([[itemId, copy]]));
    await placements.forgetOld();
    expect((await placements.find([itemId])).size).toBe(1);
    await database.ask("UPDATE placements SET written_at = now() - interval '25 hours'");
    await placements.forgetOld();
    expect((await placements.find([itemId])).size).toBe(0);
  });
});
