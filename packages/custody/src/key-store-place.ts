/** Where a key store is: copies in folders, or a database that several servers share. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { CustodyError } from "./errors.ts";
import type { KeyDatabase, RowReader } from "./key-database.ts";
import { PostgresqlDatabase } from "./postgresql-database.ts";
import type { PostgresqlPlace } from "./postgresql-messages.ts";
import { KEY_STORE_FILE, KEY_STORE_SCHEMA } from "./schema.ts";
import { SqliteCopies } from "./sqlite-copies.ts";

/** A key store in PostgreSQL. The key-encryption key is not in it: its file lies with each server. */
export interface SharedKeyStore extends PostgresqlPlace {
  /** Folder of `kek.sealed`. */
  readonly kekFolderPath: string;
}

/** Folders of the copies, each with `kek.sealed` beside it; or a shared database. */
export type KeyStorePlace = readonly string[] | SharedKeyStore;

/** Whether a place is a shared database. */
export function isShared(place: KeyStorePlace): place is SharedKeyStore {
  return !Array.isArray(place);
}

/** Folders of the file that leads to the key-encryption key. */
export function kekFoldersOf(place: KeyStorePlace): readonly string[] {
  return isShared(place) ? [place.kekFolderPath] : place;
}

/** @throws {CustodyError} ERR_KEYSTORE_EXISTS when there is one that somebody may depend on; ERR_KEYSTORE_UNAVAILABLE. */
export function createKeyDatabase(place: KeyStorePlace): KeyDatabase {
  return isShared(place)
    ? PostgresqlDatabase.create(place, KEY_STORE_SCHEMA, hasTenant)
    : SqliteCopies.create(place, KEY_STORE_FILE, KEY_STORE_SCHEMA);
}

/** @throws {CustodyError} ERR_KEYSTORE_MISSING, ERR_KEYSTORE_UNAVAILABLE. */
export function openKeyDatabase(place: KeyStorePlace): KeyDatabase {
  return isShared(place) ? PostgresqlDatabase.open(place) : SqliteCopies.open(place, KEY_STORE_FILE);
}

/** A tenant is the last thing that a set-up writes. */
export function hasTenant(reader: RowReader): boolean {
  return reader.rows("SELECT 1 FROM tenants LIMIT 1").length > 0;
}

/** What a folder has of an installation. */
type FolderState = "nothing" | "unfinished" | "finished" | "unreadable";

function stateOf(folderPath: string): FolderState {
  const path = join(folderPath, KEY_STORE_FILE);
  if (!existsSync(path)) return "nothing";
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { readOnly: true });
    const table = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'tenants'").get();
    return table && database.prepare("SELECT 1 FROM tenants LIMIT 1").get() ? "finished" : "unfinished";
  } catch {
    return "unreadable";
  } finally {
    database?.close();
  }
}

/**
 * Whether a place has the key store of a finished set-up.
 *
 * @throws {CustodyError} ERR_KEYSTORE_DAMAGED when no folder has, but one cannot be read: what it holds may be the only keys;
 * ERR_KEYSTORE_UNAVAILABLE.
 */
export function isInstalled(place: KeyStorePlace): boolean {
  if (isShared(place)) return PostgresqlDatabase.has(place, hasTenant);
  const states = new Set(place.map(stateOf));
  if (states.has("finished")) return true;
  if (!states.has("unreadable")) return false;
  throw new CustodyError("ERR_KEYSTORE_DAMAGED", "key store cannot be read, and no other folder has a copy of it");
}
