/** What a catalog knows that is in no pack, taken over into the one that was made anew. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { CATALOG_FILE } from "./schema.ts";

/** Tables that no rebuild fills. */
const TABLES = ["audit", "sessions", "terminal_status", "boots", "notes"] as const;

/**
 * Copies the audit trail, sessions, statuses and notes of the old catalog, as far as it can be read.
 *
 * @param onLost told of each table of which nothing could be kept.
 */
export function keepUnpacked(
  oldFolder: string,
  newFolder: string,
  onLost: (table: string, error: unknown) => void,
): void {
  const path = join(oldFolder, CATALOG_FILE);
  if (!existsSync(path)) return;
  const database = new DatabaseSync(join(newFolder, CATALOG_FILE));
  try {
    database.exec("PRAGMA synchronous = FULL");
    database.prepare("ATTACH ? AS old").run(path);
    for (const table of TABLES) {
      try {
        database.exec(`INSERT OR IGNORE INTO main.${table} SELECT * FROM old.${table}`);
      } catch (error) {
        onLost(table, error);
      }
    }
  } catch (error) {
    onLost("all", error);
  } finally {
    database.close();
  }
}
