/** The newest segment of each recording that the server may not know yet. */
import { parseJournalledHeader, STATUS_HEADS_MAX, type RecordingId, type StreamHead } from "@pericard/protocol";
import { TerminalError } from "../errors.ts";
import { hashOf } from "../hash-key.ts";
import type { Journal } from "../journal/journal.ts";
import type { JournalEntry } from "../journal/journal-index.ts";
import type { RecordedHead } from "../state-file.ts";

type Head = Omit<StreamHead, "open">;

/** Heads for one status. */
export interface ListedHeads {
  readonly heads: readonly StreamHead[];
  /** To be called when the status reached the path. Heads that had unreceipted items then are told once more after. */
  readonly told: () => void;
}

/** Heads to be told in statuses, newest recording last. */
export class StreamHeads {
  readonly #heads = new Map<string, Head>();
  readonly #untold = new Set<string>();

  /** Learns the heads of an earlier run: of what the journal holds, and the newest recorded one. */
  constructor(journal: Journal, newest: RecordedHead | null) {
    for (const entry of newestPending(journal)) {
      this.note({ ...entry.place, hash: hashOf(entry.key), final: isFinal(journal, entry) });
    }
    if (newest) this.note(newest);
  }

  /** Notes a durable segment. */
  note(head: Head): void {
    const key = keyOf(head);
    const known = this.#heads.get(key);
    if (known && known.sequence > head.sequence) return;
    const { recording, stream, sequence, hash, final } = head;
    this.#heads.delete(key);
    this.#heads.set(key, { recording, stream, sequence, hash, final });
    this.#untold.add(key);
  }

  /** At most 64 heads: of the open recording first, then of those with unreceipted items or news, newest first. */
  list(journal: Journal, open: RecordingId | null): ListedHeads {
    const pending = pendingStreams(journal);
    for (const [key, { recording }] of this.#heads) {
      if (recording !== open && !pending.has(key) && !this.#untold.has(key)) this.#heads.delete(key);
    }
    const all = [...this.#heads.values()].map((head) => ({ ...head, open: head.recording === open }));
    const heads = all.toReversed().sort(openFirst).slice(0, STATUS_HEADS_MAX);
    const settled = heads.filter((head) => !pending.has(keyOf(head)));
    return { heads, told: () => this.#told(settled) };
  }

  #told(heads: readonly StreamHead[]): void {
    for (const head of heads) {
      const key = keyOf(head);
      if (this.#heads.get(key)?.sequence === head.sequence) this.#untold.delete(key);
    }
  }
}

function pendingStreams(journal: Journal): ReadonlySet<string> {
  const streams = new Set<string>();
  for (const { place } of journal.pending) streams.add(keyOf(place));
  return streams;
}

function newestPending(journal: Journal): Iterable<JournalEntry> {
  const newest = new Map<string, JournalEntry>();
  for (const entry of journal.pending) {
    const known = newest.get(keyOf(entry.place));
    const isNewer = entry.kind === "segment" && (!known || known.place.sequence < entry.place.sequence);
    if (isNewer) newest.set(keyOf(entry.place), entry);
  }
  return newest.values();
}

/** An item that cannot be read becomes a gap when its turn to be sent comes. */
function isFinal(journal: Journal, entry: JournalEntry): boolean {
  try {
    return parseJournalledHeader(journal.read(entry)).final;
  } catch (error) {
    if (error instanceof TerminalError) return false;
    throw error;
  }
}

function keyOf(place: Pick<Head, "recording" | "stream">): string {
  return `${place.recording}/${place.stream}`;
}

function openFirst(a: StreamHead, b: StreamHead): number {
  return Number(b.open) - Number(a.open);
}
