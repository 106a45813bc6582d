/**
 * Binary answers: u32 LE header length, JSON header (UTF-8, space padded to a multiple of 4), Int32 LE values.
 * Every length and offset is checked before a value is read, so a cut or foreign body is an error, never a trace.
 */
import { malformed } from "../errors.ts";
import { arrayAt, integerAt, numberAt, objectOf } from "./json.ts";
import type { JsonObject } from "./json.ts";
import type { Lead, SampleBlock, SummaryBlock } from "./types.ts";

const HEADER_SIZE_MAX_BYTES = 1 << 20;
const LEAD_COUNT_MAX = 1024;

interface FramedBody {
  readonly header: JsonObject;
  readonly values: Int32Array;
}

interface LeadSlot {
  readonly index: number;
  readonly offsetBytes: number;
  readonly sampleCount: number;
}

/** Splits a framed body. The values are a copy only on big-endian machines. @throws {WebError} ERR_ANSWER_MALFORMED. */
export function splitFramedBody(body: ArrayBuffer): FramedBody {
  if (body.byteLength < 4) throw malformed("framed body length");
  const headerSizeBytes = new DataView(body).getUint32(0, true);
  const payloadOffset = 4 + headerSizeBytes;
  if (headerSizeBytes > HEADER_SIZE_MAX_BYTES || payloadOffset > body.byteLength) throw malformed("header length");
  if (payloadOffset % 4 !== 0 || body.byteLength % 4 !== 0) throw malformed("payload alignment");
  const header = parseHeader(new Uint8Array(body, 4, headerSizeBytes));
  return { header, values: littleEndianInt32(body, payloadOffset) };
}

/**
 * Answer of `/samples`.
 * @param leads the recording's leads; each slot must hold `samplesPerFrame` samples a frame.
 * @throws {WebError} ERR_ANSWER_MALFORMED when any count, offset or range contradicts another.
 */
export function parseSamples(body: ArrayBuffer, leads: readonly Lead[]): SampleBlock {
  const { header, values } = splitFramedBody(body);
  const { fromFrame, toFrame } = frameRange(header);
  const countOf = (index: number): number => (toFrame - fromFrame) * (leads[index]?.samplesPerFrame ?? Number.NaN);
  return { kind: "samples", fromFrame, toFrame, leads: readSlots(header, values, leads.length, countOf) };
}

/**
 * Answer of `/summary`: min, max interleaved per bucket.
 * @throws {WebError} ERR_ANSWER_MALFORMED when any count, offset or range contradicts another.
 */
export function parseSummary(body: ArrayBuffer, leads: readonly Lead[]): SummaryBlock {
  const { header, values } = splitFramedBody(body);
  const { fromFrame, toFrame } = frameRange(header);
  const bucketCount = integerAt(header, "buckets", 0, 1 << 24);
  const framesPerBucket = numberAt(header, "framesPerBucket", 0);
  if (bucketCount > 0 && framesPerBucket <= 0) throw malformed("framesPerBucket");
  const slots = readSlots(header, values, leads.length, () => 2 * bucketCount);
  return { kind: "summary", fromFrame, toFrame, framesPerBucket, bucketCount, leads: slots };
}

function parseHeader(bytes: Uint8Array): JsonObject {
  try {
    return objectOf(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)), "header");
  } catch (cause) {
    throw malformed("header", cause);
  }
}

function littleEndianInt32(body: ArrayBuffer, offset: number): Int32Array {
  const isLittleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;
  if (isLittleEndian) return new Int32Array(body, offset);
  const view = new DataView(body, offset);
  return Int32Array.from({ length: view.byteLength / 4 }, (_, index) => view.getInt32(index * 4, true));
}

function frameRange(header: JsonObject): { fromFrame: number; toFrame: number } {
  const fromFrame = integerAt(header, "fromFrame");
  return { fromFrame, toFrame: integerAt(header, "toFrame", fromFrame) };
}

function readSlots(
  header: JsonObject,
  values: Int32Array,
  leadCount: number,
  countOf: (index: number) => number,
): (Int32Array | undefined)[] {
  const slots = arrayAt(header, "leads", readSlot, LEAD_COUNT_MAX);
  const found: (Int32Array | undefined)[] = Array.from({ length: leadCount });
  for (const { index, offsetBytes, sampleCount } of slots) {
    const start = offsetBytes / 4;
    if (index >= leadCount || found[index] !== undefined) throw malformed("lead index");
    if (sampleCount !== countOf(index)) throw malformed("sampleCount");
    if (!Number.isInteger(start) || start + sampleCount > values.length) throw malformed("offsetBytes");
    found[index] = values.subarray(start, start + sampleCount);
  }
  return found;
}

function readSlot(body: JsonObject): LeadSlot {
  return {
    index: integerAt(body, "index"),
    offsetBytes: integerAt(body, "offsetBytes"),
    sampleCount: integerAt(body, "sampleCount"),
  };
}
