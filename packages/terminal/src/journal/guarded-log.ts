/** The log under a journal. After its first failure nothing more is written; reading and removing files go on. */
import { FrameLog, type Folder, type FramePosition } from "@pericard/framelog";
import { TerminalError } from "../errors.ts";
import { journalError } from "./journal-error.ts";

/** Name of the journal's files and of their format. */
export const JOURNAL_NAME = "journal";

/** Name of a file of the journal. Source: docs/format.md §10.1. */
export const journalFileName = (fileNumber: number): string =>
  `${JOURNAL_NAME}-${String(fileNumber).padStart(8, "0")}.cbor`;
const FILE_NAME = /^journal-\d{8}\.cbor$/;

/** A frame log that remembers why it stopped. */
export class GuardedLog {
  readonly #log: FrameLog;
  readonly #onFailure: () => void;
  #failure: TerminalError | undefined;

  /** @param onFailure told once, when the log stops. @throws {TerminalError} ERR_JOURNAL_DISK when it cannot be opened. */
  constructor(folder: Folder, fileBytesMax: number, onFailure: () => void) {
    this.#onFailure = onFailure;
    try {
      syncNewestFile(folder);
      this.#log = FrameLog.open(folder, { name: JOURNAL_NAME, fileBytesMax });
    } catch (cause) {
      throw journalError(cause);
    }
  }

  /** The log itself, for reading. */
  get reader(): Pick<FrameLog, "replay" | "read" | "fileNumbers" | "currentFileNumber" | "sizeBytes"> {
    return this.#log;
  }

  /** Why nothing more is written; undefined while the log is whole. */
  get failure(): TerminalError | undefined {
    return this.#failure;
  }

  /** @throws {TerminalError} ERR_JOURNAL_DISK_FULL or ERR_JOURNAL_DISK, now and from then on. */
  append(kind: number, content: Uint8Array): FramePosition {
    return this.#guard(() => this.#log.append(kind, content).position);
  }

  /** @throws {TerminalError} as {@link append}. */
  sync(): void {
    this.#guard(() => this.#log.sync());
  }

  /**
   * Removes a file after `before`; a failure of either stops the log, and the file is then found again when it is opened
   * anew. Whether it was removed.
   */
  tryRemove(fileNumber: number, before: () => void): boolean {
    try {
      before();
      this.#log.removeFile(fileNumber);
      return true;
    } catch (cause) {
      this.#fail(journalError(cause));
      return false;
    }
  }

  close(): void {
    this.#log.close();
    this.#failure ??= new TerminalError("ERR_TERMINAL_CLOSED", "journal was closed");
  }

  #guard<T>(work: () => T): T {
    if (this.#failure) throw this.#failure;
    try {
      return work();
    } catch (cause) {
      const failure = journalError(cause);
      this.#fail(failure);
      throw failure;
    }
  }

  #fail(failure: TerminalError): void {
    if (this.#failure) return;
    this.#failure = failure;
    this.#onFailure();
  }
}

/** What a killed process wrote may not be on the medium yet, and nothing may be uploaded that is not. */
function syncNewestFile(folder: Folder): void {
  const newest = folder.list().findLast((name) => FILE_NAME.test(name));
  if (newest === undefined) return;
  const file = folder.open(newest);
  try {
    file.sync();
  } finally {
    file.close();
  }
}
