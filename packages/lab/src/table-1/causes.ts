/** Why a stream gives the figures that it gives: measured, not supposed. */
import { chunkEnd } from "@pericard/ecg";
import { crc32 } from "node:zlib";
import { segmentsOf, type Stream } from "./stream.ts";

/** What is in a stream for each of the algorithms. */
export interface Causes {
  /** Percent of the bytes that lie in chunks which came before: what dedup can take away. */
  readonly repeatedPercent: number;
  /** Percent that came before within gzip's window of 32 KiB: what of it gzip sees too. */
  readonly nearPercent: number;
  /** Entropy of a sample's second difference over its lead, in bits: what hardly any coder takes away from what is new. */
  readonly differenceBits: number;
  /** Bits of one sample. */
  readonly sampleBits: number;
}

const GZIP_WINDOW_BYTES = 32_768;
const DIFFERENCES_MAX = 4_000_000;
const ENTROPY_SEGMENT_SECONDS = 600;

/** Measures a stream. */
export function measureCauses(stream: Stream): Causes {
  const { repeatedBytes, nearBytes } = measureRepeats(stream.bytes);
  const percent = (count: number): number => (100 * count) / Math.max(1, stream.bytes.length);
  return {
    repeatedPercent: percent(repeatedBytes),
    nearPercent: percent(nearBytes),
    differenceBits: measureDifferences(stream),
    sampleBits: 8 * stream.sampleBytes,
  };
}

function measureRepeats(bytes: Uint8Array): { repeatedBytes: number; nearBytes: number } {
  const lastStarts = new Map<number, number>();
  let [repeatedBytes, nearBytes] = [0, 0];
  for (let start = 0; start < bytes.length;) {
    const end = chunkEnd(bytes, start);
    const checksum = crc32(bytes.subarray(start, end));
    const last = lastStarts.get(checksum);
    if (last !== undefined) repeatedBytes += end - start;
    if (last !== undefined && start - last <= GZIP_WINDOW_BYTES) nearBytes += end - start;
    lastStarts.set(checksum, start);
    start = end;
  }
  return { repeatedBytes, nearBytes };
}

function measureDifferences(stream: Stream): number {
  const counts = new Map<number, number>();
  let total = 0;
  for (const leads of segmentsOf(stream, ENTROPY_SEGMENT_SECONDS)) {
    for (const lead of leads) total += countDifferences(lead, counts);
    if (total >= DIFFERENCES_MAX) break;
  }
  let bits = 0;
  for (const count of counts.values()) bits += (count / total) * Math.log2(total / count);
  return bits;
}

function countDifferences(lead: Int32Array, counts: Map<number, number>): number {
  for (let i = 2; i < lead.length; i++) {
    const difference = (lead[i] ?? 0) - 2 * (lead[i - 1] ?? 0) + (lead[i - 2] ?? 0);
    counts.set(difference, (counts.get(difference) ?? 0) + 1);
  }
  return Math.max(0, lead.length - 2);
}
