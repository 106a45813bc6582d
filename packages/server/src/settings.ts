/**
 * The settings file of an installation: `server.json` in its data folder. Tokens in it admit gateways and terminals;
 * they open and sign nothing.
 */
import { openDiskFolder } from "@pericard/framelog";
import { isAbsolute, join } from "node:path";
import type { PostgresqlConfig } from "./catalog/postgresql/address.ts";
import {
  checkServerConfig,
  SERVER_DEFAULTS,
  type BrokerConfig,
  type BucketConfig,
  type ServerConfig,
} from "./config.ts";
import { parseBroker, parseDatabase, parseVolume } from "./engine-settings.ts";
import { ServerError } from "./errors.ts";
import type { QuotaLimits } from "./ingest/quota.ts";
import type { UploadClient } from "./http/routes-messages.ts";

const SETTINGS_FILE = "server.json";
const FORMAT = "pericard/server";

/** What the file holds. Relative paths of volumes and secrets are relative to the data folder. */
export interface ServerSettings {
  readonly host: string;
  readonly port: number;
  /** Folders and buckets. */
  readonly volumes: readonly (string | BucketConfig)[];
  /** Database of the catalog; a file in the data folder when absent. */
  readonly catalog?: PostgresqlConfig | undefined;
  readonly copyCount: number;
  readonly bufferBytesMax: number;
  readonly uploadClients: readonly UploadClient[];
  /** As in {@link ServerConfig}. */
  readonly keyBackupDays?: number;
  readonly quota?: QuotaLimits;
  /** The way to the volumes; within the process when absent. */
  readonly channel?: BrokerConfig;
  /** Database of the key store, as in {@link ServerConfig}. */
  readonly keyStore?: PostgresqlConfig | undefined;
}

/** Settings of a new installation. */
export function defaultSettings(uploadClients: readonly UploadClient[]): ServerSettings {
  const { host, port, copyCount, bufferBytesMax, volumeCount } = SERVER_DEFAULTS;
  const volumes = Array.from({ length: volumeCount }, (_, i) => join("volumes", `volume-${i + 1}`));
  return { host, port, volumes, copyCount, bufferBytesMax, uploadClients };
}

/** Writes the settings durably. */
export function writeSettings(dataPath: string, settings: ServerSettings): void {
  const text = JSON.stringify({ format: FORMAT, version: 1, ...settings }, null, 2);
  openDiskFolder(dataPath).replace(SETTINGS_FILE, new TextEncoder().encode(`${text}\n`));
}

/** The settings of a data folder, or undefined without a file. @throws {ServerError} ERR_SERVER_CONFIG. */
export function findSettings(dataPath: string): ServerSettings | undefined {
  const bytes = openDiskFolder(dataPath).read(SETTINGS_FILE);
  if (!bytes) return undefined;
  try {
    return parseSettings(JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>);
  } catch (cause) {
    throw new ServerError("ERR_SERVER_CONFIG", `${SETTINGS_FILE} is not a server's settings`, { cause });
  }
}

/**
 * Changes the list of volumes of a data folder's settings, durably; everything else of the file stays.
 *
 * @throws {ServerError} ERR_SERVER_CONFIG when there is no file, or the list would not do.
 */
export function changeVolumes(
  dataPath: string,
  change: (volumes: ServerSettings["volumes"]) => ServerSettings["volumes"],
): void {
  const settings = findSettings(dataPath);
  if (!settings) throw new ServerError("ERR_SERVER_CONFIG", `there is no ${SETTINGS_FILE} in ${dataPath}`);
  const volumes = change(settings.volumes);
  checkServerConfig(configOf(dataPath, { ...settings, volumes }, undefined));
  const folder = openDiskFolder(dataPath);
  const file = JSON.parse(new TextDecoder().decode(folder.read(SETTINGS_FILE))) as Record<string, unknown>;
  folder.replace(SETTINGS_FILE, new TextEncoder().encode(`${JSON.stringify({ ...file, volumes }, null, 2)}\n`));
}

/** Settings of a data folder with other engines, not in force yet. */
export interface NextSettings {
  readonly config: ServerConfig;
  /** Puts them in force, durably: every start from then on is with them. What was in force is kept beside them. */
  readonly write: () => void;
}

/** Name of the file that keeps what was in force before. */
export const EMBEDDED_SETTINGS_FILE = "server-embedded.json";
const ENGINE_FIELDS: ReadonlySet<string> = new Set(["volumes", "copyCount", "channel", "catalog", "keyStore"]);

/**
 * The settings of a data folder with other volumes, channel and databases.
 *
 * @param engines `volumes`, `copyCount`, `channel`, `catalog` and `keyStore` as `server.json` has them.
 * @throws {ServerError} ERR_SERVER_CONFIG.
 */
export function settingsOnEngines(dataPath: string, engines: Readonly<Record<string, unknown>>): NextSettings {
  const folder = openDiskFolder(dataPath);
  const before = folder.read(SETTINGS_FILE);
  if (!before) throw new ServerError("ERR_SERVER_CONFIG", `there is no ${SETTINGS_FILE} in ${dataPath}`);
  const others = Object.keys(engines).filter((name) => !ENGINE_FIELDS.has(name));
  if (others.length > 0)
    throw new ServerError("ERR_SERVER_CONFIG", `engines have an unknown field ${others.join(", ")}`);
  const file = { ...(JSON.parse(new TextDecoder().decode(before)) as Record<string, unknown>), ...engines };
  let config: ServerConfig;
  try {
    config = checkServerConfig(configOf(dataPath, parseSettings(file), undefined));
  } catch (cause) {
    if (cause instanceof ServerError) throw cause;
    throw new ServerError("ERR_SERVER_CONFIG", `engines are no settings: ${(cause as Error).message}`, { cause });
  }
  const write = (): void => {
    folder.replace(EMBEDDED_SETTINGS_FILE, before);
    folder.replace(SETTINGS_FILE, new TextEncoder().encode(`${JSON.stringify(file, null, 2)}\n`));
  };
  return { config, write };
}

/** Where a volume of the settings is: as volumes name their places. */
export function placeOf(dataPath: string, volume: string | BucketConfig): string {
  if (typeof volume !== "string") return `${volume.endpoint}/${volume.bucket}`;
  return isAbsolute(volume) ? volume : join(dataPath, volume);
}

function parseSettings(value: Record<string, unknown>): ServerSettings {
  const { host, port, volumes, copyCount, bufferBytesMax, uploadClients, keyBackupDays, channel, quota } = value;
  if (value["format"] !== FORMAT || value["version"] !== 1) throw new TypeError("settings have another format");
  if (typeof host !== "string" || !Array.isArray(volumes) || !Array.isArray(uploadClients)) {
    throw new TypeError("settings lack host, volumes or uploadClients");
  }
  return {
    host,
    port: requireCount("port", port),
    volumes: volumes.map(parseVolume),
    ...(value["catalog"] === undefined ? {} : { catalog: parseDatabase(value["catalog"]) }),
    ...(value["keyStore"] === undefined ? {} : { keyStore: parseDatabase(value["keyStore"]) }),
    copyCount: requireCount("copyCount", copyCount),
    bufferBytesMax: requireCount("bufferBytesMax", bufferBytesMax),
    uploadClients: uploadClients.map(parseClient),
    ...(keyBackupDays === undefined ? {} : { keyBackupDays: requireCount("keyBackupDays", keyBackupDays) }),
    ...(quota === undefined ? {} : { quota: parseQuota(quota) }),
    ...(channel === undefined ? {} : { channel: parseBroker(channel) }),
  };
}

function requireCount(name: string, value: unknown): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0)
    throw new TypeError(`${name} is not a count`);
  return value;
}

function parseQuota(value: unknown): QuotaLimits {
  const { terminalBytesPerDay, tenantBytesPerDay } = (value ?? {}) as Record<string, unknown>;
  return {
    terminalBytesPerDay: requireCount("quota.terminalBytesPerDay", terminalBytesPerDay),
    tenantBytesPerDay: requireCount("quota.tenantBytesPerDay", tenantBytesPerDay),
  };
}

function parseClient(value: unknown): UploadClient {
  const { name, token } = value as Record<string, unknown>;
  if (typeof name !== "string" || typeof token !== "string" || token.length < 16) {
    throw new TypeError("an upload client lacks a name or a token of 16 characters");
  }
  return { name, token };
}

/** The configuration that settings give. */
export function configOf(dataPath: string, settings: ServerSettings, viewerPath: string | undefined): ServerConfig {
  const { volumes, catalog, keyStore, channel, ...rest } = settings;
  const absolute = (path: string): string => (isAbsolute(path) ? path : join(dataPath, path));
  const volumePaths = volumes.filter((volume) => typeof volume === "string").map(absolute);
  const buckets = volumes
    .filter((volume) => typeof volume !== "string")
    .map((bucket) => ({ ...bucket, secretFile: absolute(bucket.secretFile) }));
  const inPlace = (database: PostgresqlConfig | undefined): PostgresqlConfig | undefined =>
    database && {
      ...database,
      passwordFile: absolute(database.passwordFile),
      ...(database.caFile === undefined ? {} : { caFile: absolute(database.caFile) }),
    };
  const broker = channel && { ...channel, passwordFile: absolute(channel.passwordFile) };
  const engines = { channel: broker, catalog: inPlace(catalog), keyStore: inPlace(keyStore) };
  return { ...rest, ...engines, dataPath, volumePaths, buckets, viewerPath };
}
