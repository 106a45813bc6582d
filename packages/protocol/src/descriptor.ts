/**
 * What is in a segment: the first item of its plaintext.
 *
 * Source: docs/format.md §5.2; design of times in docs/format.md §5.3.
 */
import type { CborValue } from "./cbor.ts";
import { ProtocolError } from "./errors.ts";
import { readBytes, readInt, readOneOf, readOptional, readTuple, readUnixMs } from "./fields.ts";
import { BootId, RecordingId } from "./ids.ts";
import { FRAMES_PER_SEGMENT_MAX, OBSERVATIONS_PER_SEGMENT_MAX, SAMPLES_PER_SEGMENT_MAX } from "./limits.ts";
import { decodeShape, encodeShape, type WaveformShape } from "./waveform-shape.ts";

/** Number of the body kind in a descriptor and in a data package's Data_type. */
export const BODY_KIND = { waveform: 1, observation: 2 } as const;
export type BodyKind = (typeof BODY_KIND)[keyof typeof BODY_KIND];

/** Why a recording follows another one of its terminal. */
export const PREDECESSOR_CAUSES = ["start", "restart", "gap", "format", "patient", "duration", "conflict"] as const;
export type PredecessorCause = (typeof PREDECESSOR_CAUSES)[number];

/** A time as somebody's clock claims it; zone null when unknown. */
export interface ClaimedTime {
  /** -8.64e15 to 8.64e15. */
  readonly unixMs: number;
  /** Minutes east of UTC, -1080 to 1080. */
  readonly zoneOffsetMinutes: number | null;
}

/** What descriptors of every kind say. */
interface DescribedSegment {
  /** The terminal's run and its monotonic clock at the first frame; null when the data comes from a file. */
  readonly boot: { readonly bootId: BootId; readonly monotonicMs: number } | null;
  /** What the terminal's clock claims for the first frame. */
  readonly claimed: ClaimedTime | null;
  /** Number of the segment's first frame in its stream. In a stream of observations each one is a frame. */
  readonly firstFrame: number;
  readonly frameCount: number;
  /** The recording before this one of the same terminal; in sequence 0 alone. */
  readonly predecessor: { readonly recording: RecordingId; readonly cause: PredecessorCause } | null;
}

/** Descriptor of a segment of samples. */
export interface WaveformDescriptor extends DescribedSegment {
  readonly kind: typeof BODY_KIND.waveform;
  readonly shape: WaveformShape;
}

/** Descriptor of a segment of observations, at most 256. */
export interface ObservationDescriptor extends DescribedSegment {
  readonly kind: typeof BODY_KIND.observation;
  /** Each observation says itself what it is. */
  readonly shape: null;
}

/** Descriptor of any segment. */
export type SegmentDescriptor = WaveformDescriptor | ObservationDescriptor;

/** Largest number of a first frame: every frame of its segment has a safe integer. */
export const FIRST_FRAME_MAX = Number.MAX_SAFE_INTEGER - FRAMES_PER_SEGMENT_MAX;

/** Values of one segment of samples over all its leads. */
export function sampleCountOf(descriptor: Pick<WaveformDescriptor, "frameCount" | "shape">): number {
  return descriptor.frameCount * descriptor.shape.leads.reduce((sum, lead) => sum + lead.samplesPerFrame, 0);
}

/** Milliseconds from the start of its stream to a segment's first frame; 0 for observations, which have times of their own. */
export function msBeforeFirstFrame({ firstFrame, shape }: Pick<SegmentDescriptor, "firstFrame" | "shape">): number {
  return shape === null ? 0 : (firstFrame * 1000 * shape.frameRateHz.den) / shape.frameRateHz.num;
}

/** A descriptor as the CBOR value that {@link decodeDescriptor} takes. @throws {ProtocolError} as that does. */
export function encodeDescriptor(descriptor: SegmentDescriptor): CborValue {
  const { boot, claimed, predecessor, shape } = descriptor;
  const value = [
    descriptor.kind,
    boot && [BootId.toBytes(boot.bootId), boot.monotonicMs],
    claimed && encodeClaimedTime(claimed),
    descriptor.firstFrame,
    descriptor.frameCount,
    shape && encodeShape(shape),
    predecessor && [RecordingId.toBytes(predecessor.recording), predecessor.cause],
  ];
  decodeDescriptor(value);
  return value;
}

function decodeBoot(value: unknown): DescribedSegment["boot"] {
  const [bootId, monotonicMs] = readTuple("boot", value, 2);
  return {
    bootId: BootId.fromBytes(readBytes("boot id", bootId, 8)),
    monotonicMs: readUnixMs("monotonic", monotonicMs),
  };
}

/** A claimed time as the CBOR value that {@link decodeClaimedTime} takes. */
export function encodeClaimedTime({ unixMs, zoneOffsetMinutes }: ClaimedTime): CborValue {
  return [unixMs, zoneOffsetMinutes];
}

/** @throws {ProtocolError} ERR_FIELD_RANGE. */
export function decodeClaimedTime(value: unknown): ClaimedTime {
  const [unixMs, zone] = readTuple("claimed time", value, 2);
  return {
    unixMs: readInt("claimed time", unixMs, -8.64e15, 8.64e15),
    zoneOffsetMinutes: readOptional(zone, (minutes) => readInt("zone", minutes, -1080, 1080)),
  };
}

function decodePredecessor(value: unknown): DescribedSegment["predecessor"] {
  const [recording, cause] = readTuple("predecessor", value, 2);
  return {
    recording: RecordingId.fromBytes(recording),
    cause: readOneOf("predecessor cause", cause, PREDECESSOR_CAUSES),
  };
}

/** @throws {ProtocolError} ERR_FIELD_RANGE when a field is out of range, ERR_LENGTH_LIMIT when it declares too many samples. */
export function decodeDescriptor(value: unknown): SegmentDescriptor {
  const fields = readTuple("descriptor", value, 7);
  const kind = readInt("body kind", fields[0], BODY_KIND.waveform, BODY_KIND.observation) as BodyKind;
  const isWaveform = kind === BODY_KIND.waveform;
  const frameCountMax = isWaveform ? FRAMES_PER_SEGMENT_MAX : OBSERVATIONS_PER_SEGMENT_MAX;
  const described = {
    boot: readOptional(fields[1], decodeBoot),
    claimed: readOptional(fields[2], decodeClaimedTime),
    firstFrame: readInt("first frame", fields[3], 0, FIRST_FRAME_MAX),
    frameCount: readInt("frame count", fields[4], 0, frameCountMax),
  };
  const shape = isWaveform ? decodeShape(fields[5]) : readNoShape(fields[5]);
  const predecessor = readOptional(fields[6], decodePredecessor);
  if (shape === null) return { kind: BODY_KIND.observation, ...described, shape, predecessor };
  const descriptor = { kind: BODY_KIND.waveform, ...described, shape, predecessor };
  if (sampleCountOf(descriptor) <= SAMPLES_PER_SEGMENT_MAX) return descriptor;
  throw new ProtocolError("ERR_LENGTH_LIMIT", `segment declares more than ${SAMPLES_PER_SEGMENT_MAX} samples`);
}

function readNoShape(value: unknown): null {
  if (value === null) return null;
  throw new ProtocolError("ERR_FIELD_RANGE", "observations have a shape");
}

/** As {@link decodeDescriptor}, of samples alone. @throws {ProtocolError} ERR_FIELD_RANGE also for observations. */
export function decodeWaveformDescriptor(value: unknown): WaveformDescriptor {
  const descriptor = decodeDescriptor(value);
  if (descriptor.kind === BODY_KIND.waveform) return descriptor;
  throw new ProtocolError("ERR_FIELD_RANGE", "body kind is not waveform");
}
