/**
 * A worker: empties the queues of buckets. It holds no key: what it carries was sealed before, and its imports show that it could
 * not open it (test/tidy.test.ts). Any number may run, on any machines.
 *
 * Source: design "Engines"; docs/format.md §10.6.
 */
import type { RandomSource } from "@pericard/crypto";
import type { Connection } from "rabbitmq-client";
import type { Logger } from "pino";
import { parsePostgresql } from "../catalog/postgresql/address.ts";
import { openDatabase } from "../catalog/postgresql/database.ts";
import { openPlacements } from "../catalog/postgresql/placements.ts";
import type { Placements } from "../channels/placements.ts";
import { connectBroker } from "../channels/rabbitmq/broker.ts";
import { bucketsToOpen } from "../volumes/open-buckets.ts";
import { VolumeSet } from "../volumes/volume-set.ts";
import type { Volume } from "../volumes/volume.ts";
import { serveVolumeQueue, type VolumeQueue } from "./volume-queue.ts";
import type { WorkerConfig } from "./worker-config.ts";

/** What a worker takes from outside beside its configuration. */
export interface WorkerEnvironment {
  readonly nowUnixMs: () => number;
  readonly monotonicMs: () => number;
  readonly random: RandomSource;
  readonly logger: Logger;
}

export interface RunningWorker {
  /** Ids of the volumes whose queues are being emptied. Buckets that did not open are tried again. */
  readonly volumeIds: readonly string[];
  /** Finishes what is under way, and takes nothing more. */
  close(): Promise<void>;
}

const VOLUME_DEADLINE_MS = 10_000;
const VOLUME_RETRY_MS = 5000;
const TIDY_MS = 60_000;

/** Queues that are being emptied, by volume. */
class Queues {
  readonly #byVolume = new Map<string, VolumeQueue>();
  readonly #connection: Connection;
  readonly #placements: Placements;
  readonly #logger: Logger;

  constructor(connection: Connection, placements: Placements, logger: Logger) {
    this.#connection = connection;
    this.#placements = placements;
    this.#logger = logger;
  }

  get volumeIds(): readonly string[] {
    return [...this.#byVolume.keys()];
  }

  serve(volume: Volume): void {
    const [connection, placements, logger] = [this.#connection, this.#placements, this.#logger];
    const onError = (err: unknown, what: string): void => logger.error({ err, what }, "worker goes on after an error");
    this.#byVolume.set(volume.id, serveVolumeQueue({ connection, volume, placements, onError }));
    logger.info({ volumeId: volume.id, place: volume.place }, "queue is being emptied");
  }

  /** Forgets old placements, and says what was put aside. */
  async tidy(): Promise<void> {
    try {
      await this.#placements.forgetOld();
      for (const [volumeId, queue] of this.#byVolume) {
        const deadCount = await queue.countDead();
        if (deadCount > 0) this.#logger.error({ volumeId, deadCount }, "messages were put aside: look at them");
      }
    } catch (err) {
      this.#logger.warn({ err }, "worker could not tidy");
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#byVolume.values()].map((queue) => queue.close()));
  }
}

/**
 * Starts a worker; resolves when the database answered and each bucket was tried once.
 *
 * @throws {ServerError} ERR_CATALOG_UNAVAILABLE, ERR_SERVER_CONFIG; ERR_VOLUME_TWICE.
 */
export async function startWorker(config: WorkerConfig, environment: WorkerEnvironment): Promise<RunningWorker> {
  const { logger } = environment;
  const ends: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const end of ends.splice(0).toReversed()) await end();
  };
  try {
    const database = openDatabase(parsePostgresql(config.catalog));
    ends.push(() => database.close());
    const placements = await openPlacements(database);
    const connection = connectBroker(config.channel, (err) => logger.warn({ err }, "connection to the broker"));
    ends.push(() => connection.unsafeDestroy());
    const queues = new Queues(connection, placements, logger);
    const volumes = await openVolumes(config, environment);
    ends.push(() => volumes.close());
    ends.push(() => queues.close());
    for (const volume of volumes.opened) queues.serve(volume);
    volumes.onOpened((volume) => queues.serve(volume));
    const timer = setInterval(() => void queues.tidy(), TIDY_MS);
    ends.push(() => clearInterval(timer));
    return {
      get volumeIds() {
        return queues.volumeIds;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openVolumes({ buckets }: WorkerConfig, environment: WorkerEnvironment): Promise<VolumeSet> {
  const { logger } = environment;
  const onWarning = (message: string): void => logger.warn(message);
  const options = { ...environment, deadlineMs: VOLUME_DEADLINE_MS, retryMs: VOLUME_RETRY_MS, onWarning };
  const volumes = await VolumeSet.open(bucketsToOpen(buckets, options), 0, options);
  for (const { place, volume, report } of volumes.entries) {
    if (!volume) logger.error({ place, reason: report.reason }, "bucket did not open; it is tried again");
  }
  return volumes;
}
