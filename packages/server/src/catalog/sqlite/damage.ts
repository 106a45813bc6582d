/**
 * Damage of the catalog's file: looked for where that costs the same however large it is, and named when it is met.
 *
 * To read the whole file at every start would keep a server from answering for as long as it is large.
 */
import { openDiskFolder } from "@pericard/framelog";
import { utf8 } from "@pericard/protocol";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { ServerError } from "../../errors.ts";
import type { CatalogMethods } from "../catalog.ts";

/** A file beside the catalog's that says: do not open this again. */
const MARK_FILE = "damaged";

/** Result codes of SQLite. Source: https://sqlite.org/rescode.html. */
const [SQLITE_CORRUPT, SQLITE_NOTADB] = [11, 26];

function isDamage(error: unknown): boolean {
  const { errcode } = error as { readonly errcode?: unknown };
  return typeof errcode === "number" && [SQLITE_CORRUPT, SQLITE_NOTADB].includes(errcode & 0xff);
}

/** Whether damage was met in a folder's catalog. */
export function isMarkedDamaged(folderPath: string): boolean {
  return existsSync(join(folderPath, MARK_FILE));
}

/** Reads the beginning of every table. @throws what SQLite throws when one cannot be read. */
export function probeTables(database: DatabaseSync): void {
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
  for (const { name } of tables.all()) database.prepare(`SELECT * FROM "${String(name)}" LIMIT 1`).get();
}

/** Methods that mark the folder when they meet damage, so that the next start rebuilds, and throw ERR_CATALOG_DAMAGED. */
export function namingDamage(folderPath: string, methods: CatalogMethods): CatalogMethods {
  const wrapped = Object.entries(methods).map(([name, method]) => {
    const call = method as (...args: readonly unknown[]) => unknown;
    const named = (...args: readonly unknown[]): unknown => {
      try {
        return call(...args);
      } catch (error) {
        if (!isDamage(error)) throw error;
        openDiskFolder(folderPath).replace(MARK_FILE, utf8(`${name}: ${(error as Error).message}\n`));
        const message = `catalog is damaged (${name}: ${(error as Error).message}); the next start rebuilds it`;
        throw new ServerError("ERR_CATALOG_DAMAGED", message, { cause: error });
      }
    };
    return [name, named];
  });
  return Object.fromEntries(wrapped) as unknown as CatalogMethods;
}
