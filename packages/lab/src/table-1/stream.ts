/** The streams that are compressed: raw samples as a terminal has them, interleaved and little-endian. Source: paper A §III. */
import {
  createSynthesiser,
  deinterleave,
  interleave,
  type SynthesiserOptions,
  type WaveformFormat,
} from "@pericard/ecg";
import { openWfdbSource } from "@pericard/terminal";
import { basename } from "node:path";

/** One stream. */
export interface Stream {
  readonly name: string;
  /** What it is, for people. */
  readonly description: string;
  readonly format: WaveformFormat;
  readonly bytes: Uint8Array;
  /** 2, or 4 where a sample does not fit. */
  readonly sampleBytes: 2 | 4;
  /** Frames that `bytes` holds. */
  readonly frameCount: number;
}

const BLOCK_FRAMES = 5000;
const FRAME_BYTES = 24;
const CALM = { heartRateDeviationBpm: 0, noiseUv: 0, wanderUv: 0 } as const;
/** At 60 beats a minute and 500 Hz one beat is 500 frames exactly. */
const BEAT_FRAMES = 500;
/** What deduplication left of the paper's file. */
const NEW_SHARE = 0.515;

/** The synthetic streams, one after the other, each of `sizeBytes` rounded down to whole frames. */
export function* syntheticStreams(sizeBytes: number): Generator<Stream> {
  const frameCount = Math.floor(sizeBytes / FRAME_BYTES);
  yield synthetic("noisy", "synthetic ECG with noise, wander and a varying heart rate", {}, frameCount, frameCount);
  const beat = { ...CALM, heartRateBpm: 60 };
  yield synthetic("periodic", "noise-free ECG generator: one beat again and again", beat, BEAT_FRAMES, frameCount);
  const varying = { noiseUv: 0, wanderUv: 0, heartRateDeviationBpm: 3 };
  // Whole blocks, where there are some: what is compressed in pieces of 10 s then comes again in whole pieces.
  const newBlocks = Math.round((frameCount * NEW_SHARE) / BLOCK_FRAMES);
  const newFrames = newBlocks > 0 ? newBlocks * BLOCK_FRAMES : Math.ceil(frameCount * NEW_SHARE);
  const description = "noise-free, every beat of another length; after 51.5 % it is played again from its beginning";
  yield synthetic("replayed", description, varying, newFrames, frameCount);
}

/** `newFrames` frames of the synthesiser, again and again until there are `frameCount`. */
function synthetic(
  name: string,
  description: string,
  options: Omit<SynthesiserOptions, "seed">,
  newFrames: number,
  frameCount: number,
): Stream {
  const synthesiser = createSynthesiser({ seed: 1, ...options });
  const perFrame = synthesiser.format.leads.map(() => 1);
  const bytes = new Uint8Array(frameCount * FRAME_BYTES);
  const newEnd = Math.min(newFrames, frameCount);
  for (let frame = 0; frame < newEnd; frame += BLOCK_FRAMES) {
    const { leads } = synthesiser.block(frame, Math.min(BLOCK_FRAMES, newEnd - frame));
    bytes.set(new Uint8Array(Int16Array.from(interleave(leads, perFrame)).buffer), frame * FRAME_BYTES);
  }
  for (let at = newEnd * FRAME_BYTES; at < bytes.length; at += newEnd * FRAME_BYTES) {
    bytes.copyWithin(at, 0, Math.min(newEnd * FRAME_BYTES, bytes.length - at));
  }
  return { name, description, format: synthesiser.format, bytes, sampleBytes: 2, frameCount };
}

/** A WFDB record, from its beginning to `sizeBytes` at most. It is not repeated: that would make what dedup looks for.
 * @throws what `openWfdbSource` and its blocks throw. */
export async function recordedStream(headerPath: string, sizeBytes: number): Promise<Stream> {
  const source = await openWfdbSource(headerPath);
  const perFrame = source.format.leads.map((lead) => lead.samplesPerFrame);
  const blocks: Int32Array[] = [];
  let frameCount = 0;
  let sampleCount = 0;
  for await (const block of source.blocks(0, new AbortController().signal)) {
    blocks.push(interleave(block.leads, perFrame));
    frameCount += block.frameCount;
    sampleCount += blocks.at(-1)?.length ?? 0;
    if (sampleCount * 2 >= sizeBytes) break;
  }
  const fits = blocks.every((block) => block.every((value) => (value << 16) >> 16 === value));
  const parts = blocks.map((block) => new Uint8Array((fits ? Int16Array.from(block) : block).buffer));
  return {
    name: basename(headerPath, ".hea"),
    description: "recording that was named",
    format: source.format,
    bytes: new Uint8Array(Buffer.concat(parts)),
    sampleBytes: fits ? 2 : 4,
    frameCount,
  };
}

/** Consecutive segments of a stream, as leads. */
export function* segmentsOf(stream: Stream, seconds: number): Generator<readonly Int32Array[]> {
  const { bytes, format, sampleBytes, frameCount } = stream;
  const perFrame = format.leads.map((lead) => lead.samplesPerFrame);
  const frameBytes = sampleBytes * perFrame.reduce((sum, count) => sum + count, 0);
  const segmentFrames = Math.max(1, Math.round((seconds * format.frameRateHz.num) / format.frameRateHz.den));
  for (let frame = 0; frame < frameCount; frame += segmentFrames) {
    const end = Math.min(frameCount, frame + segmentFrames);
    const part = bytes.slice(frame * frameBytes, end * frameBytes).buffer;
    const digital = sampleBytes === 2 ? Int32Array.from(new Int16Array(part)) : new Int32Array(part);
    yield deinterleave(digital, perFrame);
  }
}

/** Length of a stream in minutes of recording. */
export function minutesOf({ format, frameCount }: Stream): number {
  return (frameCount * format.frameRateHz.den) / format.frameRateHz.num / 60;
}
