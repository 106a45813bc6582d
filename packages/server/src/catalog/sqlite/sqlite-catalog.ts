/**
 * The catalog in one SQLite file. Runs in a thread of its own: every call waits for the disk. Each subject has a file
 * beside this one.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ServerError } from "../../errors.ts";
import type { CatalogMethods } from "../catalog.ts";
import { auditMethods } from "./audit.ts";
import { isMarkedDamaged, namingDamage, probeTables } from "./damage.ts";
import { erasureMethods } from "./erasures.ts";
import { fetchMethods } from "./fetches.ts";
import { copyMethods } from "./copies.ts";
import { gapMethods } from "./gaps.ts";
import { noteMethods } from "./notes.ts";
import { packageMethods } from "./packages.ts";
import { placeMethods } from "./places.ts";
import { recordingMethods } from "./recordings.ts";
import { CATALOG_FILE, CATALOG_TABLES, CATALOG_VERSION, UPGRADES } from "./schema.ts";
import { segmentMethods } from "./segments.ts";
import { sessionMethods } from "./sessions.ts";
import { sqlContext } from "./sql-context.ts";
import { statusMethods } from "./statuses.ts";
import { summaryMethods } from "./summaries.ts";

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
}

/**
 * Whether a folder has a catalog that opens.
 *
 * @throws {ServerError} ERR_CATALOG_VERSION when a newer Pericard wrote it: a rebuild would lose its audit trail.
 */
export function hasCatalog(folderPath: string): boolean {
  const path = join(folderPath, CATALOG_FILE);
  if (!existsSync(path) || isMarkedDamaged(folderPath)) return false;
  let version: number;
  try {
    const database = new DatabaseSync(path, { readOnly: true });
    version = versionOf(database);
    probeTables(database);
    database.close();
    if (version === 0) return false;
  } catch {
    return false;
  }
  if (version > CATALOG_VERSION) {
    const message = `catalog has version ${version}, this program knows ${CATALOG_VERSION}: start the newer program`;
    throw new ServerError("ERR_CATALOG_VERSION", message);
  }
  return true;
}

/** Entries of the audit trail of a stopped server's catalog. */
export function countAuditEntries(dataPath: string): number {
  const database = new DatabaseSync(join(dataPath, "catalog", CATALOG_FILE), { readOnly: true });
  const count = Number(database.prepare("SELECT COUNT(*) AS n FROM audit").get()?.["n"]);
  database.close();
  return count;
}

function openDatabase(folderPath: string): DatabaseSync {
  const path = join(folderPath, CATALOG_FILE);
  const database = new DatabaseSync(path, { timeout: 10_000 });
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;");
  if (database.prepare("PRAGMA synchronous").get()?.["synchronous"] !== 2) {
    throw new ServerError("ERR_CATALOG_DAMAGED", "catalog is not in synchronous mode full");
  }
  sqlContext(database).transact(() => {
    const version = versionOf(database);
    for (const upgrade of version === 0 ? [] : UPGRADES.slice(version - 1)) database.exec(upgrade);
    database.exec(CATALOG_TABLES);
    database.exec(`PRAGMA user_version = ${CATALOG_VERSION}`);
  });
  return database;
}

/** Opens the catalog of a folder, or makes an empty one. One of an older version is brought up to date in place. */
export function openSqliteCatalog(folderPath: string): CatalogMethods {
  const database = openDatabase(folderPath);
  const context = sqlContext(database);
  return namingDamage(folderPath, {
    ...packageMethods(context),
    ...segmentMethods(context),
    ...gapMethods(context),
    ...erasureMethods(context),
    ...copyMethods(context),
    ...noteMethods(context),
    ...placeMethods(context),
    ...statusMethods(context),
    ...fetchMethods(context),
    ...recordingMethods(context),
    ...summaryMethods(context),
    ...auditMethods(context),
    ...sessionMethods(context),
    close: () => database.close(),
  });
}
