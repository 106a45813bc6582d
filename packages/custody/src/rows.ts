/** Columns of a SQLite row as values of one type. A wrong type means that the file was changed by other hands. */
import { CustodyError } from "./errors.ts";

export type Row = Record<string, unknown>;

function damaged(column: string): never {
  throw new CustodyError("ERR_KEYSTORE_DAMAGED", `key store column ${column} is not what it must be`);
}

/** @throws {CustodyError} ERR_KEYSTORE_DAMAGED when the column is not a text. */
export function textColumn(row: Row, column: string): string {
  const value = row[column];
  return typeof value === "string" ? value : damaged(column);
}

/** @throws {CustodyError} ERR_KEYSTORE_DAMAGED when the column is not a safe integer. */
export function integerColumn(row: Row, column: string): number {
  const value = row[column];
  return typeof value === "number" && Number.isSafeInteger(value) ? value : damaged(column);
}

/** @throws {CustodyError} ERR_KEYSTORE_DAMAGED when the column is not a blob. */
export function blobColumn(row: Row, column: string): Uint8Array {
  const value = row[column];
  return value instanceof Uint8Array ? value : damaged(column);
}

/** null for a NULL column, else what `read` makes of it. */
export function nullable<T>(row: Row, column: string, read: (row: Row, column: string) => T): T | null {
  return row[column] === null ? null : read(row, column);
}
