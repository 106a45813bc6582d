/** What the journal keeps in memory: where each item lies and what became of it, no contents. */
import type { FramePosition } from "@pericard/framelog";
import type { SegmentPlace } from "@pericard/protocol";
import type { HashKey } from "../hash-key.ts";

/** What became of an item: written; durable and to be uploaded; receipted or superseded; refused and kept. */
export type EntryState = "unsynced" | "pending" | "done" | "quarantined";

/** One item of the journal: a sealed segment, or a signed gap statement. */
export interface JournalEntry {
  readonly key: HashKey;
  readonly kind: "segment" | "gap";
  readonly place: SegmentPlace;
  readonly position: FramePosition;
  /** The monotonic clock when it was appended; null for one of an earlier run. */
  readonly appendedAtMs: number | null;
  /** Whether it comes from a live source of this run, so that somebody may be watching. */
  readonly live: boolean;
  state: EntryState;
  /** The file that has its newest mark. */
  markFileNumber: number | null;
}

/** Entries by h, by file and by what became of them. */
export class JournalIndex {
  readonly #entries = new Map<HashKey, JournalEntry>();
  readonly #pending = new Set<JournalEntry>();
  readonly #quarantined = new Map<JournalEntry, string>();
  readonly #byFile = new Map<number, Set<JournalEntry>>();
  readonly #markedIn = new Map<number, Set<JournalEntry>>();

  /** Entries to be uploaded, oldest first. */
  get pending(): ReadonlySet<JournalEntry> {
    return this.#pending;
  }

  /** Entries set aside, with the code that the server gave. */
  get quarantined(): ReadonlyMap<JournalEntry, string> {
    return this.#quarantined;
  }

  /** Every entry whose file is there. */
  all(): IterableIterator<JournalEntry> {
    return this.#entries.values();
  }

  find(key: HashKey): JournalEntry | undefined {
    return this.#entries.get(key);
  }

  /** Adds an entry, in place of one with the same h. */
  add(entry: JournalEntry): void {
    const known = this.#entries.get(entry.key);
    if (known) this.#forget(known);
    this.#entries.set(entry.key, entry);
    setOf(this.#byFile, entry.position.fileNumber).add(entry);
    if (entry.state === "pending") this.#pending.add(entry);
  }

  setState(entry: JournalEntry, state: Exclude<EntryState, "quarantined">): void {
    entry.state = state;
    this.#quarantined.delete(entry);
    if (state === "pending") this.#pending.add(entry);
    else this.#pending.delete(entry);
  }

  setQuarantined(entry: JournalEntry, code: string): void {
    entry.state = "quarantined";
    this.#pending.delete(entry);
    this.#quarantined.set(entry, code);
  }

  /** Notes which file tells what became of an entry. */
  setMark(entry: JournalEntry, fileNumber: number): void {
    if (entry.markFileNumber !== null) this.#markedIn.get(entry.markFileNumber)?.delete(entry);
    entry.markFileNumber = fileNumber;
    setOf(this.#markedIn, fileNumber).add(entry);
  }

  /** Whether a file has nothing that is still needed. */
  isFinished(fileNumber: number): boolean {
    for (const entry of this.#byFile.get(fileNumber) ?? []) if (entry.state !== "done") return false;
    return true;
  }

  /** Entries of other files whose newest mark lies in this one: it must be written anew before this file goes. */
  markedElsewhere(fileNumber: number): readonly JournalEntry[] {
    const marked = this.#markedIn.get(fileNumber) ?? [];
    return [...marked].filter((entry) => entry.position.fileNumber !== fileNumber);
  }

  /** Forgets a removed file. */
  removeFile(fileNumber: number): void {
    for (const entry of this.#byFile.get(fileNumber) ?? []) this.#forget(entry);
    this.#byFile.delete(fileNumber);
    this.#markedIn.delete(fileNumber);
  }

  /** Forgets entries that a failed disk may not have. */
  drop(entries: Iterable<JournalEntry>): void {
    for (const entry of entries) this.#forget(entry);
  }

  #forget(entry: JournalEntry): void {
    if (this.#entries.get(entry.key) === entry) this.#entries.delete(entry.key);
    this.#pending.delete(entry);
    this.#quarantined.delete(entry);
    this.#byFile.get(entry.position.fileNumber)?.delete(entry);
    if (entry.markFileNumber !== null) this.#markedIn.get(entry.markFileNumber)?.delete(entry);
  }
}

function setOf(map: Map<number, Set<JournalEntry>>, fileNumber: number): Set<JournalEntry> {
  const known = map.get(fileNumber);
  if (known) return known;
  const made = new Set<JournalEntry>();
  map.set(fileNumber, made);
  return made;
}
