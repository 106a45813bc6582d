/**
 * Samples to a path. Up to two samples a device pixel every sample is a point; beyond that each group of samples that
 * share a pixel gives its first, lowest, highest and last one at their own places, which colours the same pixels; a group
 * that is flat to half a pixel gives its first alone, and its last where the line ends.
 * Groups are counted from the recording's start, so that the trace does not shimmer while it is moved.
 */
import { MISSING_ADU } from "../api/types.ts";
import type { SampleBlock } from "../api/types.ts";
import { frameOfSample, xOfFrame, yOfAdu } from "../paper/mapping.ts";
import type { RowMapping, TimeMapping } from "../paper/mapping.ts";
import type { PathPen } from "./path-pen.ts";

/** Frames on the common time axis that must be drawn, and how fine. */
export interface TraceWindow {
  readonly fromFrame: number;
  readonly toFrame: number;
  readonly devicePixelRatio: number;
}

/** Range within a group that no screen can show, device px. */
const FLAT_DEVICE_PX = 0.5;

/** Adds one block of one lead. The pen stays down at the end, so that the next block joins if it is adjacent. */
export function traceSamples(
  pen: PathPen,
  block: SampleBlock,
  time: TimeMapping,
  row: RowMapping,
  window: TraceWindow,
): void {
  const samples = block.leads[row.leadIndex];
  if (samples === undefined) return pen.lift();
  const perFrame = row.samplesPerFrame;
  const indexOf = (frame: number): number => (frame + row.skewFrames - block.fromFrame) * perFrame;
  const from = Math.max(0, Math.floor(indexOf(window.fromFrame)) - 1);
  const to = Math.min(samples.length, Math.ceil(indexOf(window.toFrame)) + 2);
  if (from > 0) pen.lift();
  const groupSize = Math.floor(perFrame / (time.pxPerFrame * window.devicePixelRatio));
  const point = (index: number): void =>
    pen.to(xOfFrame(time, frameOfSample(row, block.fromFrame, index)), yOfAdu(row, samples[index] ?? 0));
  const flatAdu = FLAT_DEVICE_PX / Math.max(Math.abs(row.pxPerAdu) * window.devicePixelRatio, Number.MIN_VALUE);
  const grouping = { size: groupSize, firstSample: block.fromFrame * perFrame, flatAdu };
  if (groupSize <= 2) traceEach(pen, samples, from, to, point);
  else traceGroups(pen, samples, from, to, point, grouping);
  if (to < samples.length) pen.lift();
}

interface Grouping {
  /** Samples of a group. */
  readonly size: number;
  /** Number of the block's first sample since the recording's start. */
  readonly firstSample: number;
  /** Groups whose range is below this are flat. */
  readonly flatAdu: number;
}

function traceEach(pen: PathPen, samples: Int32Array, from: number, to: number, point: (index: number) => void): void {
  for (let index = from; index < to; index++) {
    if (samples[index] === MISSING_ADU) pen.lift();
    else point(index);
  }
}

function traceGroups(
  pen: PathPen,
  samples: Int32Array,
  from: number,
  to: number,
  point: (index: number) => void,
  { size, firstSample, flatAdu }: Grouping,
): void {
  let start = from;
  while (start < to) {
    if (samples[start] === MISSING_ADU) {
      pen.lift();
      start += 1;
      continue;
    }
    const groupEnd = (Math.floor((firstSample + start) / size) + 1) * size - firstSample;
    start = traceGroup(samples, start, Math.min(groupEnd, to), point, flatAdu);
  }
}

/** Draws one group up to a missing sample, and returns the index after what was drawn. */
function traceGroup(
  samples: Int32Array,
  from: number,
  to: number,
  point: (index: number) => void,
  flatAdu: number,
): number {
  let low = from;
  let high = from;
  let end = from;
  for (; end < to; end++) {
    const value = samples[end] ?? MISSING_ADU;
    if (value === MISSING_ADU) break;
    if (value < (samples[low] ?? 0)) low = end;
    if (value > (samples[high] ?? 0)) high = end;
  }
  const flat = (samples[high] ?? 0) - (samples[low] ?? 0) < flatAdu;
  const isLast = end === samples.length || samples[end] === MISSING_ADU;
  const flatPoints = isLast ? [from, end - 1] : [from];
  let last = -1;
  for (const index of flat ? flatPoints : [from, Math.min(low, high), Math.max(low, high), end - 1]) {
    if (index > last) point(index);
    last = Math.max(last, index);
  }
  return end;
}
