/** The newest segment of each recording that the server may not know yet. */
import { parseSegment, STATUS_HEADS_MAX, type RecordingId, type StreamHead } from "@pericard/protocol";
import { TerminalError } from "../errors.ts";
import { hashOf } from "../hash-key.ts";
import type { Journal } from "../journal/journal.ts";
import type { JournalEntry } from "../journal/journal-index.ts";
import type { RecordedHead } from "../state-file.ts";

type Head = Omit<StreamHead, "open">;

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
  list(journal: Journal, open: RecordingId | null): readonly StreamHead[] {
    const pending = new Set<string>();
    for (const { place } of journal.pending) pending.add(keyOf(place));
    for (const key of this.#heads.keys()) {
      const isOpen = this.#heads.get(key)?.recording === open;
      if (!isOpen && !pending.has(key) && !this.#untold.has(key)) this.#heads.delete(key);
    }
    const heads = [...this.#heads.values()].map((head) => ({ ...head, open: head.recording === open }));
    return heads.toReversed().sort(openFirst).slice(0, STATUS_HEADS_MAX);
  }

  /** Notes that heads reached the path as they were. */
  told(heads: readonly StreamHead[]): void {
    for (const head of heads) {
      const key = keyOf(head);
      if (this.#heads.get(key)?.sequence === head.sequence) this.#untold.delete(key);
    }
  }

  /** Whether a status would say something new. */
  get hasNews(): boolean {
    return this.#untold.size > 0;
  }
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
    return parseSegment(journal.read(entry)).header.final;
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
