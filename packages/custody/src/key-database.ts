/**
 * The database under the key store, as the key store needs it: a port. The key store's logic is written once over it.
 *
 * SQL is what SQLite and PostgreSQL both know. `?` stands for each parameter in turn. Tables are declared with SQLite's
 * types (schema.ts), which an adapter translates: TEXT, INTEGER (safe integers) and BLOB.
 *
 * Source: docs/format.md §12.
 */
import type { Row } from "./rows.ts";

/** A value of a column. Integers are safe ones. */
export type SqlValue = string | number | null | Uint8Array;

/** What reads. */
export interface RowReader {
  /** Rows of a SELECT. Bytes belong to the caller. */
  rows(sql: string, ...parameters: readonly SqlValue[]): readonly Row[];
}

/** What reads and writes within one transaction. */
export interface RowWriter extends RowReader {
  /** Runs one statement that changes rows. @returns how many it changed. */
  run(sql: string, ...parameters: readonly SqlValue[]): number;
  /** Runs statements that make tables. */
  define(sql: string): void;
}

/** Damage of one copy of a database. It says where, never what is there. */
export interface CopyDamage {
  readonly folder: string;
  /** `file`, `pages` between rows, or a table with the keys of rows as far as they are known. */
  readonly place: string;
  /** Whether the copy was made anew from a whole one. */
  readonly isHealed: boolean;
}

/** How far a check of the copies has come. */
export interface CheckPosition {
  readonly table: string;
  /** Key of the last row that was looked at. */
  readonly after: readonly SqlValue[];
}

/** An open database. Reads see what was committed last, by whichever process. */
export interface KeyDatabase extends RowReader {
  /**
   * Runs `work` in one transaction that no other writer's overlaps, and commits it. `work` may be run again, and must
   * do the same each time: what is random or timed is drawn before.
   * Returns when the change is durable in every copy. When it throws, nothing may depend on the change.
   *
   * @throws {CustodyError} what `work` throws; ERR_KEYSTORE_COPY when it could not be written; ERR_KEYSTORE_UNAVAILABLE when the
   * database does not answer: then the change may be kept or not, and is to be made again in a way that does no harm.
   */
  commit<T>(work: (writer: RowWriter) => T): T;
  /** A number that changes whenever anybody else commits. */
  readonly dataVersion: number;
  /** How many copies every commit reaches, as far as this side knows. */
  readonly copyCount: number;
  /**
   * Makes what was deleted or overwritten before unreadable in every copy, as far as the engine can: docs/keys.md says how far.
   *
   * @throws {CustodyError} ERR_KEYSTORE_COPY when it could not: what was deleted stays deleted, and this is to be tried again.
   */
  purge(): void;
  /**
   * Compares the next rows in every copy, at most 500, and heals what differs.
   *
   * @param from what the call before gave, undefined to begin.
   * @returns undefined at the end, and always where copies are the engine's.
   */
  check(from: CheckPosition | undefined): CheckPosition | undefined;
  /** Damages that were found, by whichever process, and not taken yet. */
  takeDamages(): readonly CopyDamage[];
  close(): void;
}

/** The first row of a SELECT, or undefined. */
export function firstRow(reader: RowReader, sql: string, ...parameters: readonly SqlValue[]): Row | undefined {
  return reader.rows(sql, ...parameters)[0];
}
