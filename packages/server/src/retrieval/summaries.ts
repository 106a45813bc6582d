/** Summaries of a stretch of a recording in as many buckets as a screen has room for. */
import { releaseBytes, type WaveformShape } from "@pericard/protocol";
import type { Catalog, RecordingRow, SegmentPlacement, StreamRow, SummaryRow } from "../catalog/catalog.ts";
import { ServerError } from "../errors.ts";
import type { DecodedSegment, SealedSummary } from "./decode-thread.ts";
import { shapeOf } from "./describe.ts";
import type { RecordingKeys } from "../keys/recordings.ts";
import { segmentsOf, type Stretch } from "./samples.ts";
import type { SegmentReader } from "./segment-reader.ts";
import { minMaxOf, NO_SAMPLE, SUMMARY_BUCKET_FRAMES, type Summary } from "./summary.ts";

/** Buckets of one answer. */
export const BUCKETS_MAX = 8192;
/** Values that are decoded for one answer; beyond it stored summaries stand for narrow buckets too. */
const DECODED_VALUES_MAX = 16_000_000;

export interface SummaryParts {
  readonly catalog: Catalog;
  readonly reader: SegmentReader;
  readonly recordingKeys: RecordingKeys;
}

export interface StretchSummary {
  readonly framesPerBucket: number;
  /** Min and max per bucket of each lead. */
  readonly leads: readonly Int32Array[];
}

/** Widens one bucket of a lead by a stored pair. */
function widen(lead: Int32Array, at: number, min: number, max: number): void {
  const empty = lead[at] === NO_SAMPLE;
  lead[at] = empty ? min : Math.min(lead[at] as number, min);
  lead[at + 1] = empty ? max : Math.max(lead[at + 1] as number, max);
}

/** Takes a stored summary into every bucket of an answer that its buckets touch. */
function merge(target: StretchSummary, stretch: Stretch, segment: SegmentPlacement, summary: Summary): void {
  const segmentEnd = segment.firstFrame + segment.frameCount;
  for (let bucket = 0; bucket < summary.bucketCount; bucket += 1) {
    const from = Math.max(segment.firstFrame + bucket * summary.bucketFrames, stretch.fromFrame);
    const to = Math.min(segment.firstFrame + (bucket + 1) * summary.bucketFrames, segmentEnd, stretch.toFrame);
    if (from >= to) continue;
    const first = Math.floor((from - stretch.fromFrame) / target.framesPerBucket);
    const last = Math.floor((to - 1 - stretch.fromFrame) / target.framesPerBucket);
    for (const [i, pairs] of summary.leads.entries()) {
      const [min, max] = [pairs[2 * bucket] as number, pairs[2 * bucket + 1] as number];
      const lead = target.leads[i];
      if (min === NO_SAMPLE || !lead) continue;
      for (let at = first; at <= last; at += 1) widen(lead, 2 * at, min, max);
    }
  }
}

/** Takes samples into the buckets of an answer, exactly. */
function mergeSamples(target: StretchSummary, stretch: Stretch, shape: WaveformShape, segment: DecodedSegment): void {
  const { framesPerBucket } = target;
  const end = Math.min(segment.firstFrame + segment.frameCount, stretch.toFrame);
  for (let from = Math.max(segment.firstFrame, stretch.fromFrame); from < end;) {
    const bucket = Math.floor((from - stretch.fromFrame) / framesPerBucket);
    const to = Math.min(end, stretch.fromFrame + (bucket + 1) * framesPerBucket);
    for (const [i, { samplesPerFrame, missingCode }] of shape.leads.entries()) {
      const [samples, lead] = [segment.leads[i], target.leads[i]];
      if (!samples || !lead) continue;
      const place = (frame: number): number => (frame - segment.firstFrame) * samplesPerFrame;
      const [min, max] = minMaxOf(samples, place(from), place(to), missingCode);
      if (min !== NO_SAMPLE || max !== NO_SAMPLE) widen(lead, 2 * bucket, min, max);
    }
    from = to;
  }
}

/** A summary as the catalog keeps it. */
export function summaryRow({ sequence, suspect, sealed }: SealedSummary): SummaryRow {
  return { sequence, suspect, sealed };
}

/** Stored summaries of segments; those that are not there yet are made now and kept. */
async function obtainSummaries(
  parts: SummaryParts,
  row: RecordingRow,
  { stream, shape }: StreamRow,
  placements: readonly SegmentPlacement[],
): Promise<ReadonlyMap<number, Summary>> {
  const { catalog, reader, recordingKeys } = parts;
  const [first, last] = [placements[0]?.sequence ?? 0, placements.at(-1)?.sequence ?? 0];
  const { dataKey } = await recordingKeys.get(row.id);
  const leadCount = (JSON.parse(shape) as WaveformShape).leads.length;
  const stored = await catalog.findSummaries(row.key, stream, first, last);
  const opened = await reader.decoder.openSummaries(stored, { recording: row.id, stream, dataKey }, leadCount);
  const found = new Map<number, Summary>();
  for (const [i, { sequence }] of stored.entries()) {
    const summary = opened[i];
    if (summary) found.set(sequence, summary);
  }
  const missing = placements.filter(({ sequence }) => !found.has(sequence));
  const made = await reader.summarise(row.id, stream, missing);
  for (const { sequence, summary } of made) found.set(sequence, summary);
  if (made.length > 0) await catalog.storeSummaries(row.key, stream, made.map(summaryRow));
  return found;
}

/**
 * Least and greatest values over a stretch: exact in buckets that are narrower than a stored one; in wider ones values of
 * up to 63 frames beyond a bucket's ends may be in it too, and none of its own is missing.
 *
 * @throws {ServerError} ERR_REQUEST_RANGE when the stretch is empty or the buckets are none or more than 8192.
 */
export async function readSummary(
  parts: SummaryParts,
  row: RecordingRow,
  stream: StreamRow,
  stretch: Stretch,
  bucketCount: number,
): Promise<StretchSummary> {
  const frameCount = stretch.toFrame - stretch.fromFrame;
  if (stretch.fromFrame < 0 || frameCount < 1 || bucketCount < 1 || bucketCount > BUCKETS_MAX) {
    throw new ServerError("ERR_REQUEST_RANGE", `stretch or buckets are out of range: 1 to ${BUCKETS_MAX} buckets`);
  }
  const shape = shapeOf(stream);
  const target: StretchSummary = {
    framesPerBucket: Math.max(1, Math.ceil(frameCount / bucketCount)),
    leads: shape.leads.map(() => new Int32Array(2 * bucketCount).fill(NO_SAMPLE)),
  };
  const valuesPerFrame = shape.leads.reduce((sum, lead) => sum + lead.samplesPerFrame, 0);
  const isNarrow = target.framesPerBucket < SUMMARY_BUCKET_FRAMES && frameCount * valuesPerFrame <= DECODED_VALUES_MAX;
  for await (const placements of segmentsOf(parts.catalog, row.key, stream.stream, stretch)) {
    if (isNarrow) {
      for (const segment of await parts.reader.readSegments(row.id, placements)) {
        mergeSamples(target, stretch, shape, segment);
        segment.leads.forEach(releaseBytes);
      }
      continue;
    }
    const summaries = await obtainSummaries(parts, row, stream, placements);
    for (const placement of placements) {
      const summary = summaries.get(placement.sequence);
      if (summary) merge(target, stretch, placement, summary);
    }
  }
  return target;
}
