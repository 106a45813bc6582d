/**
 * The terminal's journal: sealed segments on disk until a valid receipt lists them.
 *
 * Nothing is handed to the uploader before it is durable, nothing unreceipted is ever dropped, and after a disk error
 * nothing is appended until the journal was opened anew.
 *
 * Source: docs/format.md §10.3.
 */
import { sha256 } from "@pericard/crypto";
import { FrameError, frameBytesFor, type Folder } from "@pericard/framelog";
import { ProtocolError, type SegmentPlace } from "@pericard/protocol";
import type { Clock } from "../clock.ts";
import { TerminalError } from "../errors.ts";
import { hashKeyOf, type HashKey } from "../hash-key.ts";
import { GuardedLog } from "./guarded-log.ts";
import { journalError } from "./journal-error.ts";
import { decodeItem, encodeItem, FRAME_KIND, type JournalItem } from "./journal-frames.ts";
import { JournalIndex, type JournalEntry } from "./journal-index.ts";
import { JournalMarks, type BeforeRemove } from "./journal-marks.ts";
import { replayJournal, type Replay } from "./replay.ts";

/** Bounds of a journal. */
export interface JournalLimits {
  /** Bytes of all files past which no segment is taken. Marks and gap statements, which free a full journal, are. */
  readonly limitBytes: number;
  /** A new file is begun past this, so that receipted data leaves the disk soon. */
  readonly fileBytesMax: number;
}

/** An open journal. One process, one instance. */
export class Journal {
  readonly #limits: JournalLimits;
  readonly #clock: Clock;
  readonly #log: GuardedLog;
  readonly #marks: JournalMarks;
  readonly #index = new JournalIndex();
  readonly #unsynced = new Set<JournalEntry>();
  #beforeRemove: BeforeRemove = () => undefined;
  #onChange: () => void = () => undefined;
  #lastAppendMs = 0;

  /** What the replay at opening found. */
  readonly replay: Replay;

  /**
   * Opens and replays the journal of a folder.
   *
   * @throws {TerminalError} ERR_JOURNAL_DISK when it cannot be read.
   * @throws {FrameError} ERR_LOG_FORMAT when a file is of another version.
   */
  constructor(folder: Folder, limits: JournalLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#log = new GuardedLog(folder, limits.fileBytesMax, () => this.#dropUnsynced());
    this.#marks = new JournalMarks(this.#log, this.#index);
    try {
      this.replay = replayJournal(this.#log.reader, this.#index);
    } catch (cause) {
      throw journalError(cause);
    }
  }

  /** Durable items to be uploaded, oldest first. */
  get pending(): ReadonlySet<JournalEntry> {
    return this.#index.pending;
  }

  /** Items that the server refused for good, with its codes. */
  get quarantined(): ReadonlyMap<JournalEntry, string> {
    return this.#index.quarantined;
  }

  get limitBytes(): number {
    return this.#limits.limitBytes;
  }

  /** Bytes of all files. */
  get sizeBytes(): number {
    return this.#log.reader.sizeBytes;
  }

  /** Items that were appended and are not durable yet. */
  get unsyncedCount(): number {
    return this.#unsynced.size;
  }

  /** The monotonic clock at the last append. */
  get lastAppendMs(): number {
    return this.#lastAppendMs;
  }

  /** What the disk refused; undefined while the journal takes segments. */
  get failure(): TerminalError | undefined {
    return this.#log.failure;
  }

  find(key: HashKey): JournalEntry | undefined {
    return this.#index.find(key);
  }

  /** Every item whose file is there, done or not. */
  entries(): IterableIterator<JournalEntry> {
    return this.#index.all();
  }

  /** Sets what is done before a file goes, and what is told when items became pending, done or refused. */
  attach(beforeRemove: BeforeRemove, onChange: () => void): void {
    this.#beforeRemove = beforeRemove;
    this.#onChange = onChange;
  }

  /**
   * Appends a sealed segment. It is durable, and pending, after {@link sync}.
   *
   * @throws {TerminalError} ERR_JOURNAL_FULL before anything is written; ERR_JOURNAL_DISK_FULL or ERR_JOURNAL_DISK.
   */
  append(item: JournalItem, place: SegmentPlace, origin: "live" | "file"): JournalEntry {
    const content = encodeItem(item);
    if (this.sizeBytes + frameBytesFor(content.length) > this.#limits.limitBytes) {
      throw new TerminalError("ERR_JOURNAL_FULL", `journal is at its limit of ${this.#limits.limitBytes} bytes`);
    }
    return this.#add("segment", content, sha256(item.sealed), place, origin === "live");
  }

  /** As {@link append}, for a segment of the journal that was sealed anew: past the byte limit too. */
  appendResealed(sealed: Uint8Array, place: SegmentPlace): JournalEntry {
    const content = encodeItem({ sealed, nextFrame: null, sourceId: null });
    return this.#add("segment", content, sha256(sealed), place, false);
  }

  /** Appends a signed gap statement, past the byte limit too. It is durable, and pending, after {@link sync}. */
  appendGap(signed: Uint8Array, place: SegmentPlace): JournalEntry {
    return this.#add("gap", signed, sha256(signed), place, false);
  }

  /** Makes everything appended durable and pending. @throws {TerminalError} ERR_JOURNAL_DISK_FULL or ERR_JOURNAL_DISK. */
  sync(): void {
    this.#log.sync();
    if (this.#unsynced.size === 0) return;
    for (const entry of this.#unsynced) if (entry.state === "unsynced") this.#index.setState(entry, "pending");
    this.#unsynced.clear();
    this.#onChange();
  }

  /**
   * The bytes of an item as journalled: a sealed segment, or a signed gap statement.
   *
   * @throws {TerminalError} ERR_JOURNAL_ITEM_UNREADABLE when the medium gives back other bytes; ERR_JOURNAL_DISK when it
   * gives none, which may pass.
   */
  read(entry: JournalEntry): Uint8Array {
    return this.readItem(entry).sealed;
  }

  /** As {@link read}, with what the journal knows of the source. */
  readItem(entry: JournalEntry): JournalItem {
    try {
      const { content } = this.#log.reader.read(entry.position);
      const item = entry.kind === "gap" ? { sealed: content, nextFrame: null, sourceId: null } : decodeItem(content);
      if (hashKeyOf(sha256(item.sealed)) === entry.key) return item;
    } catch (cause) {
      const isDamaged = cause instanceof ProtocolError || isDamagedFrame(cause);
      throw isDamaged ? unreadable(entry, cause) : journalError(cause);
    }
    throw unreadable(entry, undefined);
  }

  /**
   * Marks items done, as a receipt, a segment sealed anew or a gap in their place allows, and removes the files that have
   * nothing else. The marks are not synced: a lost one costs a repeated upload.
   */
  markDone(entries: readonly JournalEntry[]): void {
    this.#marks.markDone(entries);
    this.#marks.removeFinished(this.#beforeRemove);
    this.#onChange();
  }

  /** Sets an item aside: it is kept and counted, and never sent again. Durable after {@link sync}. */
  quarantine(entry: JournalEntry, code: string): void {
    this.#marks.quarantine(entry, code);
    this.#onChange();
  }

  /**
   * Makes marks durable and removes every file that has nothing unfinished, also the current one: for when nothing more
   * is expected soon. What a failed disk does not allow is left undone.
   */
  settle(): void {
    this.#marks.removeAllFinished(this.#beforeRemove);
    if (!this.failure) this.sync();
  }

  close(): void {
    this.#log.close();
  }

  #add(
    kind: JournalEntry["kind"],
    content: Uint8Array,
    hash: Uint8Array,
    place: SegmentPlace,
    live: boolean,
  ): JournalEntry {
    const position = this.#log.append(FRAME_KIND[kind === "gap" ? "gap" : "item"], content);
    const appendedAtMs = this.#clock.monotonicMs();
    const key = hashKeyOf(hash);
    const entry: JournalEntry = {
      key,
      kind,
      place,
      position,
      appendedAtMs,
      live,
      state: "unsynced",
      markFileNumber: null,
    };
    this.#lastAppendMs = appendedAtMs;
    this.#index.add(entry);
    this.#unsynced.add(entry);
    return entry;
  }

  /** A failed disk may not have them; when the journal is opened anew they are found or not. */
  #dropUnsynced(): void {
    this.#index.drop(this.#unsynced);
    this.#unsynced.clear();
    this.#onChange();
  }
}

function isDamagedFrame(cause: unknown): boolean {
  return cause instanceof FrameError && cause.code === "ERR_FRAME_DAMAGED";
}

function unreadable(entry: JournalEntry, cause: unknown): TerminalError {
  const { recording, stream, sequence } = entry.place;
  const where = `recording ${recording} stream ${stream} sequence ${sequence}`;
  return new TerminalError("ERR_JOURNAL_ITEM_UNREADABLE", `journal item of ${where} cannot be read`, { cause });
}
