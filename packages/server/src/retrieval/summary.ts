/**
 * Resolution summaries: least and greatest value of each lead over buckets of frames, for views that show hours.
 *
 * Layout, before sealing: CBOR [frames per bucket, bucket count, zstd of Int32 little-endian min, max per bucket, lead
 * after lead]. A bucket without a sample has {@link NO_SAMPLE} twice.
 *
 * Source: docs/format.md §13.
 */
import {
  decodeCanonical,
  encodeCbor,
  ProtocolError,
  readBytesUpTo,
  readInt,
  readTuple,
  type WaveformShape,
} from "@pericard/protocol";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";

/** Stands for "no sample" in answers. */
export const NO_SAMPLE = -0x8000_0000;

/** Frames that one bucket of a stored summary covers. */
export const SUMMARY_BUCKET_FRAMES = 64;

const SUMMARY_BYTES_MAX = 8 * 1024 * 1024;

/** Min and max of consecutive buckets; `leads[i]` holds min, max per bucket. */
export interface Summary {
  readonly bucketFrames: number;
  readonly bucketCount: number;
  readonly leads: readonly Int32Array[];
}

/** Takes a run of samples into a pair of least and greatest. `missingCode` values are no samples. */
export function minMaxOf(
  samples: Int32Array,
  from: number,
  to: number,
  missingCode: number | null,
): readonly [number, number] {
  let [min, max] = [0x7fff_ffff, NO_SAMPLE];
  for (let i = from; i < to; i += 1) {
    const value = samples[i] as number;
    if (value === missingCode) continue;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return min > max ? [NO_SAMPLE, NO_SAMPLE] : [min, max];
}

/** Summarises decoded samples. */
export function summarise(shape: WaveformShape, frameCount: number, leads: readonly Int32Array[]): Summary {
  const bucketCount = Math.ceil(frameCount / SUMMARY_BUCKET_FRAMES);
  return {
    bucketFrames: SUMMARY_BUCKET_FRAMES,
    bucketCount,
    leads: leads.map((samples, i) => {
      const { samplesPerFrame = 1, missingCode = null } = shape.leads[i] ?? {};
      const pairs = new Int32Array(2 * bucketCount);
      for (let bucket = 0; bucket < bucketCount; bucket += 1) {
        const from = bucket * SUMMARY_BUCKET_FRAMES * samplesPerFrame;
        const to = Math.min(samples.length, from + SUMMARY_BUCKET_FRAMES * samplesPerFrame);
        pairs.set(minMaxOf(samples, from, to, missingCode), 2 * bucket);
      }
      return pairs;
    }),
  };
}

/** The summary of a segment whose samples cannot be decoded. */
export function emptySummary(leadCount: number): Summary {
  const leads = Array.from({ length: leadCount }, () => new Int32Array(0));
  return { bucketFrames: SUMMARY_BUCKET_FRAMES, bucketCount: 0, leads };
}

/** Whether a value lies outside what its lead's converter can give. Such a segment is kept and marked. */
export function isSuspect(shape: WaveformShape, summary: Summary): boolean {
  return shape.leads.some(({ adcResolutionBits, adcZeroAdu }, i) => {
    if (adcResolutionBits === 0) return false;
    const half = 2 ** (adcResolutionBits - 1);
    return (summary.leads[i] ?? new Int32Array(0)).some(
      (value) => value !== NO_SAMPLE && (value < adcZeroAdu - half || value >= adcZeroAdu + half),
    );
  });
}

/** The bytes of a summary, to be sealed. */
export function encodeSummary(summary: Summary): Uint8Array {
  const values = new Int32Array(summary.leads.reduce((sum, lead) => sum + lead.length, 0));
  let at = 0;
  for (const lead of summary.leads) {
    values.set(lead, at);
    at += lead.length;
  }
  const packed = new Uint8Array(zstdCompressSync(new Uint8Array(values.buffer)));
  return encodeCbor([summary.bucketFrames, summary.bucketCount, packed]);
}

/** @throws {ProtocolError} when the bytes are not a summary of that many leads. */
export function decodeSummary(bytes: Uint8Array, leadCount: number): Summary {
  const [frames, count, packed] = readTuple("summary", decodeCanonical(bytes, SUMMARY_BYTES_MAX), 3);
  const bucketCount = readInt("bucket count", count, 0, SUMMARY_BYTES_MAX);
  const wantedBytes = leadCount * bucketCount * 8;
  const limit = { maxOutputLength: Math.max(1, wantedBytes) };
  const values = zstdDecompressSync(readBytesUpTo("summary", packed, SUMMARY_BYTES_MAX), limit);
  if (values.length !== wantedBytes) throw new ProtocolError("ERR_FIELD_RANGE", "summary does not have its length");
  const aligned = new Int32Array(values.buffer.slice(values.byteOffset, values.byteOffset + values.length));
  return {
    bucketFrames: readInt("bucket frames", frames, 1, 1_000_000),
    bucketCount,
    leads: Array.from({ length: leadCount }, (_, i) =>
      aligned.subarray(2 * bucketCount * i, 2 * bucketCount * (i + 1)),
    ),
  };
}
