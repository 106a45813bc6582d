/** The catalog of a server that starts: opened, or built from the packs when it is missing, damaged or not whole. */
import { openDiskFolder } from "@pericard/framelog";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import type { ServerConfig } from "../config.ts";
import { ServerError } from "../errors.ts";
import type { KeyStorePort } from "../keys/key-store.ts";
import { RecordingKeys } from "../keys/recordings.ts";
import type { TerminalRegistry } from "../keys/terminals.ts";
import type { VolumeSet } from "../volumes/volume-set.ts";
import type { Catalog } from "./catalog.ts";
import { openCatalogThread } from "./open-catalog.ts";
import { parsePostgresql, type PostgresqlConfig } from "./postgresql/address.ts";
import { rebuildCatalog, type RebuildParts, type RebuildReport } from "./rebuild.ts";
import { keepUnpacked } from "./sqlite/keep-unpacked.ts";
import { hasCatalog } from "./sqlite/sqlite-catalog.ts";

export interface CatalogParts {
  readonly config: ServerConfig;
  readonly volumes: VolumeSet;
  readonly keyStore: KeyStorePort;
  readonly terminals: TerminalRegistry;
  readonly stubKeys: RebuildParts["stubKeys"];
  readonly logger: Logger;
  readonly nowUnixMs: () => number;
}

export interface StartedCatalog {
  readonly catalog: Catalog;
  /** What a rebuild found; undefined when the catalog was there. */
  readonly rebuilt: RebuildReport | undefined;
  /** Ends what `close` of the catalog leaves. */
  end(): Promise<void> | void;
}

/**
 * Opens the catalog that the configuration names.
 *
 * @throws {ServerError} ERR_CATALOG_VERSION, ERR_CATALOG_UNAVAILABLE, ERR_CATALOG_NOT_DURABLE; ERR_SERVER_CONFIG when other
 * servers use it that do not share the key store; ERR_STORE_UNAVAILABLE when it is to be rebuilt and too many volumes are missing.
 */
export function startCatalog(parts: CatalogParts): Promise<StartedCatalog> {
  const { catalog } = parts.config;
  return catalog ? startShared(parts, catalog) : startEmbedded(parts);
}

async function startShared(parts: CatalogParts, config: PostgresqlConfig): Promise<StartedCatalog> {
  const { logger } = parts;
  // Its client is loaded by servers that have such a catalog alone.
  const { openPostgresqlCatalog, takePart } = await import("./postgresql/postgresql-catalog.ts");
  const { catalog, rebuildUnlessWhole, endTakeOver } = await openPostgresqlCatalog(config);
  let end: (() => Promise<void>) | undefined;
  const onWait = (): void => logger.info("catalog is being rebuilt by another server");
  try {
    end = await takePart(parsePostgresql(config), parts.config.keyStore ? "all servers" : "this server", (err) =>
      logger.fatal({ err }, "stop one of the servers"),
    );
    await endTakeOver();
    const rebuilt = await rebuildUnlessWhole(() => rebuild(parts, catalog), onWait);
    return { catalog, rebuilt, end };
  } catch (error) {
    await end?.();
    await catalog.close().catch(() => undefined);
    throw error;
  }
}

const FOLDER = "catalog";

/** Folder of the embedded catalog. */
export const catalogFolderOf = (dataPath: string): string => join(dataPath, FOLDER);

/** A file in the catalog's folder that asks for a rebuild at the next start. */
const REBUILD_FILE = "rebuild";

/** Has the embedded catalog of a stopped server made anew at its next start. */
export function orderRebuild(dataPath: string): void {
  openDiskFolder(catalogFolderOf(dataPath)).replace(REBUILD_FILE, new Uint8Array(0));
}

async function startEmbedded(parts: CatalogParts): Promise<StartedCatalog> {
  const { dataPath } = parts.config;
  const path = catalogFolderOf(dataPath);
  if (!existsSync(join(path, REBUILD_FILE)) && hasCatalog(path))
    return { ...openCatalogThread(path), rebuilt: undefined };
  const building = join(dataPath, "catalog.building");
  rmSync(building, { recursive: true, force: true });
  mkdirSync(building, { recursive: true, mode: 0o700 });
  const { catalog, end } = openCatalogThread(building);
  let rebuilt: RebuildReport;
  try {
    rebuilt = await rebuild(parts, catalog);
    await catalog.close();
  } finally {
    end();
  }
  keepUnpacked(path, building, (table, err) =>
    parts.logger.warn({ table, err }, "nothing is kept of the old catalog's table"),
  );
  if (existsSync(path)) renameSync(path, `${path}.damaged-${parts.nowUnixMs()}`);
  renameSync(building, path);
  return { ...openCatalogThread(path), rebuilt };
}

async function rebuild(parts: CatalogParts, catalog: Catalog): Promise<RebuildReport> {
  const { config, volumes, keyStore, terminals, stubKeys, logger } = parts;
  requireForRebuild(config, volumes);
  const recordingKeys = new RecordingKeys(keyStore, catalog);
  const onProgress = (itemCount: number): void =>
    logger.info({ itemCount }, "catalog is being rebuilt from the volumes");
  const found = { catalog, volumes: volumes.opened, recordingKeys, terminals, stubKeys };
  const report = await rebuildCatalog({ ...found, onProgress });
  if (report.packageCopies > 0) logger.warn(report, "catalog was rebuilt from the volumes");
  return report;
}

/** Every package has a copy on one of the open volumes only when fewer are missing than there are copies. */
function requireForRebuild({ copyCount }: ServerConfig, { entries }: VolumeSet): void {
  const missing = entries.filter(({ volume }) => !volume).map(({ place, report }) => `${place}: ${report.reason}`);
  if (missing.length < copyCount) return;
  const message = `catalog is to be rebuilt, and too many volumes are missing for it (${missing.join("; ")})`;
  throw new ServerError("ERR_STORE_UNAVAILABLE", message);
}
