/** What every part of the key store works with. */
import type { RandomSource } from "@pericard/crypto";
import { CustodyError } from "./errors.ts";
import type { Kek } from "./kek.ts";
import type { Row } from "./rows.ts";
import type { SqliteCopies, Writable } from "./sqlite-copies.ts";

/** Bytes of every key that the store draws. */
export const KEY_BYTES = 32;

export interface StoreContext {
  readonly copies: SqliteCopies;
  readonly kek: Kek;
  /** How often the key-encryption key had been changed when the store was opened. */
  readonly kekGeneration: number;
  readonly random: RandomSource;
}

/** Rows of the copy that is read from. */
export function selectRows(
  { copies }: Pick<StoreContext, "copies">,
  sql: string,
  ...parameters: readonly (string | number | null)[]
): readonly Row[] {
  return copies.reader.prepare(sql).all(...parameters);
}

/** How often the key-encryption key of a database was changed. */
export function kekGenerationOf(database: Writable): number {
  return Number(database.prepare("SELECT value FROM meta WHERE name = 'kek_generation'").get()?.["value"] ?? 0);
}

/**
 * Writes to every copy, as {@link SqliteCopies.commit} does.
 *
 * @throws {CustodyError} ERR_KEK_CHANGED when another process changed the key-encryption key since the store was
 * opened: what is sealed under the old one would be lost.
 */
export function commit<T>({ copies, kekGeneration }: StoreContext, work: (database: Writable) => T): T {
  return copies.commit((database) => {
    if (kekGenerationOf(database) !== kekGeneration) {
      throw new CustodyError("ERR_KEK_CHANGED", "key-encryption key was changed: open the key store anew");
    }
    return work(database);
  });
}
