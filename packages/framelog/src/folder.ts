/**
 * The disk as an argument: one flat folder of append-only files.
 *
 * Calls are synchronous. A volume runs them in a thread of its own, so that a disk that hangs stops nothing else;
 * a terminal and a gateway have one disk and nothing to do without it.
 */

/** One file, open for appending and for reading at any place. */
export interface LogFile {
  /** Bytes that were written, synced or not. */
  readonly sizeBytes: number;
  /** Appends all parts. After an error the end of the file is undefined. */
  append(parts: readonly Uint8Array[]): void;
  /** Returns when everything appended is on the medium. After an error nothing about the file may be believed. */
  sync(): void;
  /** Up to `sizeBytes` bytes from `offsetBytes`; fewer at the end of the file. */
  read(offsetBytes: number, sizeBytes: number): Uint8Array;
  close(): void;
}

/** A file that is written and not yet in place. */
export interface PreparedFile {
  /** Returns when the contents are on the medium. Called once, before {@link PreparedFile.rename}. */
  sync(): void;
  /** Puts the file in place of the old one. Durable after {@link Folder.sync}. */
  rename(): void;
}

/** One folder. Names have no separators. */
export interface Folder {
  /** Names of the files, sorted. */
  list(): readonly string[];
  /** Opens an existing file. */
  open(name: string): LogFile;
  /** Creates a file that must not exist. It is durable after {@link Folder.sync}. */
  create(name: string): LogFile;
  /** Removes a file. The removal is durable after {@link Folder.sync}. */
  remove(name: string): void;
  /** Puts a whole file in place of the old one, durably: temporary name, sync, rename, sync of the folder. */
  replace(name: string, contents: Uint8Array): void;
  /** As {@link Folder.replace}, for contents that are made while they are written. A part may be overwritten or
   * released once the next one is asked for. */
  replaceWithParts(name: string, parts: Iterable<Uint8Array>): void;
  /**
   * Writes a whole file under a temporary name, so that many files, of many folders, can be put in place together: one
   * sync of the first then carries most of the others.
   */
  prepare(name: string, contents: Uint8Array): PreparedFile;
  /** The whole contents of a small file, or undefined when there is none. */
  read(name: string): Uint8Array | undefined;
  /** Returns when creations and removals are on the medium. */
  sync(): void;
}
