/** What every part of the key store works with. */
import type { RandomSource } from "@pericard/crypto";
import { CustodyError } from "./errors.ts";
import type { Kek } from "./kek.ts";
import { firstRow, type KeyDatabase, type RowReader, type RowWriter, type SqlValue } from "./key-database.ts";
import type { Row } from "./rows.ts";

/** Bytes of every key that the store draws. */
export const KEY_BYTES = 32;

export interface StoreContext {
  readonly database: KeyDatabase;
  readonly kek: Kek;
  /** How often the key-encryption key had been changed when the store was opened. */
  readonly kekGeneration: number;
  readonly random: RandomSource;
}

/** What reads: also within a commit, where nothing changes until its end. */
export type ReadContext = Omit<StoreContext, "database"> & { readonly database: RowReader };

/** Rows of a SELECT. */
export function selectRows(
  { database }: { readonly database: RowReader },
  sql: string,
  ...parameters: readonly SqlValue[]
): readonly Row[] {
  return database.rows(sql, ...parameters);
}

/** How often the key-encryption key of a database was changed. */
export function kekGenerationOf(database: RowReader): number {
  return Number(firstRow(database, "SELECT value FROM meta WHERE name = 'kek_generation'")?.["value"] ?? 0);
}

/**
 * Writes to every copy, as {@link KeyDatabase.commit} does.
 *
 * @throws {CustodyError} ERR_KEK_CHANGED when another process changed the key-encryption key since the store was
 * opened: what is sealed under the old one would be lost.
 */
export function commit<T>({ database, kekGeneration }: StoreContext, work: (writer: RowWriter) => T): T {
  return database.commit((writer) => {
    if (kekGenerationOf(writer) !== kekGeneration) {
      throw new CustodyError("ERR_KEK_CHANGED", "key-encryption key was changed: open the key store anew");
    }
    return work(writer);
  });
}
