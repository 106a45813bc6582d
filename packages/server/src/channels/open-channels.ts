/** The way to the volumes that the configuration names: within the process, or over a broker to workers. */
import type { RandomSource } from "@pericard/crypto";
import type { Logger } from "pino";
import type { ServerConfig } from "../config.ts";
import type { Volume } from "../volumes/volume.ts";
import type { Channel } from "./channel.ts";
import { openInProcessChannel } from "./in-process-channel.ts";

/** Channels of a server. */
export interface OpenedChannels {
  channelTo(volume: Volume): Channel;
  /** Gives up what is under way. */
  close(): Promise<void>;
}

export interface ChannelEnvironment {
  readonly random: RandomSource;
  readonly logger: Logger;
}

/** Longer than a worker waits for its volume; short enough that another volume takes over before clients give up. */
const REPLY_MS = 12_000;
const RETRY_MS = 2000;

/** Opens the way. @throws {ServerError} ERR_SERVER_CONFIG, ERR_CATALOG_UNAVAILABLE. A broker that is away is no error here. */
export async function openChannels(config: ServerConfig, environment: ChannelEnvironment): Promise<OpenedChannels> {
  const { channel, catalog } = config;
  if (!channel || !catalog) return { channelTo: openInProcessChannel, close: async () => undefined };
  const { openDatabase } = await import("../catalog/postgresql/database.ts");
  const { parsePostgresql } = await import("../catalog/postgresql/address.ts");
  const { openPlacements } = await import("../catalog/postgresql/placements.ts");
  const { openRabbitmqChannels } = await import("./rabbitmq/rabbitmq-channels.ts");
  const { random, logger } = environment;
  const database = openDatabase(parsePostgresql(catalog));
  try {
    const placements = await openPlacements(database);
    const onError = (err: unknown): void => logger.warn({ err }, "connection to the broker");
    const channels = openRabbitmqChannels(channel, {
      placements,
      random,
      replyMs: REPLY_MS,
      retryMs: RETRY_MS,
      onError,
    });
    return {
      channelTo: (volume) => channels.channelTo(volume.id),
      close: async () => {
        await channels.close();
        await database.close();
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}
