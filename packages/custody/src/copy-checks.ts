/**
 * How a copy knows that it is whole: a digest of every table, and a chain of its last commits.
 *
 * The digest of a table is the sum of the CRC-32 of its rows: it follows each changed row at once, and does not depend on
 * their order. Triggers of the connection keep it. Each commit writes down what the digests were: two copies that were
 * changed apart from each other have different entries for one generation.
 *
 * Source: docs/format.md §12.11.
 */
import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import { crc32 } from "node:zlib";
import type { RowWriter } from "./key-database.ts";

/** Commits that a copy remembers. One that was away for longer is taken for one that is behind. */
const COMMITS_KEPT = 10_000;
/** Digests have 48 bits, so that they stay safe integers. */
const MASK = 2 ** 48 - 1;

/** What the checks need in each copy. */
export const CHECK_TABLES = `
CREATE TABLE copy_digests (name TEXT PRIMARY KEY, row_count INTEGER NOT NULL, digest INTEGER NOT NULL) STRICT;
CREATE TABLE copy_commits (generation INTEGER PRIMARY KEY, chain INTEGER NOT NULL) STRICT;
CREATE TABLE copy_damages (id INTEGER PRIMARY KEY, folder TEXT NOT NULL, place TEXT NOT NULL, healed INTEGER NOT NULL) STRICT;
`;

/** The state of a copy: equal in two copies when everything in them is. */
export interface Head {
  readonly generation: number;
  /** undefined in a copy of before there were checks. */
  readonly chain: number | undefined;
}

/** CRC-32 of the values of one row, each with its type and length. */
export function digestOfRow(...values: readonly SQLOutputValue[]): number {
  return values.reduce((crc: number, value) => {
    if (value instanceof Uint8Array) return crc32(value, crc32(`bytes ${value.length};`, crc));
    const text = String(value);
    return crc32(`${typeof value} ${text.length};${text}`, crc);
  }, 0);
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Every table but that of the digests themselves. */
export function checkedTables(database: DatabaseSync): readonly string[] {
  return database
    .prepare("SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name <> 'copy_digests' ORDER BY name")
    .all()
    .map(({ name }) => String(name));
}

interface Column {
  readonly name: string;
  readonly isKey: boolean;
}

function columnsOf(database: DatabaseSync, table: string): readonly Column[] {
  const columns = database.prepare("SELECT name, pk FROM pragma_table_info(?, 'main')").all(table);
  return columns.map(({ name, pk }) => ({ name: String(name), isKey: Number(pk) > 0 }));
}

/** SQL of the digest of one row; `prefix` is NEW., OLD. or nothing. */
function rowDigest(columns: readonly Column[], prefix = ""): string {
  return `row_digest(${columns.map(({ name }) => `${prefix}${quoted(name)}`).join(", ")})`;
}

/** Whether a copy has checks at all: one that an older version wrote has none. */
export function hasChecks(database: DatabaseSync): boolean {
  const sql = "SELECT COUNT(*) AS n FROM main.sqlite_schema WHERE name IN ('copy_digests', 'copy_commits')";
  return database.prepare(sql).get()?.["n"] === 2;
}

/** Makes a connection keep the digests. To be done again when tables were added, by whomever. */
export function keepDigests(database: DatabaseSync): void {
  if (!hasChecks(database)) return;
  for (const table of checkedTables(database)) {
    const columns = columnsOf(database, table);
    const [after, before] = [rowDigest(columns, "NEW."), rowDigest(columns, "OLD.")];
    const changes = [
      ["INSERT", 1, `+ ${after}`],
      ["UPDATE", 0, `+ ${after} - ${before}`],
      ["DELETE", -1, `- ${before}`],
    ] as const;
    for (const [event, count, change] of changes) {
      database.exec(`CREATE TEMP TRIGGER IF NOT EXISTS ${quoted(`digest ${event} ${table}`)} AFTER ${event} ON main.${quoted(table)}
        BEGIN UPDATE copy_digests SET row_count = row_count + (${count}), digest = (digest ${change}) & ${MASK} WHERE name = '${table}'; END`);
    }
  }
}

interface Digest {
  readonly count: number;
  readonly digest: number;
}

function digestOfTable(database: DatabaseSync, table: string): Digest {
  const digest = rowDigest(columnsOf(database, table));
  const sql = `SELECT COUNT(*) AS n, COALESCE(SUM(${digest}), 0) & ${MASK} AS d FROM main.${quoted(table)} NOT INDEXED`;
  const row = database.prepare(sql).get();
  return { count: Number(row?.["n"]), digest: Number(row?.["d"]) };
}

/** Of the definitions of tables and indexes. */
function digestOfSchema(database: DatabaseSync): Digest {
  const rows = database.prepare("SELECT type, name, tbl_name, sql FROM main.sqlite_schema").all();
  const sum = rows.reduce((total, row) => total + digestOfRow(...Object.values(row)), 0);
  return { count: rows.length, digest: sum };
}

const SCHEMA = "sqlite_schema";

/** Writes down the digests of tables that have none yet, and that of the definitions. */
export function addDigests(database: DatabaseSync): void {
  const known = new Set(
    database
      .prepare("SELECT name FROM copy_digests")
      .all()
      .map(({ name }) => name),
  );
  const write = database.prepare("INSERT OR REPLACE INTO copy_digests VALUES (?, ?, ?)");
  for (const table of checkedTables(database)) {
    if (known.has(table)) continue;
    const { count, digest } = digestOfTable(database, table);
    write.run(table, count, digest);
  }
  const { count, digest } = digestOfSchema(database);
  write.run(SCHEMA, count, digest);
}

/** Ends a commit: raises the generation, and writes down what the digests are. The same in every copy. */
export function closeCommit(writer: RowWriter): void {
  writer.run("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE name = 'generation'");
  const [row] = writer.rows("SELECT CAST(value AS INTEGER) AS generation FROM meta WHERE name = 'generation'");
  const generation = Number(row?.["generation"]);
  const digests = writer.rows("SELECT name, row_count, digest FROM copy_digests ORDER BY name");
  const chain = crc32(JSON.stringify(digests.map((one) => Object.values(one))));
  writer.run("INSERT INTO copy_commits VALUES (?, ?)", generation, chain);
  writer.run("DELETE FROM copy_commits WHERE generation <= ?", generation - COMMITS_KEPT);
}

/** The chain's entry of one generation; undefined when the copy does not remember it. */
export function chainOf(database: DatabaseSync, generation: number): number | undefined {
  const row = database.prepare("SELECT chain FROM copy_commits WHERE generation = ?").get(generation);
  return row && Number(row["chain"]);
}

/** Generation of a copy, -1 when it has none. */
export function headOf(database: DatabaseSync): Head {
  const row = database.prepare("SELECT value FROM meta WHERE name = 'generation'").get();
  const generation = Number(row?.["value"] ?? -1);
  return { generation, chain: hasChecks(database) ? chainOf(database, generation) : undefined };
}

/**
 * Goes through a whole copy.
 *
 * @returns names of tables that are not what their digests say, `pages` for what is wrong between them; none of a whole copy.
 */
export function faultsOf(database: DatabaseSync): readonly string[] {
  const pages = isSound(database) ? [] : ["pages"];
  try {
    return hasChecks(database) ? [...pages, ...wrongTables(database)] : pages;
  } catch {
    // The definitions themselves, or the digests, cannot be read.
    return [...pages, SCHEMA];
  }
}

function wrongTables(database: DatabaseSync): readonly string[] {
  const wanted = database.prepare("SELECT row_count AS n, digest AS d FROM copy_digests WHERE name = ?");
  const isWrong = (name: string, compute: () => Digest): boolean => {
    try {
      const [found, kept] = [compute(), wanted.get(name)];
      return found.count !== kept?.["n"] || found.digest !== kept["d"];
    } catch {
      return true;
    }
  };
  const tables = checkedTables(database).filter((table) => isWrong(table, () => digestOfTable(database, table)));
  return isWrong(SCHEMA, () => digestOfSchema(database)) ? [SCHEMA, ...tables] : tables;
}

/** Whether pages, indexes and types of values are what SQLite expects. */
function isSound(database: DatabaseSync): boolean {
  try {
    return database.prepare("PRAGMA integrity_check(1)").get()?.["integrity_check"] === "ok";
  } catch {
    return false;
  }
}

/** Rows of a whole copy that another one has not, or has otherwise: by their keys, at most `limit`. */
export function differingRows(
  whole: DatabaseSync,
  damaged: DatabaseSync,
  table: string,
  limit: number,
): readonly string[] {
  const keys = columnsOf(whole, table).filter(({ isKey }) => isKey);
  if (keys.length === 0) return [];
  const where = keys.map(({ name }) => `${quoted(name)} IS ?`).join(" AND ");
  const find = damaged.prepare(`SELECT * FROM main.${quoted(table)} WHERE ${where}`);
  const names: string[] = [];
  for (const row of whole.prepare(`SELECT * FROM main.${quoted(table)}`).iterate()) {
    const key = keys.map(({ name }) => row[name] ?? null);
    if (isSame(find, key, row)) continue;
    names.push(key.map((value) => (value instanceof Uint8Array ? "(bytes)" : String(value))).join(" "));
    if (names.length === limit) break;
  }
  return names;
}

function isSame(
  find: ReturnType<DatabaseSync["prepare"]>,
  key: readonly SQLOutputValue[],
  row: Record<string, SQLOutputValue>,
): boolean {
  try {
    return digestOfRow(...Object.values(find.get(...key) ?? {})) === digestOfRow(...Object.values(row));
  } catch {
    return false;
  }
}
