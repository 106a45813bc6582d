/** Marks of what became of items, and the removal of files that have nothing else left. */
import type { GuardedLog } from "./guarded-log.ts";
import { encodeMark, encodeQuarantine, FRAME_KIND, MARK_HASHES_MAX } from "./journal-frames.ts";
import type { JournalEntry, JournalIndex } from "./journal-index.ts";

/** Called before a file is removed, so that what it alone holds is kept elsewhere first. It may throw. */
export type BeforeRemove = (fileNumber: number) => void;

/** Writes marks and removes files. */
export class JournalMarks {
  readonly #log: GuardedLog;
  readonly #index: JournalIndex;

  constructor(log: GuardedLog, index: JournalIndex) {
    this.#log = log;
    this.#index = index;
  }

  /** Marks items done. Not synced: a lost mark costs a repeated upload. On a failed log they are done in memory alone. */
  markDone(entries: readonly JournalEntry[]): void {
    for (const entry of entries) this.#index.setState(entry, "done");
    this.#writeDone(entries);
  }

  /** Sets an item aside. Durable after a sync. */
  quarantine(entry: JournalEntry, code: string): void {
    this.#index.setQuarantined(entry, code);
    this.#write([entry], FRAME_KIND.quarantine, encodeQuarantine(entry.key, code));
  }

  /** Removes files that have nothing unfinished, the one that is being written left out. */
  removeFinished(before: BeforeRemove): void {
    const { fileNumbers, currentFileNumber } = this.#log.reader;
    for (const fileNumber of fileNumbers) {
      if (fileNumber !== currentFileNumber) this.#removeIfFinished(fileNumber, before);
    }
  }

  /** As {@link removeFinished}, and the current file too: for when nothing more is expected soon. */
  removeAllFinished(before: BeforeRemove): void {
    for (const fileNumber of this.#log.reader.fileNumbers) this.#removeIfFinished(fileNumber, before);
  }

  #removeIfFinished(fileNumber: number, before: BeforeRemove): void {
    if (!this.#index.isFinished(fileNumber) || !this.#keepMarks(fileNumber)) return;
    if (this.#log.tryRemove(fileNumber, () => before(fileNumber))) this.#index.removeFile(fileNumber);
  }

  /** Writes the marks of other files' items anew in the current file, durably. Whether this file may go. */
  #keepMarks(fileNumber: number): boolean {
    const marked = this.#index.markedElsewhere(fileNumber);
    if (marked.length === 0) return true;
    if (this.#log.failure || fileNumber === this.#log.reader.currentFileNumber) return false;
    this.#writeDone(marked.filter((entry) => entry.state === "done"));
    for (const entry of marked) this.#rewriteQuarantine(entry);
    return this.#trySync();
  }

  #rewriteQuarantine(entry: JournalEntry): void {
    const code = this.#index.quarantined.get(entry);
    if (code !== undefined) this.#write([entry], FRAME_KIND.quarantine, encodeQuarantine(entry.key, code));
  }

  #writeDone(entries: readonly JournalEntry[]): void {
    for (let at = 0; at < entries.length; at += MARK_HASHES_MAX) {
      const some = entries.slice(at, at + MARK_HASHES_MAX);
      this.#write(some, FRAME_KIND.mark, encodeMark(some.map((entry) => entry.key)));
    }
  }

  /** A mark that the disk refuses is no lost data: the log has stopped and says so when a segment comes. */
  #write(entries: readonly JournalEntry[], kind: number, content: Uint8Array): void {
    if (this.#log.failure) return;
    try {
      const { fileNumber } = this.#log.append(kind, content);
      for (const entry of entries) this.#index.setMark(entry, fileNumber);
    } catch (error) {
      if (error !== this.#log.failure) throw error;
    }
  }

  #trySync(): boolean {
    try {
      this.#log.sync();
      return true;
    } catch (error) {
      if (error !== this.#log.failure) throw error;
      return false;
    }
  }
}
