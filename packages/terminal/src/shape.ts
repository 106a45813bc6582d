/** From a source's format to what segments say of it. */
import { sha256 } from "@pericard/crypto";
import { samplesPerFrameTotal, type WaveformFormat } from "@pericard/ecg";
import { encodeCbor, encodeShape, FRAMES_PER_SEGMENT_MAX, type WaveformShape } from "@pericard/protocol";

/**
 * Samples of one segment, at most: incompressible 32-bit samples then still fit a sealed segment of 16 MiB. Windows of
 * sources beyond it are shorter than the profile's.
 */
export const SEGMENT_SAMPLES_MAX = 3_000_000;

/** The longest recording, in seconds. */
export const RECORDING_SECONDS_MAX = 86_400;

/** The shape that segments of a format declare. */
export function shapeOf(format: WaveformFormat): WaveformShape {
  return { frameRateHz: format.frameRateHz, leads: format.leads };
}

/** SHA-256 over every field of a shape: whether two recordings could be one. Observations have none. */
export function shapeHashOf(shape: WaveformShape | null): Uint8Array {
  return sha256(encodeCbor(shape && encodeShape(shape)));
}

/** Whole frames nearest to a duration, at least one and at most what one segment takes. */
export function windowFrames(format: WaveformFormat, durationMs: number): number {
  const { num, den } = format.frameRateHz;
  const frameCountMax = Math.floor(SEGMENT_SAMPLES_MAX / samplesPerFrameTotal(format));
  return Math.max(1, Math.min(Math.round((durationMs * num) / (1000 * den)), frameCountMax, FRAMES_PER_SEGMENT_MAX));
}

/** Frames of the longest recording of a format. */
export function recordingFramesMax(format: WaveformFormat): number {
  return Math.max(1, Math.floor((RECORDING_SECONDS_MAX * format.frameRateHz.num) / format.frameRateHz.den));
}

/** Milliseconds that frames last, not rounded. */
export function msOfFrames(format: WaveformFormat, frameCount: number): number {
  return (frameCount * 1000 * format.frameRateHz.den) / format.frameRateHz.num;
}
