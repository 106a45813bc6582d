/**
 * What a segment is against what is known of its stream: new, a repetition, or a contradiction.
 *
 * Segments are taken in any order. An unknown predecessor is no contradiction; a known one with another h is.
 *
 * Source: docs/format.md §5.4.
 */
import { equalBytes, type Conflict, type SegmentHeader, type WaveformDescriptor } from "@pericard/protocol";
import type { SegmentRow } from "../catalog/catalog.ts";

/** What is known of a stream around the segments in question. */
export interface StreamView {
  /** JSON of the recording's shape; null when nothing of the recording is known. */
  readonly shape: string | null;
  readonly highestSequence: number;
  readonly finalSequence: number | null;
  readonly rows: ReadonlyMap<number, SegmentRow>;
}

export type Verdict =
  | { readonly kind: "new" }
  | { readonly kind: "duplicate" }
  | { readonly kind: "conflict"; readonly cause: Conflict["cause"] };

/** A segment as the chain sees it. */
export interface Judged {
  readonly hash: Uint8Array;
  readonly header: Pick<SegmentHeader, "sequence" | "prev" | "final">;
  readonly descriptor: Pick<WaveformDescriptor, "firstFrame" | "frameCount" | "shape">;
}

const conflict = (cause: Conflict["cause"]): Verdict => ({ kind: "conflict", cause });

function breaksChain(view: StreamView, { hash, header }: Judged): boolean {
  const before = view.rows.get(header.sequence - 1);
  const after = view.rows.get(header.sequence + 1);
  const wrongBefore = before !== undefined && (header.prev === null || !equalBytes(before.hash, header.prev));
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

function overlaps(view: StreamView, { header, descriptor }: Judged): boolean {
  const { before, after } = neighbours(view, header.sequence);
  const startsEarly = before !== undefined && descriptor.firstFrame < before.firstFrame + before.frameCount;
  return startsEarly || (after !== undefined && descriptor.firstFrame + descriptor.frameCount > after.firstFrame);
}

function contradictsEnd(view: StreamView, { header }: Judged): boolean {
  const beyondEnd = view.finalSequence !== null && header.sequence > view.finalSequence;
  return beyondEnd || (header.final && view.highestSequence > header.sequence);
}

/** Judges one segment. */
export function judge(view: StreamView, segment: Judged): Verdict {
  const there = view.rows.get(segment.header.sequence);
  if (there) return equalBytes(there.hash, segment.hash) ? { kind: "duplicate" } : conflict("sequence");
  if (view.shape !== null && view.shape !== JSON.stringify(segment.descriptor.shape)) return conflict("shape");
  if (breaksChain(view, segment)) return conflict("chain");
  if (contradictsEnd(view, segment)) return conflict("final");
  return overlaps(view, segment) ? conflict("overlap") : { kind: "new" };
}

/** The view after a new segment was taken. */
export function withSegment(view: StreamView, { hash, header, descriptor }: Judged): StreamView {
  const { sequence, prev, final } = header;
  const row = { sequence, hash, prev, final, firstFrame: descriptor.firstFrame, frameCount: descriptor.frameCount };
  return {
    shape: view.shape ?? JSON.stringify(descriptor.shape),
    highestSequence: Math.max(view.highestSequence, sequence),
    finalSequence: final ? sequence : view.finalSequence,
    rows: new Map(view.rows).set(sequence, row),
  };
}
