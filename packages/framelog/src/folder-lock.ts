/** One process for each folder: a lock that the operating system releases when its holder dies. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { FrameError } from "./errors.ts";

const LOCK_FILE = "lock.sqlite";

/** A held lock. */
export interface FolderLock {
  /** Gives the folder free. Further calls do nothing. */
  release(): void;
}

/**
 * Locks a folder, which is made when it is not there. The lock is SQLite's own lock of an otherwise empty file, so it
 * also ends when the process is killed; the file stays.
 *
 * @throws {FrameError} ERR_FOLDER_LOCKED when another process, or another lock of this one, holds it; ERR_LOG_DISK when
 * the lock file cannot be opened.
 */
export function lockFolder(path: string): FolderLock {
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    database = new DatabaseSync(join(path, LOCK_FILE), { timeout: 0 });
    database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return holdDatabase(database);
  } catch (cause) {
    database?.close();
    throw lockError(cause);
  }
}

function holdDatabase(database: DatabaseSync): FolderLock {
  return {
    release: () => {
      if (database.isOpen) database.close();
    },
  };
}

const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;

function lockError(cause: unknown): FrameError {
  const errcode = (cause as { readonly errcode?: number }).errcode ?? 0;
  return [SQLITE_BUSY, SQLITE_LOCKED].includes(errcode & 0xff)
    ? new FrameError("ERR_FOLDER_LOCKED", "folder is in use by another process", { cause })
    : new FrameError("ERR_LOG_DISK", "folder cannot be locked", { cause });
}
