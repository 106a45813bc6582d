/** What a server is told, checked. */
import { join } from "node:path";
import { ServerError } from "./errors.ts";
import type { UploadClient } from "./http/routes-messages.ts";

export interface ServerConfig {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Folder of the catalog and of everything that is not on a volume. */
  readonly dataPath: string;
  /** Folders of the volumes, each best on a file system of its own. */
  readonly volumePaths: readonly string[];
  /** Copies of each package, and of the key store. */
  readonly copyCount: number;
  readonly bufferBytesMax: number;
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
} as const;

/** Folders of the key store: on as many volumes as a package has copies. */
export function keyFolderPaths({ volumePaths, copyCount }: Pick<ServerConfig, "volumePaths" | "copyCount">) {
  return volumePaths.slice(0, copyCount).map((path) => join(path, "keys"));
}

function refuse(field: string): never {
  throw new ServerError("ERR_SERVER_CONFIG", `${field} is not usable`);
}

/** @throws {ServerError} ERR_SERVER_CONFIG naming the first field that cannot work. */
export function checkServerConfig(config: ServerConfig): ServerConfig {
  if (!Number.isInteger(config.port) || config.port < 0 || config.port > 65_535) refuse("port");
  if (config.copyCount < 1 || config.copyCount > config.volumePaths.length) refuse("copyCount");
  if (new Set(config.volumePaths).size !== config.volumePaths.length) refuse("volumePaths");
  if (config.bufferBytesMax < 1024 * 1024) refuse("bufferBytesMax");
  return config;
}
