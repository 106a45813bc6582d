/** What a worker is told: buckets, broker and database, in a file that may be a server's own. There is no key in it. */
import { readFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import type { PostgresqlConfig } from "../catalog/postgresql/address.ts";
import type { BrokerConfig, BucketConfig } from "../config.ts";
import { parseBroker, parseDatabase, parseVolume } from "../engine-settings.ts";
import { ServerError } from "../errors.ts";

export interface WorkerConfig {
  readonly buckets: readonly BucketConfig[];
  readonly channel: BrokerConfig;
  readonly catalog: PostgresqlConfig;
}

/**
 * Reads a worker's file: `volumes`, `channel` and `catalog` as in `server.json`. Relative paths are relative to the file's folder.
 *
 * @param names of the buckets to serve; all without them.
 * @throws {ServerError} ERR_SERVER_CONFIG.
 */
export function readWorkerConfig(path: string, names: readonly string[] = []): WorkerConfig {
  try {
    const config = parseConfig(JSON.parse(readFileSync(path, "utf8")), dirname(path));
    const unknown = names.filter((name) => !config.buckets.some(({ bucket }) => bucket === name));
    if (unknown.length > 0) throw new TypeError(`there is no bucket ${unknown.join(", ")}`);
    return { ...config, buckets: config.buckets.filter(({ bucket }) => names.length === 0 || names.includes(bucket)) };
  } catch (cause) {
    const why = cause instanceof TypeError ? cause.message : "it cannot be read";
    throw new ServerError("ERR_SERVER_CONFIG", `${path} is not a worker's file: ${why}`, { cause });
  }
}

function parseConfig(value: unknown, folder: string): WorkerConfig {
  const { volumes, channel, catalog } = (value ?? {}) as Record<string, unknown>;
  const absolute = (path: string): string => (isAbsolute(path) ? path : join(folder, path));
  if (!Array.isArray(volumes) || volumes.length === 0) throw new TypeError("it names no volumes");
  const buckets = volumes.map(parseVolume).map((volume) => {
    if (typeof volume === "string") throw new TypeError(`volume ${volume} is a folder: workers serve buckets alone`);
    return { ...volume, secretFile: absolute(volume.secretFile) };
  });
  const [broker, database] = [parseBroker(channel), parseDatabase(catalog)];
  return {
    buckets,
    channel: { ...broker, passwordFile: absolute(broker.passwordFile) },
    catalog: {
      ...database,
      passwordFile: absolute(database.passwordFile),
      ...(database.caFile === undefined ? {} : { caFile: absolute(database.caFile) }),
    },
  };
}
