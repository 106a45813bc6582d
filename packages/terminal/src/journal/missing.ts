/**
 * Which segments a damaged journal lost, told from the frames around each damaged run.
 *
 * Frame numbers rise by one, so the numbers on both sides of a run say how many frames it had. The segments missing of each
 * stream are those right before its first one after the run, at most that many, down to one that is there.
 *
 * Source: docs/format.md §10.4.
 */
import type { Scanned } from "@pericard/framelog";
import { parseJournalledHeader, ProtocolError, type JournalledHeader, type SegmentPlace } from "@pericard/protocol";
import { hashKeyOf, type HashKey } from "../hash-key.ts";
import { decodeItem, FRAME_KIND } from "./journal-frames.ts";

/** What is known of a journal's items. */
export interface KnownPlaces {
  /** Whether an item or a gap statement of that place is in the journal. */
  has(place: SegmentPlace): boolean;
  /** Whether the segment of that h was receipted or superseded. */
  isDone(key: HashKey): boolean;
}

/** Runs of bytes that are no frames, as one stream sees them. */
interface Run {
  readonly lostCountMax: number;
  /** The first segment of the stream after them. */
  readonly after: JournalledHeader;
}

/** The places that the damaged runs of a file held, as far as can be told, in order. */
export function findMissing(scanned: Iterable<Scanned>, known: KnownPlaces): readonly SegmentPlace[] {
  const missing: SegmentPlace[] = [];
  for (const run of findRuns(scanned)) missing.push(...placesBefore(run, known));
  return missing;
}

function* findRuns(scanned: Iterable<Scanned>): Generator<Run> {
  /** Lost frames, and the streams of which something came since. */
  const gone: { readonly lostCount: number; readonly seen: Set<string> }[] = [];
  let previousNumber: number | undefined;
  let inRun = false;
  for (const entry of scanned) {
    if (entry.kind !== "frame") {
      inRun = true;
      continue;
    }
    const { kind, number, content } = entry.frame;
    if (inRun)
      gone.push({ lostCount: previousNumber === undefined ? number : number - previousNumber - 1, seen: new Set() });
    // A file's header has the number of the frame after it, so it counts none itself.
    previousNumber = kind === 0 ? number - 1 : number;
    inRun = false;
    const after = gone.length > 0 && kind === FRAME_KIND.item ? headerOf(content) : undefined;
    if (!after) continue;
    const stream = `${after.recording}/${after.stream}`;
    const before = gone.filter(({ seen }) => !seen.has(stream));
    for (const { seen } of before) seen.add(stream);
    const lostCountMax = before.reduce((sum, { lostCount }) => sum + lostCount, 0);
    if (lostCountMax > 0) yield { lostCountMax, after };
  }
}

function headerOf(content: Uint8Array): JournalledHeader | undefined {
  try {
    return parseJournalledHeader(decodeItem(content).sealed);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

function placesBefore({ lostCountMax, after }: Run, known: KnownPlaces): readonly SegmentPlace[] {
  const places: SegmentPlace[] = [];
  const { recording, stream, sequence, prev } = after;
  for (let lost = sequence - 1; lost >= 0 && sequence - lost <= lostCountMax; lost -= 1) {
    const place = { recording, stream, sequence: lost };
    if (known.has(place)) break;
    // Only the last lost segment's h is known: the one after it names it.
    const isDone = lost === sequence - 1 && prev !== null && known.isDone(hashKeyOf(prev));
    if (!isDone) places.unshift(place);
  }
  return places;
}
