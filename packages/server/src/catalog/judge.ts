/**
 * What a segment is against what is known of its stream: new, a repetition, or a contradiction.
 *
 * Segments are taken in any order. An unknown predecessor is no contradiction; a known one with another h is.
 *
 * Source: docs/format.md §5.4.
 */
import { equalBytes, type Conflict } from "@pericard/protocol";
import type { RecordingChain, RecordingFacts, SegmentRow } from "./catalog.ts";

/** What is known of a stream around the segments in question. */
export interface StreamView {
  /** As in a StreamRow; null when nothing of the stream is known. */
  readonly shape: string | null;
  readonly highestSequence: number;
  readonly finalSequence: number | null;
  readonly rows: ReadonlyMap<number, SegmentRow>;
}

export type Verdict =
  | { readonly kind: "new" }
  | { readonly kind: "duplicate" }
  | { readonly kind: "conflict"; readonly cause: Conflict["cause"] };

const EMPTY_VIEW: StreamView = { shape: null, highestSequence: -1, finalSequence: null, rows: new Map() };

/** The view that a catalog's answer gives. */
export function viewOf(chain: RecordingChain | null): StreamView {
  if (!chain) return EMPTY_VIEW;
  return { ...chain, rows: new Map(chain.rows.map((row) => [row.sequence, row])) };
}

/** What must be the same in all segments of a stream, as text that is the same when it is. */
export function shapeText({ shape }: Pick<RecordingFacts["descriptor"], "shape">): string {
  return JSON.stringify(shape);
}

const conflict = (cause: Conflict["cause"]): Verdict => ({ kind: "conflict", cause });

function breaksChain(view: StreamView, { hash, sequence, prev }: SegmentRow): boolean {
  const before = view.rows.get(sequence - 1);
  const after = view.rows.get(sequence + 1);
  const wrongBefore = before !== undefined && (prev === null || !equalBytes(before.hash, prev));
  return wrongBefore || (after !== undefined && (after.prev === null || !equalBytes(after.prev, hash)));
}

/** The nearest known segments on both sides of a place. */
function neighbours(view: StreamView, sequence: number) {
  let before: SegmentRow | undefined;
  let after: SegmentRow | undefined;
  for (const row of view.rows.values()) {
    if (row.sequence < sequence && row.sequence > (before?.sequence ?? -1)) before = row;
    if (row.sequence > sequence && row.sequence < (after?.sequence ?? Infinity)) after = row;
  }
  return { before, after };
}

function overlaps(view: StreamView, { sequence, firstFrame, frameCount }: SegmentRow): boolean {
  const { before, after } = neighbours(view, sequence);
  const startsEarly = before !== undefined && firstFrame < before.firstFrame + before.frameCount;
  return startsEarly || (after !== undefined && firstFrame + frameCount > after.firstFrame);
}

function contradictsEnd(view: StreamView, { sequence, final }: SegmentRow): boolean {
  const beyondEnd = view.finalSequence !== null && sequence > view.finalSequence;
  return beyondEnd || (final && view.highestSequence > sequence);
}

/** Judges one segment by its place alone. */
export function judgePlace(view: StreamView, segment: SegmentRow): Verdict {
  const there = view.rows.get(segment.sequence);
  if (!there) return { kind: "new" };
  return equalBytes(there.hash, segment.hash) ? { kind: "duplicate" } : conflict("sequence");
}

/** Judges one segment. @param shape its {@link shapeText}. */
export function judge(view: StreamView, segment: SegmentRow, shape: string): Verdict {
  const verdict = judgePlace(view, segment);
  if (verdict.kind !== "new") return verdict;
  if (view.shape !== null && view.shape !== shape) return conflict("shape");
  if (breaksChain(view, segment)) return conflict("chain");
  if (contradictsEnd(view, segment)) return conflict("final");
  return overlaps(view, segment) ? conflict("overlap") : verdict;
}

/** The view after a new segment was taken. */
export function withSegment(view: StreamView, segment: SegmentRow, shape: string): StreamView {
  const { sequence, final } = segment;
  return {
    shape: view.shape ?? shape,
    highestSequence: Math.max(view.highestSequence, sequence),
    finalSequence: final ? sequence : view.finalSequence,
    rows: new Map(view.rows).set(sequence, segment),
  };
}
