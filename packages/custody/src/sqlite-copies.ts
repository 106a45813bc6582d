/**
 * One small database as several copies, each on a file system of its own, written together.
 *
 * A writer locks copy 0 first and commits it last, so that whoever holds copy 0 sees no half-written set. Each commit
 * raises the generation in every copy; after a crash the copy with the highest generation is the truth, and the others
 * are made anew from it. Several processes may use the same copies.
 *
 * Source: docs/format.md §12.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { CustodyError } from "./errors.ts";
import type { KeyDatabase, RowWriter, SqlValue } from "./key-database.ts";
import type { Row } from "./rows.ts";

const BUSY_TIMEOUT_MS = 10_000;

/** One copy as the key store sees it. Its statements are prepared once: the store has few, and runs some very often. */
class Copy implements RowWriter {
  readonly database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.database = database;
  }

  rows(sql: string, ...parameters: readonly SqlValue[]): readonly Row[] {
    return this.#prepare(sql).all(...parameters);
  }

  run(sql: string, ...parameters: readonly SqlValue[]): number {
    return Number(this.#prepare(sql).run(...parameters).changes);
  }

  define(sql: string): void {
    this.database.exec(sql);
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

function openDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    database.exec(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON;",
    );
    const level = database.prepare("PRAGMA synchronous").get()?.["synchronous"];
    if (level !== 2) throw new CustodyError("ERR_KEYSTORE_FORMAT", "key store is not in synchronous mode full");
    const overwrites = database.prepare("PRAGMA secure_delete").get()?.["secure_delete"];
    if (overwrites !== 1) throw new CustodyError("ERR_KEYSTORE_FORMAT", "key store does not overwrite what it deletes");
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function generationOf(database: DatabaseSync): number {
  return Number(database.prepare("SELECT value FROM meta WHERE name = 'generation'").get()?.["value"] ?? -1);
}

function syncFolderOf(path: string): void {
  const descriptor = openSync(dirname(path), "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Brings a readable copy up to date row by row, in place, since another process may have it open. */
function catchUp(behind: DatabaseSync, sourcePath: string): void {
  behind.exec("PRAGMA foreign_keys = OFF");
  behind.prepare("ATTACH ? AS newest").run(sourcePath);
  // A copy that is behind may be of an older version, which had fewer tables.
  const missing = behind
    .prepare(
      "SELECT sql FROM newest.sqlite_schema WHERE sql IS NOT NULL AND name NOT IN (SELECT name FROM main.sqlite_schema)",
    )
    .all();
  const tables = behind.prepare("SELECT name FROM newest.sqlite_schema WHERE type = 'table'").all();
  // Not IMMEDIATE, which would lock the attached copy too: the caller may hold that. The first statement locks this one.
  behind.exec("BEGIN");
  for (const { sql } of missing) behind.exec(String(sql));
  for (const { name } of tables) {
    behind.exec(
      `DELETE FROM main."${String(name)}"; INSERT INTO main."${String(name)}" SELECT * FROM newest."${String(name)}"`,
    );
  }
  behind.exec("COMMIT; DETACH newest");
  // What was erased in the others must not be readable in the log of this one. Somebody who reads is no reason to fail:
  // the copy is right, and the next purge does it.
  tryPurge(behind);
}

/** Whether nothing of before is left in the log: deleted rows are zero in the file then. Source: SQLite wal_checkpoint. */
function tryPurge(database: DatabaseSync): boolean {
  return database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get()?.["busy"] === 0;
}

/** Puts a copy of `source` where there is none, or one that cannot be read. */
function makeAnew(source: DatabaseSync, path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.restoring`;
  rmSync(temporary, { force: true });
  source.prepare("VACUUM INTO ?").run(temporary);
  const descriptor = openSync(temporary, "r+");
  fsyncSync(descriptor);
  closeSync(descriptor);
  for (const suffix of ["", "-wal", "-shm"]) rmSync(`${path}${suffix}`, { force: true });
  renameSync(temporary, path);
  syncFolderOf(path);
}

/** What a commit finds when copies differ. */
const DIFFERENT = Symbol("different");

/** The open copies. */
export class SqliteCopies implements KeyDatabase {
  readonly #paths: readonly string[];
  readonly #copies: readonly Copy[];

  private constructor(paths: readonly string[], databases: readonly DatabaseSync[]) {
    this.#paths = paths;
    this.#copies = databases.map((database) => new Copy(database));
  }

  /**
   * Creates the database in every folder with the given schema.
   *
   * @throws {CustodyError} ERR_KEYSTORE_EXISTS when a folder has it.
   */
  static create(folderPaths: readonly string[], fileName: string, schema: string): SqliteCopies {
    const paths = folderPaths.map((folder) => join(folder, fileName));
    if (paths.some((path) => existsSync(path))) {
      throw new CustodyError("ERR_KEYSTORE_EXISTS", "folder has a key store");
    }
    const databases = paths.map((path) => {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      const database = openDatabase(path);
      database.exec(`${schema}; INSERT INTO meta (name, value) VALUES ('generation', '0')`);
      syncFolderOf(path);
      return database;
    });
    return new SqliteCopies(paths, databases);
  }

  /**
   * Opens the copies; one that is missing, damaged or behind is made anew from the newest.
   *
   * @throws {CustodyError} ERR_KEYSTORE_MISSING when no folder has a readable one.
   */
  static open(folderPaths: readonly string[], fileName: string): SqliteCopies {
    const paths = folderPaths.map((folder) => join(folder, fileName));
    makeEqual(paths);
    return new SqliteCopies(paths, paths.map(openDatabase));
  }

  /** How many copies every commit reaches. */
  get copyCount(): number {
    return this.#copies.length;
  }

  /** Rows of the first copy. */
  rows(sql: string, ...parameters: readonly SqlValue[]): readonly Row[] {
    return this.#first.rows(sql, ...parameters);
  }

  get #first(): Copy {
    const [first] = this.#copies;
    if (!first) throw new CustodyError("ERR_KEYSTORE_MISSING", "key store has no folder");
    return first;
  }

  /** A number that changes whenever another connection commits. Source: SQLite PRAGMA data_version. */
  get dataVersion(): number {
    return Number(this.rows("PRAGMA data_version")[0]?.["data_version"]);
  }

  /**
   * Runs `work` on every copy and commits all. `work` must do the same on each: what is random or timed is drawn before.
   * Returns when every copy is durable.
   *
   * @throws {CustodyError} ERR_KEYSTORE_COPY when a copy fails; nothing may depend on the change then.
   */
  commit<T>(work: (database: RowWriter) => T): T {
    const result = this.#tryCommit(work);
    if (result !== DIFFERENT) return result;
    this.#makeEqual();
    const again = this.#tryCommit(work);
    if (again !== DIFFERENT) return again;
    throw new CustodyError("ERR_KEYSTORE_COPY", "copies of the key store differ and could not be made equal");
  }

  /** A commit that failed half-way, on a full disk for instance, left copies that differ. */
  #makeEqual(): void {
    try {
      makeEqual(this.#paths);
    } catch (cause) {
      throw new CustodyError("ERR_KEYSTORE_COPY", "copies of the key store could not be made equal", { cause });
    }
  }

  #tryCommit<T>(work: (database: RowWriter) => T): T | typeof DIFFERENT {
    const begun: DatabaseSync[] = [];
    try {
      for (const { database } of this.#copies) {
        database.exec("BEGIN IMMEDIATE");
        begun.push(database);
      }
      if (new Set(begun.map(generationOf)).size > 1) {
        for (const database of begun) rollback(database);
        return DIFFERENT;
      }
      const results = this.#copies.map((copy) => {
        const result = work(copy);
        copy.database.exec("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE name = 'generation'");
        return result;
      });
      while (begun.length > 0) {
        begun.at(-1)?.exec("COMMIT");
        begun.pop();
      }
      return results[0] as T;
    } catch (cause) {
      for (const database of begun) rollback(database);
      if (cause instanceof CustodyError) throw cause;
      throw new CustodyError("ERR_KEYSTORE_COPY", "key store could not be written in every copy", { cause });
    }
  }

  /** See {@link KeyDatabase.purge}. Deleted rows are overwritten in the pages (secure_delete), and the log is emptied. */
  purge(): void {
    const results = this.#copies.map(({ database }) => tryPurge(database));
    if (results.every(Boolean)) return;
    throw new CustodyError(
      "ERR_KEYSTORE_COPY",
      "somebody reads the key store: what was overwritten is still in its log",
    );
  }

  /** Closes every copy. */
  close(): void {
    for (const { database } of this.#copies) database.close();
  }
}

function rollback(database: DatabaseSync): void {
  try {
    database.exec("ROLLBACK");
  } catch {
    // The connection ended its transaction by itself; the error that led here is the one to report.
  }
}

function tryOpen(path: string): DatabaseSync | undefined {
  if (!existsSync(path)) return undefined;
  let database: DatabaseSync | undefined;
  try {
    database = openDatabase(path);
    if (database.prepare("PRAGMA quick_check").get()?.["quick_check"] === "ok" && generationOf(database) >= 0) {
      return database;
    }
  } catch {
    // A copy that cannot be read is one that is made anew.
  }
  database?.close();
  return undefined;
}

/** Makes every copy equal to the newest, under the lock. @throws {CustodyError} ERR_KEYSTORE_MISSING. */
function makeEqual(paths: readonly string[]): void {
  const lock = openFirst(paths);
  if (!lock) throw new CustodyError("ERR_KEYSTORE_MISSING", "no folder has a readable key store");
  try {
    catchUpWithNewest(lock, paths);
    lock.exec("BEGIN IMMEDIATE");
    restoreBehind(paths);
  } finally {
    lock.close();
  }
}

/** The first copy that can be read: writers lock it before the others, so it is the lock of all. */
function openFirst(paths: readonly string[]): DatabaseSync | undefined {
  for (const path of paths) {
    const database = tryOpen(path);
    if (database) return database;
  }
  return undefined;
}

/** Brings the copy that is the lock up to date, which nobody can do while it is locked. A crash leaves it behind first. */
function catchUpWithNewest(lock: DatabaseSync, paths: readonly string[]): void {
  for (const path of paths) {
    const other = tryOpen(path);
    const isNewer = other !== undefined && generationOf(other) > generationOf(lock);
    other?.close();
    if (isNewer) catchUp(lock, path);
  }
}

/** Makes every copy equal to the newest. The caller holds the lock. */
function restoreBehind(paths: readonly string[]): void {
  const found = paths.map((path) => ({ path, database: tryOpen(path) }));
  const generations = found.map(({ database }) => (database ? generationOf(database) : -1));
  const newest = Math.max(...generations);
  const source = found[generations.indexOf(newest)];
  for (const [i, { path, database }] of found.entries()) {
    if (!source?.database || generations[i] === newest) continue;
    if (database) catchUp(database, source.path);
    else makeAnew(source.database, path);
  }
  for (const { database } of found) database?.close();
}
