/** The open copies as one: what is read is the same in every one of them, and what is changed is changed in each. */
import { statSync } from "node:fs";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { addDigests, hasChecks, keepDigests } from "./copy-checks.ts";
import { openDatabase } from "./copy-healing.ts";
import type { RowWriter, SqlValue } from "./key-database.ts";
import type { Row } from "./rows.ts";

/** Thrown when copies do not say the same, or one of them cannot be read. */
export class CopiesDiffer extends Error {
  constructor(options?: ErrorOptions) {
    super("copies of the key store do not say the same", options);
    this.name = "CopiesDiffer";
  }
}

/** One copy. Its statements are prepared once: the store has few, and runs some very often. */
export class Copy {
  readonly path: string;
  readonly database: DatabaseSync;
  readonly #inode: number;
  readonly #statements = new Map<string, StatementSync>();
  #schemaVersion: unknown;

  constructor(path: string) {
    this.path = path;
    this.database = openDatabase(path);
    try {
      this.#inode = statSync(path).ino;
      this.followSchema();
    } catch (error) {
      this.database.close();
      throw error;
    }
  }

  prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  /** Whether the copy was made anew under this connection, which is to be opened again then. */
  get isReplaced(): boolean {
    return statSync(this.path, { throwIfNoEntry: false })?.ino !== this.#inode;
  }

  /** Keeps digests of tables that another process made too. */
  followSchema(): void {
    const version = this.prepare("PRAGMA schema_version").get()?.["schema_version"];
    if (version === this.#schemaVersion) return;
    keepDigests(this.database);
    this.#schemaVersion = version;
  }

  /** Ends a transaction without its changes. */
  rollback(): void {
    try {
      this.database.exec("ROLLBACK");
      // Triggers for tables that are not there any more went with them.
      const version = this.prepare("PRAGMA schema_version").get()?.["schema_version"];
      if (version !== this.#schemaVersion) this.#schemaVersion = undefined;
    } catch {
      // The connection ended its transaction by itself; the error that led here is the one to report.
    }
  }

  define(sql: string): void {
    this.database.exec(sql);
    if (!hasChecks(this.database)) return;
    addDigests(this.database);
    this.followSchema();
  }
}

/** SQLite's codes of a disk that takes nothing now, or of somebody else's lock: nothing that is wrong with a copy. */
const PASSING = new Set([5, 8, 13]);

function isPassing(error: unknown): boolean {
  const { errcode } = error as { errcode?: unknown };
  return typeof errcode === "number" && PASSING.has(errcode & 0xff);
}

/** SQLite's codes of what a statement itself is to blame for: an error in it, a constraint. */
const OF_THE_STATEMENT = new Set([1, 19]);

/** Whether every copy refuses a statement for the same reason. */
function isAlike(errors: readonly unknown[]): boolean {
  const [code, ...others] = new Set(errors.map((error) => (error as { errcode?: unknown }).errcode));
  return others.length === 0 && typeof code === "number" && OF_THE_STATEMENT.has(code & 0xff);
}

type Outcome<T> = { readonly value: T } | { readonly error: unknown };

/** Does the same on every copy. @throws {CopiesDiffer}; what every copy throws alike; what will pass. */
export function onEach<T>(copies: readonly Copy[], work: (copy: Copy) => T, isEqual: (a: T, b: T) => boolean): T {
  const outcomes = copies.map((copy): Outcome<T> => {
    try {
      return { value: work(copy) };
    } catch (error) {
      return { error };
    }
  });
  const errors = outcomes.flatMap((one) => ("error" in one ? [one.error] : []));
  const passing = errors.find(isPassing);
  if (passing !== undefined) throw passing as Error;
  if (errors.length === copies.length && isAlike(errors)) throw errors[0] as Error;
  if (errors.length > 0) throw new CopiesDiffer({ cause: errors[0] });
  const values = outcomes.flatMap((one) => ("value" in one ? [one.value] : []));
  const [first, ...others] = values;
  if (others.some((other) => !isEqual(first as T, other))) throw new CopiesDiffer();
  return first as T;
}

function isSameValue(a: unknown, b: unknown): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  return a === b;
}

function isSameRow(a: Row, b: Row): boolean {
  const [left, right] = [Object.entries(a), Object.entries(b)];
  return left.length === right.length && left.every(([name, value]) => name in b && isSameValue(value, b[name]));
}

function isSameRows(a: readonly Row[], b: readonly Row[]): boolean {
  return a.length === b.length && a.every((row, i) => isSameRow(row, b[i] ?? {}));
}

/** What a commit works with. */
export class CopySet implements RowWriter {
  readonly #copies: readonly Copy[];

  constructor(copies: readonly Copy[]) {
    this.#copies = copies;
  }

  /** @throws {CopiesDiffer} */
  rows(sql: string, ...parameters: readonly SqlValue[]): readonly Row[] {
    return onEach(this.#copies, (copy) => copy.prepare(sql).all(...parameters), isSameRows);
  }

  /** @throws {CopiesDiffer} */
  run(sql: string, ...parameters: readonly SqlValue[]): number {
    return onEach(this.#copies, (copy) => Number(copy.prepare(sql).run(...parameters).changes), Object.is);
  }

  /** @throws {CopiesDiffer} */
  define(sql: string): void {
    onEach(this.#copies, (copy) => copy.define(sql), Object.is);
  }
}
