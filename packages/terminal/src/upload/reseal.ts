/** A segment that contradicts what the server has: kept, and sealed anew as a recording of its own. */
import { sha256 } from "@pericard/crypto";
import { concatBytes, parseJournalledHeader, RecordingId, utf8 } from "@pericard/protocol";
import type { TerminalModule } from "@pericard/trsm";
import { hashOf } from "../hash-key.ts";
import type { Journal } from "../journal/journal.ts";
import type { JournalEntry } from "../journal/journal-index.ts";

/** What resealing works with. */
export interface ResealParts {
  readonly journal: Journal;
  readonly module: TerminalModule;
}

/**
 * The recording that a contradicted segment moves to. It follows from the segment's h, so that a conflict that is
 * handled twice, because the power was cut in between, does not double the samples.
 */
export function conflictRecordingOf(entry: JournalEntry): RecordingId {
  return RecordingId.fromBytes(sha256(concatBytes(utf8("pericard/conflict"), hashOf(entry.key))).slice(0, 16));
}

/**
 * Seals a journalled segment anew, alone in a recording whose predecessor is the contradicted one, and marks the old one
 * done when the new one is durable.
 *
 * @throws {TerminalError} ERR_JOURNAL_ITEM_UNREADABLE, ERR_JOURNAL_DISK_FULL or ERR_JOURNAL_DISK.
 */
export function resealAsConflict({ journal, module }: ResealParts, entry: JournalEntry): RecordingId {
  const recording = conflictRecordingOf(entry);
  if (!hasRecording(journal, recording)) {
    const sealed = journal.read(entry);
    const { prev } = parseJournalledHeader(sealed);
    const { descriptor, codec, encoded } = module.openSegment(sealed);
    const predecessor = { recording: entry.place.recording, cause: "conflict" } as const;
    const place = { recording, stream: entry.place.stream, sequence: 0 };
    const anew = module.sealSegment(
      { ...place, prev, final: true },
      { descriptor: { ...descriptor, firstFrame: 0, predecessor }, codec, encoded },
    );
    journal.appendResealed(anew, place);
    journal.sync();
  }
  journal.markDone([entry]);
  return recording;
}

function hasRecording(journal: Journal, recording: RecordingId): boolean {
  for (const { place } of journal.entries()) if (place.recording === recording) return true;
  return false;
}
