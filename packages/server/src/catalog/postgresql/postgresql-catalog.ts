/** The catalog in a PostgreSQL database that several servers share. Each subject has a file beside this one. */
import type { Catalog } from "../catalog.ts";
import { parsePostgresql, type PostgresqlConfig } from "./address.ts";
import { copyMethods } from "./copies.ts";
import { openDatabase, type Deadlines } from "./database.ts";
import { packageMethods } from "./packages.ts";
import { erasureMethods } from "./erasures.ts";
import { auditMethods, fetchMethods, gapMethods, noteMethods, sessionMethods, statusMethods } from "./records.ts";
import { placeMethods } from "./places.ts";
import { recordingMethods } from "./recordings.ts";
import { beginRebuild, isWhole, prepareTables, REBUILD_LOCK } from "./schema.ts";
import { segmentMethods } from "./segments.ts";
import { summaryMethods } from "./summaries.ts";
import { endTakeOver } from "./take-over.ts";

export { takePart } from "./presence.ts";

/** A catalog, and what its start needs beside it. */
export interface PostgresqlCatalog {
  readonly catalog: Catalog;
  /**
   * Runs `rebuild` over an empty catalog unless it is whole: new, or a rebuild was interrupted. One server in the
   * installation does; others wait for it, and are told now and then by `onWait`. `rebuild` ends with the catalog's endRebuild.
   *
   * @returns what `rebuild` returned, or undefined when the catalog was whole.
   */
  rebuildUnlessWhole<T>(rebuild: () => Promise<T>, onWait: () => void): Promise<T | undefined>;
  /** Says that a server uses the catalog: no migration may change it any more. */
  endTakeOver(): Promise<void>;
}

/**
 * Connects, and makes the tables or brings them up to date.
 *
 * @throws {ServerError} ERR_SERVER_CONFIG, ERR_CATALOG_UNAVAILABLE, ERR_CATALOG_NOT_DURABLE, ERR_CATALOG_VERSION.
 */
export async function openPostgresqlCatalog(
  config: PostgresqlConfig,
  deadlines?: Deadlines,
): Promise<PostgresqlCatalog> {
  const database = openDatabase(parsePostgresql(config), deadlines);
  try {
    await prepareTables(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  const catalog: Catalog = {
    ...packageMethods(database),
    ...segmentMethods(database),
    ...gapMethods(database),
    ...statusMethods(database),
    ...recordingMethods(database),
    ...summaryMethods(database),
    ...auditMethods(database),
    ...sessionMethods(database),
    ...erasureMethods(database),
    ...copyMethods(database),
    ...placeMethods(database),
    ...fetchMethods(database),
    ...noteMethods(database),
    close: () => database.close(),
  };
  const rebuildUnlessWhole = async <T>(rebuild: () => Promise<T>, onWait: () => void): Promise<T | undefined> => {
    if (await isWhole(database)) return undefined;
    const work = async (): Promise<T | undefined> => {
      if (await isWhole(database)) return undefined;
      await beginRebuild(database);
      return rebuild();
    };
    return database.exclusively(REBUILD_LOCK, work, onWait);
  };
  return { catalog, rebuildUnlessWhole, endTakeOver: () => endTakeOver(database) };
}
