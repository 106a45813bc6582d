/** An installation on engines within a test's process: buckets, RabbitMQ with a worker, catalog and key store in PostgreSQL. */
import { systemRandom } from "@pericard/crypto";
import { pino } from "pino";
import { connectBroker, deadQueueOf, queueOf } from "../../src/channels/rabbitmq/broker.ts";
import { startWorker } from "../../src/worker/worker.ts";
import type { Services } from "./services.ts";
import { createTestBucket, type TestBucket } from "./test-bucket.ts";
import { TestDatabase } from "./test-database.ts";
import { TestInstallation } from "./test-server.ts";

export interface EngineInstallation {
  readonly site: TestInstallation;
  remove(): Promise<void>;
}

/** Makes and starts it, with three buckets. */
export async function startOnEngines(
  services: Pick<Services, "postgresql" | "rabbitmq" | "radosgw">,
): Promise<EngineInstallation> {
  const { host, port, user, passwordFile } = services.rabbitmq;
  const channel = { rabbitmq: `amqp://${user}@${host}:${port}`, passwordFile };
  const [catalog, keyStore] = [
    await TestDatabase.make(services.postgresql),
    await TestDatabase.make(services.postgresql),
  ];
  const made: TestBucket[] = [];
  for (let i = 0; i < 3; i += 1) made.push(await createTestBucket(services));
  const buckets = made.map(({ place }) => ({ ...place, secretFile: services.radosgw.secretFile }));
  const engines = { buckets, channel, catalog: catalog.config() };
  const site = new TestInstallation({ ...engines, volumePaths: [], keyStore: keyStore.config() });
  const { nowUnixMs, monotonicMs } = site.environment;
  const logger = pino({ level: "silent" });
  const worker = await startWorker(engines, { nowUnixMs, monotonicMs, random: systemRandom, logger });
  site.writeSettings();
  await site.start();
  return {
    site,
    remove: async () => {
      await site.remove();
      await worker.close();
      const connection = connectBroker(channel, () => undefined);
      for (const id of worker.volumeIds) {
        for (const queue of [queueOf(id), deadQueueOf(id)]) await connection.queueDelete({ queue });
      }
      await connection.close();
      for (const bucket of made) await bucket.remove();
      for (const database of [catalog, keyStore]) await database.remove();
    },
  };
}
