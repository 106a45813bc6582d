/** The log under a spool, which opens itself anew after the disk failed. */
import { FrameError, FrameLog, type Folder, type Frame, type FramePosition, type LogEntry } from "@pericard/framelog";
import type { Clock } from "./clock.ts";
import { GatewayError } from "./errors.ts";
import { DISK_RETRY_MS } from "./limits.ts";

const LOG_NAME = "spool";

/** What a spool log needs. */
export interface SpoolLogOptions {
  readonly folder: Folder;
  readonly clock: Clock;
  readonly fileBytesMax: number;
  /** Called when the disk failed: nothing that was not synced may be believed. */
  readonly onBroken: (error: GatewayError) => void;
  /** Called when the log was opened anew: files that were begun in vain can be removed. */
  readonly onReopened: () => void;
}

/** A frame log that goes on in a new file when the disk allows. Reads work in between. */
export class SpoolLog {
  readonly #options: SpoolLogOptions;
  #log: FrameLog;
  /** Set after a failure: why, and when the disk is tried again. */
  #broken: { readonly error: GatewayError; readonly untilMs: number } | undefined;

  /** @throws {FrameError} ERR_LOG_DISK when the folder cannot be read. */
  constructor(options: SpoolLogOptions) {
    this.#options = options;
    this.#log = FrameLog.open(options.folder, { name: LOG_NAME, fileBytesMax: options.fileBytesMax });
  }

  get sizeBytes(): number {
    return this.#log.sizeBytes;
  }

  get fileNumbers(): readonly number[] {
    return this.#log.fileNumbers;
  }

  get currentFileNumber(): number | undefined {
    return this.#log.currentFileNumber;
  }

  /** Whether the disk failed the last time that it was written. */
  get isBroken(): boolean {
    return this.#broken !== undefined;
  }

  sizeOfFile(fileNumber: number): number {
    return this.#log.sizeOfFile(fileNumber);
  }

  /** As {@link FrameLog.replay}, which is done once, before anything else. */
  replay(): Generator<LogEntry> {
    return this.#log.replay();
  }

  /** As {@link FrameLog.replayFile}. */
  replayFile(fileNumber: number): Generator<LogEntry> {
    return this.#log.replayFile(fileNumber);
  }

  /** As {@link FrameLog.read}. */
  read(position: FramePosition): Frame {
    return this.#log.read(position);
  }

  /** Appends a frame. @throws {GatewayError} ERR_SPOOL_DISK_FULL or ERR_SPOOL_DISK. */
  append(kind: number, content: Uint8Array): { readonly position: FramePosition; readonly number: number } {
    return this.#write((log) => log.append(kind, content));
  }

  /** Makes every append durable. @throws {GatewayError} as {@link append}. */
  sync(): void {
    this.#write((log) => log.sync());
  }

  /** As {@link FrameLog.endFile}. @throws {GatewayError} as {@link append}. */
  endFile(): void {
    this.#write((log) => log.endFile());
  }

  /** Removes a file. @throws {GatewayError} as {@link append}. */
  removeFile(fileNumber: number): void {
    this.#write((log) => log.removeFile(fileNumber));
  }

  /** Closes every file; what was not synced may be lost. */
  close(): void {
    this.#log.close();
  }

  #write<T>(work: (log: FrameLog) => T): T {
    if (this.#broken) this.#reopen(this.#broken);
    try {
      return work(this.#log);
    } catch (cause) {
      throw this.#fail(cause);
    }
  }

  /** Numbers go on where the broken log was: the ledger in memory knows items by them. */
  #reopen(broken: { readonly error: GatewayError; readonly untilMs: number }): void {
    const { folder, clock, fileBytesMax } = this.#options;
    if (clock.monotonicMs() < broken.untilMs) throw broken.error;
    try {
      const numberMin = this.#log.nextNumber;
      const next = FrameLog.open(folder, { name: LOG_NAME, fileBytesMax, numberMin });
      this.#log.close();
      this.#log = next;
    } catch (cause) {
      throw this.#fail(cause);
    }
    this.#broken = undefined;
    this.#options.onReopened();
  }

  #fail(cause: unknown): unknown {
    if (!(cause instanceof FrameError)) return cause;
    const error =
      cause.code === "ERR_LOG_DISK_FULL"
        ? new GatewayError("ERR_SPOOL_DISK_FULL", "spool cannot be written because its disk is full", { cause })
        : new GatewayError("ERR_SPOOL_DISK", "spool cannot be written", { cause });
    this.#broken = { error, untilMs: this.#options.clock.monotonicMs() + DISK_RETRY_MS };
    this.#options.onBroken(error);
    return error;
  }
}
