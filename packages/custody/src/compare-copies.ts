/**
 * Comparing the copies of the key store with each other, row by row: SQLite's own check finds a damaged page, and no flipped bit
 * in a value.
 *
 * Source: docs/format.md §12.
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { KEY_STORE_FILE } from "./schema.ts";

/** What two copies do not have in common. */
export interface CopyDifference {
  readonly folderPaths: readonly [string, string];
  readonly table: string;
  /** Rows of the first that the second does not have in the same words, and the other way round. */
  readonly rowCounts: readonly [number, number];
}

/** What a comparison found. */
export interface CopyComparison {
  /** Copies that are not there or whose pages are damaged: they can be made anew from the others. */
  readonly unreadable: readonly string[];
  /** Values that differ between whole copies: which of them is right cannot be told from here. */
  readonly differences: readonly CopyDifference[];
}

/** Commits of other processes may come between: then it is compared again. */
const TRIES_MAX = 5;

function isWhole(folderPath: string): boolean {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(join(folderPath, KEY_STORE_FILE), { readOnly: true, timeout: 10_000 });
    return database.prepare("PRAGMA integrity_check(1)").get()?.["integrity_check"] === "ok";
  } catch {
    return false;
  } finally {
    database?.close();
  }
}

/** The differences of one moment, or undefined when a commit came between. */
function compareOnce(a: string, b: string): readonly CopyDifference[] | undefined {
  const database = new DatabaseSync(join(a, KEY_STORE_FILE), { readOnly: true, timeout: 10_000 });
  try {
    database.prepare("ATTACH ? AS other").run(join(b, KEY_STORE_FILE));
    database.exec("BEGIN");
    const generations = ["main", "other"].map(
      (name) => database.prepare(`SELECT value FROM ${name}.meta WHERE name = 'generation'`).get()?.["value"],
    );
    if (generations[0] !== generations[1]) return undefined;
    const count = (name: string, from: string, without: string): number => {
      const rows = `SELECT * FROM ${from}."${name}" EXCEPT SELECT * FROM ${without}."${name}"`;
      return Number(database.prepare(`SELECT COUNT(*) AS n FROM (${rows})`).get()?.["n"]);
    };
    return database
      .prepare("SELECT name FROM main.sqlite_schema WHERE type = 'table' ORDER BY name")
      .all()
      .map(({ name }) => String(name))
      .map((table) => ({
        folderPaths: [a, b] as const,
        table,
        rowCounts: [count(table, "main", "other"), count(table, "other", "main")] as const,
      }))
      .filter(({ rowCounts: [first, second] }) => first + second > 0);
  } finally {
    database.close();
  }
}

/** Compares the copies in these folders. Reads every row of each: in a thread of its own. */
export function compareCopies(folderPaths: readonly string[]): CopyComparison {
  const unreadable = folderPaths.filter((path) => !isWhole(path));
  const [first, ...others] = folderPaths.filter((path) => !unreadable.includes(path));
  if (first === undefined) return { unreadable, differences: [] };
  const differences = others.flatMap((other) => {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const found = compareOnce(first, other);
      if (found) return found;
    }
    // A copy that stays behind is caught up by the next commit.
    return [];
  });
  return { unreadable, differences };
}
