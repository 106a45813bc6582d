/** What a server is told, checked. */
import type { KeyStorePlace } from "@pericard/custody";
import { join, resolve } from "node:path";
import { parsePostgresql, type PostgresqlConfig } from "./catalog/postgresql/address.ts";
import { ServerError } from "./errors.ts";
import type { UploadClient } from "./http/routes-messages.ts";
import type { QuotaLimits } from "./ingest/quota.ts";
import type { BucketPlace } from "./volumes/s3-bucket.ts";

/** A bucket that is a volume. */
export interface BucketConfig extends BucketPlace {
  /** File that holds the secret access key. */
  readonly secretFile: string;
}

/** A message broker. */
export interface BrokerConfig {
  /** `amqp://` or `amqps://` with user, host, port and virtual host; no password. */
  readonly rabbitmq: string;
  readonly passwordFile: string;
}

export interface ServerConfig {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Folder of the catalog and of everything that is not on a volume. */
  readonly dataPath: string;
  /** Folders of the volumes, each best on a file system of its own. */
  readonly volumePaths: readonly string[];
  /** Buckets that are volumes too; none when absent. */
  readonly buckets?: readonly BucketConfig[];
  /** Database of the catalog; a file in the data folder when absent. */
  readonly catalog?: PostgresqlConfig | undefined;
  /** The broker whose queues workers empty; within the process when absent. */
  readonly channel?: BrokerConfig | undefined;
  /** Copies of each package, and of the key store. */
  readonly copyCount: number;
  readonly bufferBytesMax: number;
  /** How much may be sent in a day; {@link SERVER_DEFAULTS} when absent. */
  readonly quota?: QuotaLimits;
  /** Days for which backups of the key store are kept, 35 unless said otherwise: what a certificate of erasure names. */
  readonly keyBackupDays?: number;
  /** The database of the key store; copies on the volumes when absent. */
  readonly keyStore?: PostgresqlConfig | undefined;
  readonly uploadClients: readonly UploadClient[];
  /** Folder of the built viewer, or undefined for none. */
  readonly viewerPath: string | undefined;
}

/** Volumes and copies unless said otherwise. */
export const SERVER_DEFAULTS = {
  host: "127.0.0.1",
  port: 7320,
  volumeCount: 3,
  copyCount: 2,
  bufferBytesMax: 64 * 1024 * 1024,
  keyBackupDays: 35,
  // A month of twelve leads at 1000 Hz that waited for its network is 20 GB.
  quota: { terminalBytesPerDay: 64 * 2 ** 30, tenantBytesPerDay: 4 * 2 ** 40 },
} as const;

/** Folder of a copy of the key store on a volume. */
export function keyFolderOf(volumePath: string): string {
  return join(volumePath, "keys");
}

/**
 * Folders of the key store: on as many volumes as a package has copies. Where every volume is a bucket there is one copy, in the
 * data folder.
 */
export function keyFolderPaths({
  dataPath,
  volumePaths,
  copyCount,
}: Pick<ServerConfig, "dataPath" | "volumePaths" | "copyCount">): readonly string[] {
  const places = volumePaths.length === 0 ? [dataPath] : volumePaths.slice(0, copyCount);
  return places.map(keyFolderOf);
}

/** Where the key store is: in its database, or in copies on the volumes. @throws {ServerError} ERR_SERVER_CONFIG. */
export function keyStorePlace(
  config: Pick<ServerConfig, "dataPath" | "volumePaths" | "copyCount" | "keyStore">,
): KeyStorePlace {
  const { keyStore, dataPath } = config;
  if (!keyStore) return keyFolderPaths(config);
  const { host, port, user, database, ssl } = parsePostgresql(keyStore);
  const { passwordFile } = keyStore;
  return { kekFolderPath: keyFolderOf(dataPath), host, port, user, database, ssl, passwordFile };
}

/** Copies that a receipt can tell. Source: docs/format.md §7. */
const COPIES_MAX = 255;

function refuse(field: string): never {
  throw new ServerError("ERR_SERVER_CONFIG", `${field} is not usable`);
}

/** Names as S3 takes them, and an address without path, user or query. */
function isBucket({ bucket, endpoint }: BucketConfig): boolean {
  return /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) && /^https?:\/\/[^/@?#]+$/.test(endpoint);
}

/** What workers need beside a broker. */
function requireEngines({ volumePaths, buckets = [], catalog }: ServerConfig): void {
  const needs = "channel is a broker, whose workers need";
  if (volumePaths.length > 0 || buckets.length === 0) {
    throw new ServerError("ERR_SERVER_CONFIG", `${needs} buckets as volumes, and no folders`);
  }
  if (!catalog) throw new ServerError("ERR_SERVER_CONFIG", `${needs} a catalog in PostgreSQL`);
}

/** @throws {ServerError} ERR_SERVER_CONFIG naming the first field that cannot work. */
export function checkServerConfig(config: ServerConfig): ServerConfig {
  if (!Number.isInteger(config.port) || config.port < 0 || config.port > 65_535) refuse("port");
  const { copyCount, volumePaths, buckets = [], bufferBytesMax } = config;
  const volumeCount = volumePaths.length + buckets.length;
  if (!Number.isInteger(copyCount) || copyCount < 1 || copyCount > Math.min(volumeCount, COPIES_MAX)) {
    refuse("copyCount");
  }
  if (new Set(volumePaths.map((path) => resolve(path))).size !== volumePaths.length) refuse("volumePaths");
  const places = buckets.map(({ endpoint, bucket }) => `${endpoint}/${bucket}`);
  if (new Set(places).size !== places.length || !buckets.every(isBucket)) refuse("buckets");
  if (config.channel) requireEngines(config);
  // Throws for an address that is none.
  keyStorePlace(config);
  if (!Number.isSafeInteger(bufferBytesMax) || bufferBytesMax < 1024 * 1024) refuse("bufferBytesMax");
  return config;
}
