/**
 * A log of frames over numbered files: a terminal's journal, a gateway's spool, a volume's packs.
 *
 * Nothing is ever rewritten or cut off in place. A file whose end was left unfinished stays as it is, and the log goes
 * on in a new file. A whole file is removed when nothing in it is needed any more.
 *
 * Source: docs/format.md §10.
 */
import { encodeCbor, equalBytes } from "@pericard/protocol";
import { FrameError } from "./errors.ts";
import type { Folder, LogFile } from "./folder.ts";
import { encodeFrame, sizeOfParts, type Frame, type FrameAt } from "./frame.ts";
import { FRAME_OVERHEAD_BYTES_MAX } from "./frame-head.ts";
import { readFrameAt, scanFrames } from "./frame-scan.ts";

/** Where a frame lies. */
export interface FramePosition {
  readonly fileNumber: number;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/** What a scan of the whole log gives: frames, and damaged or cut runs, with their places. */
export type LogEntry = { readonly position: FramePosition } & (
  | { readonly kind: "frame"; readonly frame: Frame }
  | { readonly kind: "cut" | "damaged" }
);

export interface FrameLogOptions {
  /** Files are named `<name>-<8 digits>.cbor`. */
  readonly name: string;
  /** A new file is begun when the current one would grow past this. */
  readonly fileBytesMax: number;
  /** Frames are numbered from here at least: {@link FrameLog.nextNumber} of a log that broke. 0 when not given. */
  readonly numberMin?: number;
}

const HEADER_KIND = 0;
const FORMAT_VERSION = 1;

/** Turns what the disk said into what a caller can act on. */
function diskError(cause: unknown, doing: string): FrameError {
  const errno = (cause as NodeJS.ErrnoException).code;
  return errno === "ENOSPC" || errno === "EDQUOT"
    ? new FrameError("ERR_LOG_DISK_FULL", `disk is full while ${doing}`, { cause })
    : new FrameError("ERR_LOG_DISK", `disk failed while ${doing}`, { cause });
}

/** An open log. One process, one instance. */
export class FrameLog {
  readonly #folder: Folder;
  readonly #options: FrameLogOptions;
  readonly #files = new Map<number, LogFile>();
  #current: { fileNumber: number; file: LogFile } | undefined;
  #nextNumber: number;
  #nextFileNumber = 0;
  #dirty = false;
  #broken: unknown;

  private constructor(folder: Folder, options: FrameLogOptions) {
    this.#folder = folder;
    this.#options = options;
    this.#nextNumber = options.numberMin ?? 0;
  }

  /**
   * Opens a log; its files are read when {@link replay} is called. The next frame goes to a new file.
   *
   * Numbers of files and frames are never given twice while any file of the log is there. A log opened without one
   * begins at 0 again, so nothing that outlives the log's files may hold them.
   *
   * @throws {FrameError} ERR_LOG_DISK when the folder cannot be read.
   */
  static open(folder: Folder, options: FrameLogOptions): FrameLog {
    const log = new FrameLog(folder, options);
    const pattern = new RegExp(`^${options.name}-(\\d{8,})\\.cbor$`);
    try {
      for (const name of folder.list()) {
        const digits = pattern.exec(name)?.[1];
        if (digits !== undefined) log.#add(Number(digits), folder.open(name));
      }
    } catch (cause) {
      log.close();
      throw diskError(cause, `opening ${options.name}`);
    }
    return log;
  }

  /** Numbers of the log's files, rising. */
  get fileNumbers(): readonly number[] {
    return [...this.#files.keys()].sort((a, b) => a - b);
  }

  /** Bytes of all files. */
  get sizeBytes(): number {
    let sizeBytes = 0;
    for (const file of this.#files.values()) sizeBytes += file.sizeBytes;
    return sizeBytes;
  }

  /** Bytes of one file; 0 when there is none of that number. */
  sizeOfFile(fileNumber: number): number {
    return this.#files.get(fileNumber)?.sizeBytes ?? 0;
  }

  /** The number of the next frame, once everything was replayed. */
  get nextNumber(): number {
    return this.#nextNumber;
  }

  /** The file that the next frame goes to, or undefined before the first append. */
  get currentFileNumber(): number | undefined {
    return this.#current?.fileNumber;
  }

  /**
   * Everything in the log in order, file headers left out. Frame numbers continue after the highest one seen, so a log
   * that has files is replayed to its end before anything is appended.
   *
   * @throws {FrameError} ERR_LOG_FORMAT when a file's header names another format or version; ERR_LOG_DISK when a file
   * cannot be read.
   */
  *replay(): Generator<LogEntry> {
    for (const fileNumber of this.fileNumbers) yield* this.replayFile(fileNumber);
  }

  /** As {@link replay}, of one file. */
  *replayFile(fileNumber: number): Generator<LogEntry> {
    const file = this.#files.get(fileNumber);
    if (!file) return;
    try {
      for (const scanned of scanFrames(file)) {
        const position = { fileNumber, offsetBytes: scanned.offsetBytes, sizeBytes: scanned.sizeBytes };
        if (scanned.kind !== "frame") yield { kind: scanned.kind, position };
        else yield* this.#replayFrame(scanned.frame, position);
      }
    } catch (cause) {
      throw cause instanceof FrameError ? cause : diskError(cause, `reading ${this.#options.name}`);
    }
  }

  /**
   * Appends one frame; it is durable after {@link sync}.
   *
   * @throws {FrameError} ERR_LOG_DISK_FULL, ERR_LOG_DISK, ERR_FRAME_TOO_LARGE; ERR_LOG_BROKEN after an earlier failure.
   * @throws {RangeError} when the kind is not 1 to 23.
   */
  append(kind: number, content: Uint8Array): { readonly position: FramePosition; readonly number: number } {
    this.#requireWhole();
    if (kind === HEADER_KIND) throw new RangeError("frame kind: expected 1 to 23, got the kind of file headers");
    const number = this.#nextNumber;
    const parts = encodeFrame({ kind, number, content });
    const { fileNumber, file } = this.#fileFor(sizeOfParts(parts));
    const offsetBytes = file.sizeBytes;
    this.#guard(`appending to ${this.#options.name}`, () => file.append(parts));
    this.#nextNumber += 1;
    this.#dirty = true;
    return { position: { fileNumber, offsetBytes, sizeBytes: sizeOfParts(parts) }, number };
  }

  /** Makes everything appended durable. @throws {FrameError} as {@link append}; a failed sync is never tried again. */
  sync(): void {
    this.#requireWhole();
    if (!this.#dirty) return;
    this.#guard(`syncing ${this.#options.name}`, () => this.#current?.file.sync());
    this.#dirty = false;
  }

  /** Ends the current file: everything in it is made durable, and the next frame begins a new one. @throws as {@link sync}. */
  endFile(): void {
    this.sync();
    this.#current = undefined;
  }

  /**
   * Reads one frame back, also from a log that is broken.
   *
   * @throws {FrameError} ERR_FRAME_DAMAGED when it is not whole, ERR_LOG_DISK when it cannot be read.
   */
  read(position: FramePosition): Frame {
    const found = this.#readAt(position);
    if (found?.state === "frame") return found.frame;
    const place = `${this.#options.name} file ${position.fileNumber}, byte ${position.offsetBytes}`;
    throw new FrameError("ERR_FRAME_DAMAGED", `frame is damaged in ${place}`);
  }

  /**
   * Removes a whole file, durably. After the current file, the next frame begins a new one.
   *
   * @throws {FrameError} ERR_LOG_DISK; the log is then broken, and the file may be there when it is opened anew.
   */
  removeFile(fileNumber: number): void {
    const file = this.#files.get(fileNumber);
    if (!file) return;
    if (this.#current?.fileNumber === fileNumber) this.#current = undefined;
    this.#files.delete(fileNumber);
    this.#guard(`removing from ${this.#options.name}`, () => {
      file.close();
      this.#folder.remove(this.#nameOf(fileNumber));
      this.#folder.sync();
    });
  }

  /** Closes every file. Unsynced frames may be lost. */
  close(): void {
    const files = [...this.#files.values()];
    this.#files.clear();
    this.#current = undefined;
    this.#broken ??= new Error("log was closed");
    for (const file of files) file.close();
  }

  #add(fileNumber: number, file: LogFile): void {
    this.#files.set(fileNumber, file);
    this.#nextFileNumber = Math.max(this.#nextFileNumber, fileNumber + 1);
  }

  #readAt(position: FramePosition): FrameAt | undefined {
    const file = this.#files.get(position.fileNumber);
    try {
      return file && readFrameAt(file, position.offsetBytes);
    } catch (cause) {
      throw diskError(cause, `reading ${this.#options.name}`);
    }
  }

  #nameOf(fileNumber: number): string {
    return `${this.#options.name}-${String(fileNumber).padStart(8, "0")}.cbor`;
  }

  #fileFor(frameBytes: number): { fileNumber: number; file: LogFile } {
    const current = this.#current;
    if (current && current.file.sizeBytes + frameBytes <= this.#options.fileBytesMax) return current;
    return this.#begin();
  }

  #begin(): { fileNumber: number; file: LogFile } {
    if (this.#dirty) this.sync();
    const fileNumber = this.#nextFileNumber;
    const name = this.#nameOf(fileNumber);
    const doing = `creating a file of ${this.#options.name}`;
    const file = this.#guard(doing, () => this.#folder.create(name));
    this.#add(fileNumber, file);
    this.#guard(doing, () => this.#writeHeader(fileNumber, file));
    this.#current = { fileNumber, file };
    return this.#current;
  }

  /** A file that fails here has nothing in it and is taken away, so that a full disk does not fill with such files. */
  #writeHeader(fileNumber: number, file: LogFile): void {
    const content = encodeCbor([`pericard/${this.#options.name}`, FORMAT_VERSION]);
    try {
      file.append(encodeFrame({ kind: HEADER_KIND, number: this.#nextNumber, content }));
      file.sync();
      this.#folder.sync();
    } catch (cause) {
      this.#discard(fileNumber, file);
      throw cause;
    }
  }

  #discard(fileNumber: number, file: LogFile): void {
    this.#files.delete(fileNumber);
    try {
      file.close();
      this.#folder.remove(this.#nameOf(fileNumber));
    } catch {
      // The first failure is the one to report; an empty file that stays is skipped by every reader.
    }
  }

  *#replayFrame(frame: Frame, position: FramePosition): Generator<LogEntry> {
    if (frame.kind !== HEADER_KIND) {
      this.#nextNumber = Math.max(this.#nextNumber, frame.number + 1);
      yield { kind: "frame", frame, position };
    } else if (position.offsetBytes === 0) {
      this.#checkHeader(frame);
      this.#nextNumber = Math.max(this.#nextNumber, frame.number);
    } else yield { kind: "damaged", position };
  }

  #checkHeader(frame: Frame): void {
    const wanted = encodeCbor([`pericard/${this.#options.name}`, FORMAT_VERSION]);
    if (equalBytes(frame.content, wanted)) return;
    throw new FrameError("ERR_LOG_FORMAT", `file is not of format pericard/${this.#options.name} ${FORMAT_VERSION}`);
  }

  #requireWhole(): void {
    if (this.#broken === undefined) return;
    throw new FrameError("ERR_LOG_BROKEN", `${this.#options.name} failed before and must be opened anew`, {
      cause: this.#broken,
    });
  }

  #guard<T>(doing: string, work: () => T): T {
    try {
      return work();
    } catch (cause) {
      this.#broken = cause;
      throw diskError(cause, doing);
    }
  }
}

/** Bytes on disk that a content of this size takes, at most. */
export function frameBytesFor(contentBytes: number): number {
  return contentBytes + FRAME_OVERHEAD_BYTES_MAX;
}
