/**
 * Copies of one database made equal: what is whole and newest is the truth; what is behind, damaged or missing is made from it.
 *
 * Source: docs/format.md §12.11.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { chainOf, differingRows, digestOfRow, faultsOf, hasChecks, headOf, type Head } from "./copy-checks.ts";
import { CustodyError } from "./errors.ts";
import type { CopyDamage } from "./key-database.ts";

const BUSY_TIMEOUT_MS = 10_000;
/** Rows of a table that are named. */
const ROWS_NAMED = 5;

/** Opens one copy, durable and overwriting. @throws {CustodyError} ERR_KEYSTORE_FORMAT; what SQLite throws. */
export function openDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    database.exec(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON; PRAGMA recursive_triggers = ON;",
    );
    const level = database.prepare("PRAGMA synchronous").get()?.["synchronous"];
    if (level !== 2) throw new CustodyError("ERR_KEYSTORE_FORMAT", "key store is not in synchronous mode full");
    const overwrites = database.prepare("PRAGMA secure_delete").get()?.["secure_delete"];
    if (overwrites !== 1) throw new CustodyError("ERR_KEYSTORE_FORMAT", "key store does not overwrite what it deletes");
    database.function("row_digest", { deterministic: true, varargs: true }, digestOfRow);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Makes a new name in a folder durable. */
export function syncFolderOf(path: string): void {
  const descriptor = openSync(dirname(path), "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Brings a whole copy up to date row by row, in place: nothing of what was erased meanwhile stays in the file. */
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
export function tryPurge(database: DatabaseSync): boolean {
  return database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get()?.["busy"] === 0;
}

/** Puts a copy of `source` where there is none, or one that is damaged. Who has that one open sees it by its inode. */
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

/** How far a copy is looked at: whether it can be read at all, or every row of it. */
export type Depth = "heads" | "rows";

interface Found {
  readonly path: string;
  /** undefined for one that is missing or cannot be read. */
  readonly database: DatabaseSync | undefined;
  readonly head: Head;
  /** What is wrong with it. */
  readonly faults: readonly string[];
}

const NO_HEAD: Head = { generation: -1, chain: undefined };

function tryOpen(path: string): DatabaseSync | undefined {
  if (!existsSync(path)) return undefined;
  let database: DatabaseSync | undefined;
  try {
    database = openDatabase(path);
    const isReadable = database.prepare("PRAGMA quick_check(1)").get()?.["quick_check"] === "ok";
    if (isReadable && headOf(database).generation >= 0) return database;
  } catch {
    // A copy that cannot be read is one that is made anew.
  }
  database?.close();
  return undefined;
}

function isSameHead(a: Head, b: Head): boolean {
  return a.generation === b.generation && a.chain === b.chain;
}

/** Looks at every copy. Rows are gone through when heads differ, since then something has to be chosen. */
function look(paths: readonly string[], depth: Depth): readonly Found[] {
  const found = paths.map((path): Found => {
    const database = tryOpen(path);
    const faults = database || !existsSync(path) ? [] : ["file"];
    return { path, database, head: database ? headOf(database) : NO_HEAD, faults };
  });
  const [first] = found;
  const differ = found.some(({ database, head }) => !database || (first && !isSameHead(head, first.head)));
  if (depth === "heads" && !differ) return found;
  return found.map((one) => (one.database ? { ...one, faults: faultsOf(one.database) } : one));
}

type Readable = Found & { readonly database: DatabaseSync };

/**
 * The copy that is the truth.
 *
 * @throws {CustodyError} ERR_KEYSTORE_MISSING, ERR_KEYSTORE_DAMAGED, ERR_KEYSTORE_DIVERGED.
 */
function chooseSource(found: readonly Found[]): Readable {
  const readable = found.filter((one): one is Readable => one.database !== undefined);
  if (readable.length === 0) throw new CustodyError("ERR_KEYSTORE_MISSING", "no folder has a readable key store");
  const whole = readable.filter(({ faults }) => faults.length === 0);
  const checked = whole.filter(({ database }) => hasChecks(database));
  const [source] = (checked.length > 0 ? checked : whole).toSorted((a, b) => b.head.generation - a.head.generation);
  if (!source) {
    const places = found.map(({ path, faults }) => `${dirname(path)}: ${faults.join(", ") || "missing"}`).join("; ");
    throw new CustodyError("ERR_KEYSTORE_DAMAGED", `no copy of the key store is whole: ${places}`);
  }
  for (const other of checked) requireSameHistory(source, other);
  return source;
}

/** A copy that is behind has a past of the newest one; otherwise each was changed while the other was away. */
function requireSameHistory(source: Readable, { path, head }: Readable): void {
  const entry = chainOf(source.database, head.generation);
  if (entry === undefined || entry === head.chain) return;
  throw new CustodyError(
    "ERR_KEYSTORE_DIVERGED",
    `copies of the key store in ${dirname(source.path)} and ${dirname(path)} were each changed without the other, up to commits ` +
      `${source.head.generation} and ${head.generation}: keep both, move the one that is not to count elsewhere, and start again`,
  );
}

/**
 * Makes every copy equal to the newest whole one, under the lock.
 *
 * @returns what was damaged.
 * @throws {CustodyError} ERR_KEYSTORE_MISSING, ERR_KEYSTORE_DAMAGED when none is whole, ERR_KEYSTORE_DIVERGED.
 */
export function makeEqual(paths: readonly string[], depth: Depth): readonly CopyDamage[] {
  const lock = openFirst(paths);
  if (!lock) throw new CustodyError("ERR_KEYSTORE_MISSING", "no folder has a readable key store");
  try {
    catchUpLock(lock, paths);
    lock.exec("BEGIN IMMEDIATE");
    return restore(paths, depth);
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
function catchUpLock(lock: DatabaseSync, paths: readonly string[]): void {
  const found = look(paths, "heads");
  try {
    const source = chooseSource(found);
    const held = found.find(({ database }) => database !== undefined);
    if (held && isBehind(held, source)) catchUp(lock, source.path);
  } finally {
    for (const { database } of found) database?.close();
  }
}

/** Whether a copy is whole and of an earlier commit. */
function isBehind({ database, head, faults }: Found, source: Readable): boolean {
  if (!database || faults.length > 0 || isSameHead(head, source.head)) return false;
  return hasChecks(database) === hasChecks(source.database);
}

/** Makes every copy equal. The caller holds the lock, whose copy comes last if it is itself to be made anew. */
function restore(paths: readonly string[], depth: Depth): readonly CopyDamage[] {
  const found = look(paths, depth);
  try {
    const source = chooseSource(found);
    const wrong = found.filter(({ head, faults }) => faults.length > 0 || !isSameHead(head, source.head));
    return wrong.toReversed().flatMap((one) => {
      const places = placesOf(source, one);
      const isHealed = tryHeal(source, one);
      const folder = dirname(one.path);
      if (!isHealed && places.length === 0) return [{ folder, place: "file", isHealed }];
      return places.map((place) => ({ folder, place, isHealed }));
    });
  } finally {
    for (const { database } of found) if (database?.isOpen) database.close();
  }
}

/** Whether a copy could be made equal: a disk may be gone. */
function tryHeal(source: Readable, other: Found): boolean {
  try {
    if (other.database && isBehind(other, source)) {
      catchUp(other.database, source.path);
      return true;
    }
    other.database?.close();
    makeAnew(source.database, other.path);
    return true;
  } catch {
    return false;
  }
}

/** Tables of a damaged copy, with the keys of their rows as far as it can still be read. */
function placesOf(source: Readable, { database, head, faults }: Found): readonly string[] {
  const whole = source.database;
  // An older version has no digests either, but then it is behind: the commit that added them raised the generation.
  const isStripped = database && head.generation === source.head.generation && hasChecks(database) !== hasChecks(whole);
  return (isStripped ? ["sqlite_schema", ...faults] : faults).map((table) => {
    const rows = database ? namesOf(whole, database, table) : [];
    return rows.length > 0 ? `${table} ${rows.join(", ")}` : table;
  });
}

function namesOf(whole: DatabaseSync, damaged: DatabaseSync, table: string): readonly string[] {
  try {
    return differingRows(whole, damaged, table, ROWS_NAMED);
  } catch {
    return [];
  }
}
