/** What is in fetched segments: samples or observations, and samples in one row with what is missing between them. */
import { BYTE_CODECS, EcgError, getSegmentCodec, type SampleBlock } from "@pericard/ecg";
import {
  BODY_KIND,
  decodeObservations,
  decodeSegmentBody,
  OBSERVATIONS_BYTES_MAX,
  sampleCountOf,
  type Observation,
  type SegmentBody,
  type WaveformDescriptor,
  type WaveformShape,
} from "@pericard/protocol";
import { CliError } from "../errors.ts";
import type { KeptSegment } from "./fetched-part.ts";

/** What stands where a lead without a code of its own has no sample. */
const NO_SAMPLE = -0x8000_0000;
/** Frames of one block of missing samples. */
const FILL_FRAMES = 10_000;
/** A recording ends after a day: more than two declare what cannot be. */
const SECONDS_MAX = 2 * 86_400;

/** Samples of a segment, lead after lead. @throws {EcgError} when they are not what the descriptor declares. */
export function samplesOf(descriptor: WaveformDescriptor, { codec, encoded }: SegmentBody): readonly Int32Array[] {
  const { shape, frameCount } = descriptor;
  const limits = { leadCountMax: shape.leads.length, sampleCountMax: sampleCountOf(descriptor) };
  const leads = getSegmentCodec(codec).decode(encoded, limits);
  const fits = shape.leads.every((lead, i) => leads[i]?.length === frameCount * lead.samplesPerFrame);
  if (fits && leads.length === shape.leads.length) return leads;
  throw new EcgError("ERR_SAMPLES_SHAPE", "samples do not have the declared count");
}

/** @throws {ProtocolError} or {EcgError} when they are not what the descriptor declares. */
export function observationsOf({ descriptor, codec, encoded }: SegmentBody): readonly Observation[] {
  const bytes = codec === "gzip" ? BYTE_CODECS.gzip.decode(encoded, OBSERVATIONS_BYTES_MAX) : encoded;
  return decodeObservations(bytes, descriptor.frameCount);
}

/** The descriptor of a segment of samples; undefined for one of observations. */
export function waveformIn({ bytes }: KeptSegment): WaveformDescriptor | undefined {
  const { descriptor } = decodeSegmentBody(bytes);
  return descriptor.kind === BODY_KIND.waveform ? descriptor : undefined;
}

function* missing({ leads }: WaveformShape, frameCount: number): Generator<SampleBlock> {
  for (let left = frameCount; left > 0; left -= FILL_FRAMES) {
    const count = Math.min(left, FILL_FRAMES);
    const fill = leads.map(({ samplesPerFrame, missingCode }) =>
      new Int32Array(count * samplesPerFrame).fill(missingCode ?? NO_SAMPLE),
    );
    yield { frameCount: count, leads: fill };
  }
}

/** All samples from frame 0 on. @throws {CliError} ERR_EXPORT when segments overlap or lie where none can. */
export function* blocksOf(segments: Iterable<KeptSegment>): Generator<SampleBlock> {
  let nextFrame = 0;
  for (const segment of segments) {
    const body = decodeSegmentBody(segment.bytes);
    const { descriptor } = body;
    if (descriptor.kind !== BODY_KIND.waveform)
      throw new CliError("ERR_EXPORT", "stream changes from samples to others");
    const { firstFrame, frameCount, shape } = descriptor;
    const framesMax = (SECONDS_MAX * shape.frameRateHz.num) / shape.frameRateHz.den;
    if (firstFrame < nextFrame || firstFrame + frameCount > framesMax) {
      throw new CliError("ERR_EXPORT", `segment ${segment.sequence} begins at frame ${firstFrame}, which cannot be`);
    }
    yield* missing(shape, firstFrame - nextFrame);
    yield { frameCount, leads: samplesOf(descriptor, body) };
    nextFrame = firstFrame + frameCount;
  }
}
