/**
 * One small database as several copies, each on a file system of its own, written together and read together.
 *
 * A writer locks copy 0 first and commits it last, so that whoever holds copy 0 sees no half-written set. Each commit
 * raises the generation in every copy; after a crash the copy with the highest generation is the truth, and the others
 * are made anew from it. Several processes may use the same copies.
 *
 * A read is done on every copy: one that says something else, or cannot be read, is healed before anything is answered.
 *
 * Source: docs/format.md §12, §12.11.
 */
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { CHECK_TABLES, closeCommit, hasChecks, headOf } from "./copy-checks.ts";
import { makeEqual, openDatabase, syncFolderOf, tryPurge, type Depth } from "./copy-healing.ts";
import { CopiesDiffer, Copy, CopySet, onEach } from "./copy-set.ts";
import { nextRows } from "./copy-walk.ts";
import { CustodyError } from "./errors.ts";
import type { CheckPosition, CopyDamage, KeyDatabase, RowWriter, SqlValue } from "./key-database.ts";
import { integerColumn, textColumn, type Row } from "./rows.ts";

/** More than any number of changes that a connection sees. */
const VERSIONS_OF_A_CONNECTION = 2 ** 24;

/** Damages that are taken at once. */
const DAMAGES_MAX = 100;

/** Opens all or none. */
function openCopies(paths: readonly string[]): readonly Copy[] {
  const copies: Copy[] = [];
  try {
    for (const path of paths) copies.push(new Copy(path));
    return copies;
  } catch (error) {
    for (const { database } of copies) database.close();
    throw error;
  }
}

/** The open copies. */
export class SqliteCopies implements KeyDatabase {
  readonly #paths: readonly string[];
  #copies: readonly Copy[];
  /** Copies that reads believe: all but those that were damaged and could not be healed. */
  #readers: readonly Copy[];
  #openings = 0;
  /** Damages that are not written down yet. */
  #untold: readonly CopyDamage[];

  private constructor(paths: readonly string[], damages: readonly CopyDamage[]) {
    this.#paths = paths;
    this.#copies = openCopies(paths);
    this.#readers = this.#copies;
    this.#untold = damages;
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
    for (const path of paths) {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      const database = openDatabase(path);
      database.exec(`${schema}; INSERT INTO meta (name, value) VALUES ('generation', '0')`);
      database.close();
      syncFolderOf(path);
    }
    return new SqliteCopies(paths, []).#withChecks();
  }

  /**
   * Opens the copies; one that is missing, damaged or behind is made anew from the newest.
   *
   * @throws {CustodyError} ERR_KEYSTORE_MISSING when no folder has a readable one, ERR_KEYSTORE_DAMAGED when none is whole,
   * ERR_KEYSTORE_DIVERGED when copies were changed apart from each other, ERR_KEYSTORE_COPY when one could not be made.
   */
  static open(folderPaths: readonly string[], fileName: string): SqliteCopies {
    const paths = folderPaths.map((folder) => join(folder, fileName));
    try {
      return SqliteCopies.#openEqual(paths, "heads");
    } catch (error) {
      if (error instanceof CustodyError) throw error;
      // What heads do not show, in a schema for instance: every row of every copy is looked at.
      return SqliteCopies.#openEqual(paths, "rows");
    }
  }

  static #openEqual(paths: readonly string[], depth: Depth): SqliteCopies {
    const damages = makeEqual(paths, depth);
    requireHealed(damages);
    return new SqliteCopies(paths, damages).#withChecks();
  }

  /** Gives copies of before there were checks their digests; from then on they are read and written with them. */
  #withChecks(): this {
    try {
      if (!this.#isChecked) this.#addChecks();
      for (const copy of this.#copies) copy.followSchema();
      this.#writeDown();
      return this;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #addChecks(): void {
    try {
      this.commit((writer) => {
        // Another process may have been faster.
        if (!this.#isChecked) writer.define(CHECK_TABLES);
      });
    } catch (cause) {
      if (!(cause instanceof CustodyError && cause.cause instanceof CopiesDiffer)) throw cause;
      const folders = this.#paths.map(dirname).join(", ");
      throw new CustodyError(
        "ERR_KEYSTORE_DIVERGED",
        `copies of the key store that an older version wrote differ, and nothing in them tells which is right (${folders}): ` +
          "keep all, move those that are not to count elsewhere, and start again",
        { cause },
      );
    }
  }

  /** Keeps what was damaged until somebody takes it, whatever becomes of this process. */
  #writeDown(): void {
    const damages = this.#untold;
    if (damages.length === 0) return;
    this.#untold = [];
    try {
      this.commit((writer) => {
        for (const { folder, place, isHealed } of damages) {
          const sql = "INSERT INTO copy_damages (folder, place, healed) VALUES (?, ?, ?)";
          writer.run(sql, folder, place, isHealed ? 1 : 0);
        }
      });
    } catch {
      // A copy that cannot be healed takes no commit: this process tells it.
      this.#untold = [...damages, ...this.#untold];
    }
  }

  get #isChecked(): boolean {
    return this.#copies.every(({ database }) => hasChecks(database));
  }

  /** How many copies every commit reaches. */
  get copyCount(): number {
    return this.#copies.length;
  }

  /** Rows that every copy gives. @throws {CustodyError} ERR_KEYSTORE_DAMAGED, ERR_KEYSTORE_DIVERGED. */
  rows(sql: string, ...parameters: readonly SqlValue[]): readonly Row[] {
    const read = (): readonly Row[] => new CopySet(this.#readers).rows(sql, ...parameters);
    const found = unlessDifferent(read) ?? unlessDifferent(() => this.#whileNobodyWrites(read));
    if (found) return found;
    this.#heal();
    this.#writeDown();
    // Copies of which each is whole may still give rows in another order, where none was asked for.
    return unlessDifferent(read) ?? this.#first.prepare(sql).all(...parameters);
  }

  get #first(): Copy {
    const [first] = this.#readers;
    if (!first) throw new CustodyError("ERR_KEYSTORE_MISSING", "key store has no folder");
    return first;
  }

  /** A commit of another process reaches one copy after the other: that is no damage. */
  #whileNobodyWrites<T>(work: () => T): T {
    try {
      if (this.#readers.some(({ isReplaced }) => isReplaced)) this.#reopen();
      this.#first.database.exec("BEGIN IMMEDIATE");
    } catch (cause) {
      throw new CopiesDiffer({ cause });
    }
    try {
      return work();
    } finally {
      this.#first.rollback();
    }
  }

  /** Goes through every row of every copy, and makes anew what is damaged. */
  #heal(): void {
    const damages = makeEqual(this.#paths, "rows");
    this.#untold = [...this.#untold, ...damages];
    this.#reopen(new Set(damages.filter(({ isHealed }) => !isHealed).map(({ folder }) => folder)));
  }

  #reopen(unhealed: ReadonlySet<string> = new Set()): void {
    for (const { path, database } of this.#copies)
      if (!unhealed.has(dirname(path)) && database.isOpen) database.close();
    this.#copies = this.#copies.map((copy) => (unhealed.has(dirname(copy.path)) ? copy : new Copy(copy.path)));
    this.#readers = this.#copies.filter(({ path }) => !unhealed.has(dirname(path)));
    this.#openings += 1;
  }

  /** A number that changes whenever another connection commits. Source: SQLite PRAGMA data_version. */
  get dataVersion(): number {
    const version = this.#first.prepare("PRAGMA data_version").get()?.["data_version"];
    return this.#openings * VERSIONS_OF_A_CONNECTION + Number(version);
  }

  /**
   * Runs `work` once, on every copy together, and commits all. Returns when every copy is durable.
   *
   * @throws {CustodyError} ERR_KEYSTORE_COPY when a copy fails; nothing may depend on the change then.
   */
  commit<T>(work: (database: RowWriter) => T): T {
    try {
      return this.#tryCommit(work);
    } catch (error) {
      if (!(error instanceof CopiesDiffer)) throw error;
    }
    this.#makeEqual();
    try {
      return this.#tryCommit(work);
    } catch (cause) {
      if (!(cause instanceof CopiesDiffer)) throw cause;
      throw new CustodyError("ERR_KEYSTORE_COPY", "key store could not be written in every copy", { cause });
    }
  }

  /** A commit that failed half-way, on a full disk for instance, left copies that differ; or one of them is damaged. */
  #makeEqual(): void {
    try {
      this.#heal();
    } catch (cause) {
      if (cause instanceof CustodyError) throw cause;
      throw new CustodyError("ERR_KEYSTORE_COPY", "copies of the key store could not be made equal", { cause });
    }
    if (this.#readers.length < this.#copies.length) {
      throw new CustodyError("ERR_KEYSTORE_COPY", "a copy of the key store is damaged and could not be made anew");
    }
  }

  #tryCommit<T>(work: (database: RowWriter) => T): T {
    const begun: Copy[] = [];
    const all = new CopySet(this.#copies);
    try {
      for (const copy of this.#copies) {
        onEach([copy], ({ database }) => database.exec("BEGIN IMMEDIATE"), Object.is);
        begun.push(copy);
      }
      this.#requireEqual();
      const result = work(all);
      if (this.#isChecked) closeCommit(all);
      else all.run("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE name = 'generation'");
      while (begun.length > 0) {
        begun.at(-1)?.database.exec("COMMIT");
        begun.pop();
      }
      return result;
    } catch (cause) {
      for (const copy of begun) copy.rollback();
      if (cause instanceof CustodyError || cause instanceof CopiesDiffer) throw cause;
      throw new CustodyError("ERR_KEYSTORE_COPY", "key store could not be written in every copy", { cause });
    }
  }

  /** @throws {CopiesDiffer} when copies are not of one state, or one was made anew by another process. */
  #requireEqual(): void {
    if (this.#copies.some(({ isReplaced }) => isReplaced)) throw new CopiesDiffer();
    for (const copy of this.#copies) copy.followSchema();
    onEach(
      this.#copies,
      ({ database }) => headOf(database),
      (a, b) => a.generation === b.generation && a.chain === b.chain,
    );
  }

  /** See {@link KeyDatabase.check}. */
  check(from: CheckPosition | undefined): CheckPosition | undefined {
    return nextRows(this, from);
  }

  /** See {@link KeyDatabase.takeDamages}. */
  takeDamages(): readonly CopyDamage[] {
    this.#writeDown();
    const untold = this.#untold;
    this.#untold = [];
    const sql = "SELECT id, folder, place, healed FROM copy_damages ORDER BY id LIMIT ?";
    const rows = this.rows(sql, DAMAGES_MAX);
    const last = rows.at(-1);
    if (last) this.commit((writer) => writer.run("DELETE FROM copy_damages WHERE id <= ?", integerColumn(last, "id")));
    return [...rows.map(readDamage), ...untold];
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
    for (const { database } of this.#copies) if (database.isOpen) database.close();
  }
}

function readDamage(row: Row): CopyDamage {
  return {
    folder: textColumn(row, "folder"),
    place: textColumn(row, "place"),
    isHealed: integerColumn(row, "healed") === 1,
  };
}

function requireHealed(damages: readonly CopyDamage[]): void {
  const left = damages.find(({ isHealed }) => !isHealed);
  if (left) throw new CustodyError("ERR_KEYSTORE_COPY", `no copy of the key store can be made in ${left.folder}`);
}

/** undefined when copies differ. */
function unlessDifferent<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof CopiesDiffer) return undefined;
    throw error;
  }
}
