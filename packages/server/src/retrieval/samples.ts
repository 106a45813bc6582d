/** Exact samples of a stretch of a recording. */
import { releaseBytes, type WaveformShape } from "@pericard/protocol";
import type { Catalog, RecordingRow, SegmentPlacement, StreamRow } from "../catalog/catalog.ts";
import { ServerError } from "../errors.ts";
import type { DecodedSegment } from "./decode-thread.ts";
import type { SegmentReader } from "./segment-reader.ts";
import { NO_SAMPLE } from "./summary.ts";

/** Longest stretch of one answer, in seconds and in values. */
export const SAMPLES_SECONDS_MAX = 60;
const VALUES_MAX = 4_000_000;
const SEGMENTS_PER_READ = 512;

/** What stands where a lead has no sample: the lead's own code, or one value for all. */
export type MissingStyle = "code" | "sentinel";

export interface Stretch {
  readonly fromFrame: number;
  readonly toFrame: number;
}

/** Refuses what is no stretch: a validator takes Infinity for an integer. @throws {ServerError} ERR_REQUEST_RANGE. */
export function requireStretch({ fromFrame, toFrame }: Stretch): void {
  if (Number.isSafeInteger(fromFrame) && Number.isSafeInteger(toFrame)) return;
  throw new ServerError("ERR_REQUEST_RANGE", `frames ${fromFrame} to ${toFrame} are no stretch`);
}

/** A stretch inside the recording and not longer than one answer may be. @throws {ServerError} ERR_REQUEST_RANGE. */
export function clampStretch({ endFrame }: StreamRow, shape: WaveformShape, asked: Stretch): Stretch {
  const { fromFrame } = asked;
  const framesMax = Math.floor((SAMPLES_SECONDS_MAX * shape.frameRateHz.num) / shape.frameRateHz.den) + 1;
  const perFrame = shape.leads.reduce((sum, lead) => sum + lead.samplesPerFrame, 0);
  const longest = Math.min(framesMax, Math.floor(VALUES_MAX / perFrame));
  const toFrame = Math.min(asked.toFrame, endFrame, fromFrame + longest);
  if (fromFrame < 0 || asked.toFrame < fromFrame || fromFrame > endFrame) {
    throw new ServerError("ERR_REQUEST_RANGE", `frames ${fromFrame} to ${asked.toFrame} are not in 0 to ${endFrame}`);
  }
  return { fromFrame, toFrame: Math.max(fromFrame, toFrame) };
}

function fillOf(missingCode: number | null, style: MissingStyle): number {
  return style === "code" ? (missingCode ?? NO_SAMPLE) : NO_SAMPLE;
}

/** Copies the part of a segment that lies in the stretch. */
function place(shape: WaveformShape, target: readonly Int32Array[], stretch: Stretch, segment: DecodedSegment): void {
  const from = Math.max(stretch.fromFrame, segment.firstFrame);
  const to = Math.min(stretch.toFrame, segment.firstFrame + segment.frameCount);
  for (const [i, { samplesPerFrame }] of shape.leads.entries()) {
    const part = segment.leads[i]?.subarray(
      (from - segment.firstFrame) * samplesPerFrame,
      (to - segment.firstFrame) * samplesPerFrame,
    );
    if (part) target[i]?.set(part, (from - stretch.fromFrame) * samplesPerFrame);
  }
}

function markMissing(shape: WaveformShape, leads: readonly Int32Array[]): void {
  for (const [i, { missingCode }] of shape.leads.entries()) {
    const lead = leads[i];
    if (missingCode === null || !lead) continue;
    for (let at = lead.indexOf(missingCode); at >= 0; at = lead.indexOf(missingCode, at + 1)) lead[at] = NO_SAMPLE;
  }
}

/** The segments of a stretch in order, some hundreds at a time. */
export async function* segmentsOf(
  catalog: Catalog,
  recordingKey: number,
  stream: number,
  { fromFrame, toFrame }: Stretch,
): AsyncGenerator<readonly SegmentPlacement[]> {
  for (let from = fromFrame; from < toFrame;) {
    const placements = await catalog.findSegments(recordingKey, stream, from, toFrame, SEGMENTS_PER_READ);
    yield placements;
    const last = placements.at(-1);
    if (!last || placements.length < SEGMENTS_PER_READ) return;
    from = last.firstFrame + Math.max(1, last.frameCount);
  }
}

/** Samples of every lead over the stretch, oldest first. @throws {ServerError} ERR_DATA_UNREADABLE. */
export async function readSamples(
  catalog: Catalog,
  reader: SegmentReader,
  row: RecordingRow,
  stream: StreamRow,
  stretch: Stretch,
  style: MissingStyle,
): Promise<readonly Int32Array[]> {
  const shape = JSON.parse(stream.shape) as WaveformShape;
  const frameCount = stretch.toFrame - stretch.fromFrame;
  const leads = shape.leads.map(({ samplesPerFrame, missingCode }) =>
    new Int32Array(frameCount * samplesPerFrame).fill(fillOf(missingCode, style)),
  );
  for await (const placements of segmentsOf(catalog, row.key, stream.stream, stretch)) {
    for (const segment of await reader.readSegments(row.id, placements)) {
      place(shape, leads, stretch, segment);
      segment.leads.forEach(releaseBytes);
    }
  }
  if (style === "sentinel") markMissing(shape, leads);
  return leads;
}
