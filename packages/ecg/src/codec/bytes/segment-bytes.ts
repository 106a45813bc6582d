/** Leads as bytes: a short head, then interleaved little-endian integers under a codec over bytes. Source: docs/codec-bytes.md §1. */
import { EcgError } from "../../errors.ts";
import { deinterleave, interleave } from "../../interleave.ts";
import { ByteReader } from "../byte-reader.ts";
import { ByteWriter } from "../byte-writer.ts";
import { LEAD_COUNT_MAX, type DecodeLimits } from "../layout.ts";
import type { ByteCodec } from "./byte-codecs.ts";

/** First byte of every stream. */
const VERSION = 1;

/** Bytes of one sample: two where every sample of the segment fits. */
type SampleBytes = 2 | 4;

/** Encodes one segment. Every int32 value comes back exactly.
 * @param leads 1 to 64, of any lengths; not changed. @throws {RangeError} when there are no or more leads. */
export function encodeSegmentBytes(codec: ByteCodec, leads: readonly Int32Array[]): Uint8Array {
  if (leads.length < 1 || leads.length > LEAD_COUNT_MAX) {
    throw new RangeError(`leads must be 1..64, got ${leads.length}`);
  }
  const sampleBytes = leads.every(fitsInt16) ? 2 : 4;
  const head = new ByteWriter();
  head.byte(VERSION);
  head.byte(leads.length);
  head.byte(sampleBytes);
  for (const lead of leads) head.varint(lead.length);
  const encoded = codec.encode(bytesOfSamples(interleave(leads, samplesPerFrame(leads)), sampleBytes));
  const headBytes = head.finish();
  const joined = new Uint8Array(headBytes.length + encoded.length);
  joined.set(headBytes);
  joined.set(encoded, headBytes.length);
  return joined;
}

/** Decodes one segment, for bytes from anywhere. Time and memory are bounded by `limits`.
 * @throws {EcgError} ERR_CODEC_MALFORMED, ERR_CODEC_LIMIT */
export function decodeSegmentBytes(codec: ByteCodec, bytes: Uint8Array, limits: DecodeLimits): Int32Array[] {
  const reader = new ByteReader(bytes);
  const { lengths, sampleBytes } = readHead(reader, limits);
  const sizeBytes = sampleBytes * lengths.reduce((sum, length) => sum + length, 0);
  const raw = codec.decode(reader.bytes(reader.leftBytes), sizeBytes);
  if (raw.length !== sizeBytes) throw malformed("does not have the samples that it states");
  const digital = samplesOfBytes(raw, sampleBytes);
  if (digital.length === 0) return lengths.map(() => new Int32Array(0));
  return deinterleave(digital, perFrameOf(lengths));
}

function readHead(
  reader: ByteReader,
  limits: DecodeLimits,
): { readonly lengths: readonly number[]; readonly sampleBytes: SampleBytes } {
  const version = reader.byte();
  if (version !== VERSION) throw malformed(`version is ${version}, known is ${VERSION}`);
  const leadCount = reader.byte();
  if (leadCount === 0) throw malformed("has no leads");
  if (leadCount > limits.leadCountMax) throw new EcgError("ERR_CODEC_LIMIT", `segment stream has ${leadCount} leads`);
  const sampleBytes = reader.byte();
  if (sampleBytes !== 2 && sampleBytes !== 4) throw malformed("has samples of another size");
  const lengths: number[] = [];
  let left = limits.sampleCountMax;
  for (let index = 0; index < leadCount; index++) {
    const length = reader.varint();
    left -= length;
    if (left < 0) throw new EcgError("ERR_CODEC_LIMIT", "segment stream has more samples than allowed");
    lengths.push(length);
  }
  return { lengths, sampleBytes };
}

function samplesPerFrame(leads: readonly Int32Array[]): number[] {
  return perFrameOf(leads.map((lead) => lead.length));
}

/** Samples of each lead in the smallest frame that cuts all leads into equally many. */
function perFrameOf(lengths: readonly number[]): number[] {
  const frameCount = Math.max(1, lengths.reduce(greatestCommonDivisor, 0));
  return lengths.map((length) => length / frameCount);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

function fitsInt16(lead: Int32Array): boolean {
  for (let i = 0; i < lead.length; i++) {
    const value = lead[i] ?? 0;
    if ((value << 16) >> 16 !== value) return false;
  }
  return true;
}

function bytesOfSamples(digital: Int32Array, sampleBytes: SampleBytes): Uint8Array {
  const bytes = new Uint8Array(digital.length * sampleBytes);
  for (let i = 0, at = 0; i < digital.length; i++, at += sampleBytes) {
    const value = digital[i] ?? 0;
    bytes[at] = value;
    bytes[at + 1] = value >> 8;
    if (sampleBytes === 2) continue;
    bytes[at + 2] = value >> 16;
    bytes[at + 3] = value >> 24;
  }
  return bytes;
}

function samplesOfBytes(bytes: Uint8Array, sampleBytes: SampleBytes): Int32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const digital = new Int32Array(bytes.length / sampleBytes);
  for (let i = 0; i < digital.length; i++) {
    digital[i] = sampleBytes === 2 ? view.getInt16(i * 2, true) : view.getInt32(i * 4, true);
  }
  return digital;
}

function malformed(problem: string): EcgError {
  return new EcgError("ERR_CODEC_MALFORMED", `segment stream ${problem}`);
}
