/** Choosing what one request carries. Pure. */
import { SEGMENTS_PER_ENVELOPE_MAX } from "@pericard/protocol";
import type { JournalEntry } from "../journal/journal-index.ts";
import type { Deliveries } from "./deliveries.ts";

/** An envelope's segments, in bytes of the journal, at most; one segment may be more. */
export const ENVELOPE_BATCH_BYTES_MAX = 1024 * 1024;

/** What a lane may send now, and when to look again when that is nothing. */
export interface Batch {
  readonly entries: readonly JournalEntry[];
  readonly sizeBytes: number;
  /** Whether nothing more would fit. */
  readonly full: boolean;
  /** The monotonic clock when the next item is due; infinite when none is. */
  readonly nextDueMs: number;
}

/**
 * The oldest items that are due: 1 to 64 segments, or one gap statement, or one segment that travels alone.
 *
 * @param candidates oldest first. @param bytesMax of all segments together; a first one may be larger.
 */
export function pickBatch(
  candidates: Iterable<JournalEntry>,
  deliveries: Deliveries,
  nowMs: number,
  bytesMax: number,
): Batch {
  const entries: JournalEntry[] = [];
  let sizeBytes = 0;
  let nextDueMs = Number.POSITIVE_INFINITY;
  for (const entry of candidates) {
    const dueAtMs = deliveries.dueAtMs(entry);
    if (dueAtMs > nowMs) {
      nextDueMs = Math.min(nextDueMs, dueAtMs);
      continue;
    }
    const isSingle = entry.kind === "gap" || deliveries.travelsAlone(entry);
    if (isSingle && entries.length === 0) return { ...one(entry), nextDueMs };
    const fits = sizeBytes + entry.position.sizeBytes <= bytesMax || entries.length === 0;
    if (isSingle || !fits) return { entries, sizeBytes, full: true, nextDueMs };
    entries.push(entry);
    sizeBytes += entry.position.sizeBytes;
    if (entries.length === SEGMENTS_PER_ENVELOPE_MAX) return { entries, sizeBytes, full: true, nextDueMs };
  }
  return { entries, sizeBytes, full: false, nextDueMs };
}

function one(entry: JournalEntry) {
  return { entries: [entry], sizeBytes: entry.position.sizeBytes, full: true };
}
