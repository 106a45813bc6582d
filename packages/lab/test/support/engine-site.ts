/** A site on engines: buckets, RabbitMQ, PostgreSQL, several servers and workers as processes. */
import { defaultSettings, writeSettings, type ServerSettings } from "@pericard/server";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Services } from "../../../server/test/support/services.ts";
import { createTestBucket, type TestBucket } from "../../../server/test/support/test-bucket.ts";
import { TestDatabase } from "../../../server/test/support/test-database.ts";
import { connectBroker, deadQueueOf, queueOf } from "../../../server/src/channels/rabbitmq/broker.ts";
import type { Program } from "../../src/crash/program.ts";
import { Site } from "../../src/crash/site.ts";

export type EngineServices = Pick<Services, "postgresql" | "rabbitmq" | "radosgw">;

export interface EngineSite {
  readonly site: Site;
  readonly buckets: readonly TestBucket[];
  /** A data folder for one more server of the same installation. */
  addServerFolder(): string;
  startWorker(): Program;
  remove(): Promise<void>;
}

/** Makes an installation whose volumes are buckets. Nothing of it runs yet. */
export async function openEngineSite(services: EngineServices, bucketCount: number): Promise<EngineSite> {
  const database = await TestDatabase.make(services.postgresql);
  const buckets: TestBucket[] = [];
  for (let i = 0; i < bucketCount; i += 1) buckets.push(await createTestBucket(services));
  const { host, port, user, passwordFile } = services.rabbitmq;
  const broker = { rabbitmq: `amqp://${user}@${host}:${port}`, passwordFile };
  const settings: ServerSettings = {
    ...defaultSettings([{ name: "gateway", token: "token-of-the-gateway-of-the-tests" }]),
    port: 0,
    volumes: buckets.map(({ place }) => ({ ...place, secretFile: services.radosgw.secretFile })),
    channel: broker,
    catalog: database.config(),
  };
  const site = await Site.open((paths) => writeSettings(paths.server, settings));
  let folderCount = 0;
  return {
    site,
    buckets,
    addServerFolder: () => {
      folderCount += 1;
      const folder = join(site.paths.root, `server-${folderCount + 1}`);
      mkdirSync(folder, { mode: 0o700 });
      symlinkSync(join(site.paths.server, "keys"), join(folder, "keys"));
      writeFileSync(join(folder, "server.json"), readFileSync(join(site.paths.server, "server.json")));
      return folder;
    },
    startWorker: () => site.spawn(["worker", "--data", site.paths.server, "--log-level", "warn", "--json"]),
    remove: async () => {
      await site.remove();
      const connection = connectBroker(broker, () => undefined);
      for (const bucket of buckets) {
        const { id } = JSON.parse(new TextDecoder().decode(await bucket.get("volume.json"))) as { readonly id: string };
        for (const queue of [queueOf(id), deadQueueOf(id)]) await connection.queueDelete({ queue });
        await bucket.remove();
      }
      await connection.close();
      await database.remove();
    },
  };
}
