/** A site on engines: buckets, RabbitMQ, PostgreSQL, several servers and workers as processes. */
import { ApiClient, defaultSettings, writeSettings, type ServerSettings } from "@pericard/server";
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Services } from "../../../server/test/support/services.ts";
import { createTestBucket, type TestBucket } from "../../../server/test/support/test-bucket.ts";
import { TestDatabase } from "../../../server/test/support/test-database.ts";
import { connectBroker, deadQueueOf, queueOf } from "../../../server/src/channels/rabbitmq/broker.ts";
import type { TappedMessage } from "../../src/crash/http-tap.ts";
import { Link } from "../../src/crash/link.ts";
import type { Program } from "../../src/crash/program.ts";
import { Site } from "../../src/crash/site.ts";
import { createDemoLink } from "../../src/demo/installation.ts";

export type EngineServices = Pick<Services, "postgresql" | "rabbitmq" | "radosgw">;

export interface EngineSite {
  readonly site: Site;
  readonly buckets: readonly TestBucket[];
  readonly database: TestDatabase;
  /** One more server of the same installation, with a data folder of its own. */
  addServer(): Promise<EngineServer>;
  startWorker(): Program;
  remove(): Promise<void>;
}

/** One server of several, behind a link that leads to it whenever it runs. */
export class EngineServer {
  readonly link: Link;
  readonly #site: Site;
  readonly #folder: string;
  #receipted = 0;

  private constructor(site: Site, folder: string, link: Link) {
    this.link = link;
    this.#site = site;
    this.#folder = folder;
  }

  static async open(site: Site, folder: string): Promise<EngineServer> {
    const heard = (message: TappedMessage): void => {
      const before = site.receipts.copies.size;
      site.receipts.hear(message);
      server.#receipted += site.receipts.copies.size - before;
    };
    const link = await Link.open({ onRequest: () => undefined, onAnswer: heard });
    const server = new EngineServer(site, folder, link);
    return server;
  }

  /** Segments for which it gave the first receipt. */
  get receipted(): number {
    return this.#receipted;
  }

  start(): Program {
    const quiet = ["--viewer", "none", "--log-level", "warn", "--json"];
    const program = this.#site.spawn(["server", "--data", this.#folder, "--port", "0", ...quiet]);
    program.ready.then(
      ({ url }) => this.link.leadTo(String(url)),
      () => undefined,
    );
    return program;
  }

  /** Signs in at its own address as a clinician. */
  signIn(): Promise<ApiClient> {
    const link = this.#site.withStore((store) => createDemoLink(store, LINK_LIFETIME_MS));
    return ApiClient.signIn(this.link.url, link);
  }
}

const LINK_LIFETIME_MS = 3600_000;

/** Makes an installation whose volumes are buckets. Nothing of it runs yet. */
export async function openEngineSite(services: EngineServices, bucketCount: number): Promise<EngineSite> {
  const database = await TestDatabase.make(services.postgresql);
  const keyDatabase = await TestDatabase.make(services.postgresql);
  const buckets: TestBucket[] = [];
  for (let i = 0; i < bucketCount; i += 1) buckets.push(await createTestBucket(services));
  const { host, port, user, passwordFile } = services.rabbitmq;
  const broker = { rabbitmq: `amqp://${user}@${host}:${port}`, passwordFile };
  const { endpoint, secretFile } = services.radosgw;
  const settings: ServerSettings = {
    ...defaultSettings([{ name: "gateway", token: "token-of-the-gateway-of-the-tests" }]),
    port: 0,
    volumes: buckets.map(({ place }) => ({ ...place, endpoint, secretFile })),
    channel: broker,
    catalog: database.config(),
    keyStore: keyDatabase.config(),
  };
  const site = await Site.open((paths) => writeSettings(paths.server, settings));
  const servers: EngineServer[] = [];
  return {
    site,
    buckets,
    database,
    addServer: async () => {
      const folder = join(site.paths.root, `server-${servers.length + 2}`);
      mkdirSync(folder, { mode: 0o700 });
      // The key-encryption key is not in the database.
      for (const name of ["keys", "server.json"]) {
        cpSync(join(site.paths.server, name), join(folder, name), { recursive: true });
      }
      const server = await EngineServer.open(site, folder);
      servers.push(server);
      return server;
    },
    startWorker: () => site.spawn(["worker", "--data", site.paths.server, "--log-level", "warn", "--json"]),
    remove: async () => {
      await site.remove();
      await Promise.all(servers.map(({ link }) => link.close()));
      const connection = connectBroker(broker, () => undefined);
      for (const bucket of buckets) {
        const { id } = JSON.parse(new TextDecoder().decode(await bucket.get("volume.json"))) as { readonly id: string };
        for (const queue of [queueOf(id), deadQueueOf(id)]) await connection.queueDelete({ queue });
        await bucket.remove();
      }
      await connection.close();
      for (const one of [database, keyDatabase]) await one.remove();
    },
  };
}
