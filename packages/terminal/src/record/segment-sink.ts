/** From sealed windows to durable journal items: at once for a live source, several to a sync for a file. */
import type { Clock } from "../clock.ts";
import { TerminalError } from "../errors.ts";
import type { HeadKeeper } from "../head-keeper.ts";
import type { Journal } from "../journal/journal.ts";
import type { JournalEntry } from "../journal/journal-index.ts";
import type { RecordedHead } from "../state-file.ts";
import type { SealedWindow } from "./segment-writer.ts";

/** Takes sealed windows in order. */
export interface SegmentSink {
  /** Journals a window; of a live source it is durable when this resolves. */
  write(sealed: SealedWindow): Promise<void>;
  /** Makes durable what was journalled, if the disk still allows it. */
  flush(): void;
}

/** Bounds of what shares one sync. */
const SYNC = { segmentCountMax: 32, bytesMax: 1024 * 1024, durationMsMax: 200 } as const;

/** A segment in the journal. Its bytes are not kept in memory. */
export interface WrittenSegment {
  readonly head: RecordedHead;
  readonly entry: JournalEntry;
  readonly sealedBytes: number;
}

/** What a sink works with. */
export interface SinkParts {
  readonly journal: Journal;
  readonly heads: HeadKeeper;
  readonly clock: Clock;
  readonly origin: "live" | "file";
  /**
   * Waits until receipts may have made room, and tells whether to try again; undefined when nothing makes room, so that a
   * full journal ends the recording at once.
   */
  readonly waitForRoom: (() => Promise<boolean>) | undefined;
  /** Told of each segment when it is durable. */
  readonly onDurable: (written: WrittenSegment) => void;
}

/** Makes the sink of one recorder. */
export function createSegmentSink(parts: SinkParts): SegmentSink {
  return new JournalSink(parts);
}

class JournalSink implements SegmentSink {
  readonly #parts: SinkParts;
  #written: WrittenSegment[] = [];
  #bytes = 0;
  #sinceMs = 0;

  constructor(parts: SinkParts) {
    this.#parts = parts;
  }

  async write(sealed: SealedWindow): Promise<void> {
    const entry = await this.#append(sealed);
    if (this.#written.length === 0) this.#sinceMs = this.#parts.clock.monotonicMs();
    const sealedBytes = sealed.item.sealed.length;
    this.#written.push({ head: sealed.head, entry, sealedBytes });
    this.#bytes += sealedBytes;
    if (this.#parts.origin === "live" || this.#isDue()) this.#sync();
    // Sealing takes milliseconds of this thread: uploads get their turn after each.
    if (this.#parts.origin === "file") await new Promise(setImmediate);
  }

  flush(): void {
    if (!this.#parts.journal.failure) this.#sync();
  }

  #isDue(): boolean {
    const ageMs = this.#parts.clock.monotonicMs() - this.#sinceMs;
    return this.#written.length >= SYNC.segmentCountMax || this.#bytes >= SYNC.bytesMax || ageMs >= SYNC.durationMsMax;
  }

  async #append({ item, head }: SealedWindow): Promise<JournalEntry> {
    const { journal, origin, waitForRoom } = this.#parts;
    for (;;) {
      try {
        const { recording, stream, sequence } = head;
        return journal.append(item, { recording, stream, sequence }, origin);
      } catch (error) {
        const isFull = error instanceof TerminalError && error.code === "ERR_JOURNAL_FULL";
        if (!isFull || !waitForRoom) throw error;
        // What was journalled must be durable before its receipts can make room.
        this.#sync();
        if (!(await waitForRoom())) throw error;
      }
    }
  }

  #sync(): void {
    const { journal, heads, onDurable } = this.#parts;
    journal.sync();
    const written = this.#written;
    this.#written = [];
    this.#bytes = 0;
    const last = written.at(-1);
    if (last) heads.setHead(last.head, last.entry);
    for (const segment of written) onDurable(segment);
  }
}
