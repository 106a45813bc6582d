/** Reading a journal back: what was journalled, what became of it, and where it is damaged. */
import { sha256 } from "@pericard/crypto";
import type { FrameLog, FramePosition, LogEntry } from "@pericard/framelog";
import {
  compareKeyUse,
  Gap,
  parseJournalledHeader,
  parseSigned,
  ProtocolError,
  type KeyUse,
  type SegmentPlace,
} from "@pericard/protocol";
import { hashKeyOf, type HashKey } from "../hash-key.ts";
import { decodeItem, decodeMark, decodeQuarantine, FRAME_KIND } from "./journal-frames.ts";
import type { JournalEntry, JournalIndex } from "./journal-index.ts";

/** The item that was sealed last of those that a recording goes on from. */
export interface NewestItem {
  readonly key: HashKey;
  readonly position: FramePosition;
  readonly keyUse: KeyUse;
}

/** What a replay found. */
export interface Replay {
  readonly newest: NewestItem | null;
  /** Files with runs that are no frames; an unfinished append at the end of a file is none of them. */
  readonly damagedFileNumbers: ReadonlySet<number>;
  /** Where those runs lie: the first 16. */
  readonly damaged: readonly FramePosition[];
  /** Whether something after the last readable frame is damaged: it may have been uploaded. */
  readonly tailDamaged: boolean;
  /** Marks of items that are not in the journal. */
  readonly orphanMarks: ReadonlySet<HashKey>;
}

/** Runs that are named; further ones still count by their file. */
const DAMAGED_MAX = 16;

/** Fills an empty index from the log. @throws {FrameError} as {@link FrameLog.replay}. */
export function replayJournal(log: Pick<FrameLog, "replay">, index: JournalIndex): Replay {
  const reader = new ReplayReader(index);
  for (const entry of log.replay()) reader.take(entry);
  return reader.finish();
}

class ReplayReader {
  readonly #index: JournalIndex;
  readonly #damagedFileNumbers = new Set<number>();
  readonly #damaged: FramePosition[] = [];
  readonly #orphans = new Set<HashKey>();
  readonly #recordings = new Map<string, SegmentPlace["recording"]>();
  #newest: NewestItem | null = null;
  #tailDamaged = false;

  constructor(index: JournalIndex) {
    this.#index = index;
  }

  take(entry: LogEntry): void {
    if (entry.kind === "cut") return;
    const readable = entry.kind === "frame" && this.#takeFrame(entry.frame.kind, entry.frame.content, entry.position);
    if (!readable) this.#noteDamage(entry.position);
    this.#tailDamaged = !readable;
  }

  finish(): Replay {
    return {
      newest: this.#newest,
      damagedFileNumbers: this.#damagedFileNumbers,
      damaged: this.#damaged,
      tailDamaged: this.#tailDamaged,
      orphanMarks: this.#orphans,
    };
  }

  #noteDamage(position: FramePosition): void {
    this.#damagedFileNumbers.add(position.fileNumber);
    if (this.#damaged.length < DAMAGED_MAX) this.#damaged.push(position);
  }

  /** Whether the frame is one of the journal's; one that is not is as good as damaged. */
  #takeFrame(kind: number, content: Uint8Array, position: FramePosition): boolean {
    try {
      if (kind === FRAME_KIND.item) this.#takeItem(content, position);
      else if (kind === FRAME_KIND.gap) this.#takeGap(content, position);
      else if (kind === FRAME_KIND.mark) this.#takeMark(decodeMark(content), position);
      else if (kind === FRAME_KIND.quarantine) this.#takeQuarantine(decodeQuarantine(content), position);
      return true;
    } catch (error) {
      if (error instanceof ProtocolError) return false;
      throw error;
    }
  }

  #takeItem(content: Uint8Array, position: FramePosition): void {
    const { sealed, nextFrame } = decodeItem(content);
    const header = parseJournalledHeader(sealed);
    const key = hashKeyOf(sha256(sealed));
    const { stream, sequence, cycle, index, use } = header;
    this.#index.add(
      replayed("segment", key, { recording: this.#intern(header.recording), stream, sequence }, position),
    );
    const keyUse = { cycle, index, use };
    const isNewer = this.#newest === null || compareKeyUse(keyUse, this.#newest.keyUse) > 0;
    if (nextFrame !== null && isNewer) this.#newest = { key, position, keyUse };
  }

  #takeGap(content: Uint8Array, position: FramePosition): void {
    const gap = Gap.decode(parseSigned(content).payload);
    const { recording, stream, sequence } = gap;
    const place = { recording: this.#intern(recording), stream, sequence };
    this.#index.add(replayed("gap", hashKeyOf(sha256(content)), place, position));
  }

  #takeMark(keys: readonly HashKey[], position: FramePosition): void {
    for (const key of keys) {
      const entry = this.#index.find(key);
      if (!entry) this.#orphans.add(key);
      else {
        this.#index.setState(entry, "done");
        this.#index.setMark(entry, position.fileNumber);
      }
    }
  }

  #takeQuarantine({ key, code }: ReturnType<typeof decodeQuarantine>, position: FramePosition): void {
    const entry = this.#index.find(key);
    if (!entry || entry.state === "done") return;
    this.#index.setQuarantined(entry, code);
    this.#index.setMark(entry, position.fileNumber);
  }

  /** One text for all segments of a recording, instead of one each. */
  #intern(recording: SegmentPlace["recording"]): SegmentPlace["recording"] {
    const known = this.#recordings.get(recording);
    if (known) return known;
    this.#recordings.set(recording, recording);
    return recording;
  }
}

function replayed(
  kind: JournalEntry["kind"],
  key: HashKey,
  place: SegmentPlace,
  position: FramePosition,
): JournalEntry {
  return { key, kind, place, position, appendedAtMs: null, live: false, state: "pending", markFileNumber: null };
}
