/**
 * Min/max buckets to columns: each spans its lowest to its highest sample and touches its neighbours. Their sides lie on
 * device pixels: half-covered ones would let the ground show between two columns as stripes.
 */
import { MISSING_ADU } from "../api/types.ts";
import type { SummaryBlock } from "../api/types.ts";
import { snapped, xOfFrame, yOfAdu } from "../paper/mapping.ts";
import type { RowMapping, TimeMapping } from "../paper/mapping.ts";
import type { TraceWindow } from "./trace-samples.ts";

/** Receives one column; CSS px, `topPx` ≤ `bottomPx`. */
export type ColumnSink = (leftPx: number, topPx: number, widthPx: number, bottomPx: number) => void;

/** Least height of a column, so that a flat line stays visible, CSS px. */
const COLUMN_HEIGHT_MIN_PX = 1;

/** Emits the columns of one lead of one block, left to right. Empty buckets emit nothing and are not bridged. */
export function traceSummary(
  sink: ColumnSink,
  block: SummaryBlock,
  time: TimeMapping,
  row: RowMapping,
  window: TraceWindow,
): void {
  const pairs = block.leads[row.leadIndex];
  if (pairs === undefined) return;
  const bucketAt = (frame: number): number => (frame + row.skewFrames - block.fromFrame) / block.framesPerBucket;
  const from = Math.max(0, Math.floor(bucketAt(window.fromFrame)));
  const to = Math.min(block.bucketCount, Math.ceil(bucketAt(window.toFrame)));
  const sideOf = (bucket: number): number =>
    snapped(xOfFrame(time, block.fromFrame + bucket * block.framesPerBucket - row.skewFrames), window.devicePixelRatio);
  let before: readonly [number, number] | undefined;
  for (let bucket = from; bucket < to; bucket++) {
    const span = spanOf(pairs, bucket, row);
    if (span !== undefined) {
      const left = sideOf(bucket);
      const widthPx = Math.max(1 / window.devicePixelRatio, sideOf(bucket + 1) - left);
      const [top, bottom] = bridged(span, before);
      sink(left, top, widthPx, Math.max(bottom, top + COLUMN_HEIGHT_MIN_PX));
    }
    before = span;
  }
}

function spanOf(pairs: Int32Array, bucket: number, row: RowMapping): readonly [number, number] | undefined {
  const min = pairs[2 * bucket] ?? MISSING_ADU;
  const max = pairs[2 * bucket + 1] ?? MISSING_ADU;
  if (min === MISSING_ADU || max === MISSING_ADU) return undefined;
  const ends = [yOfAdu(row, min), yOfAdu(row, max)] as const;
  return [Math.min(...ends), Math.max(...ends)];
}

/** Extends a span to reach the one before it: neighbouring samples are joined on paper. */
function bridged(
  [top, bottom]: readonly [number, number],
  before: readonly [number, number] | undefined,
): readonly [number, number] {
  if (before === undefined) return [top, bottom];
  return [Math.min(top, before[1]), Math.max(bottom, before[0])];
}
