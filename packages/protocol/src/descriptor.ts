/**
 * What a segment's samples are: the first item of its plaintext.
 *
 * Source: docs/format.md §5.2; design of times in docs/format.md §5.3.
 */
import type { CborValue } from "./cbor.ts";
import { ProtocolError } from "./errors.ts";
import { readArray, readBytes, readInt, readOneOf, readOptional, readText, readTuple, readUnixMs } from "./fields.ts";
import { BootId, RecordingId } from "./ids.ts";
import {
  FRAME_RATE_HZ_MAX,
  FRAMES_PER_SEGMENT_MAX,
  GAIN_LENGTH_MAX,
  LEADS_MAX,
  LEAD_NAME_LENGTH_MAX,
  SAMPLES_PER_FRAME_MAX,
  SAMPLES_PER_SEGMENT_MAX,
  UNITS_LENGTH_MAX,
} from "./limits.ts";

/** Number of the body kind in a descriptor and in a data package's Data_type. */
export const BODY_KIND = { waveform: 1 } as const;
export type BodyKind = (typeof BODY_KIND)[keyof typeof BODY_KIND];

/** Why a recording follows another one of its terminal. */
export const PREDECESSOR_CAUSES = ["start", "restart", "gap", "format", "patient", "duration", "conflict"] as const;
export type PredecessorCause = (typeof PREDECESSOR_CAUSES)[number];

/** One lead as the source describes it. Gain is decimal text, so that nothing rounds it. */
export interface LeadDescriptor {
  /** 1 to 64 printable characters. */
  readonly name: string;
  /** 1 to 32 printable characters without white space. */
  readonly units: string;
  /** adu per unit, decimal text as in the source, at most 32 characters; a finite number other than zero. */
  readonly gainAduPerUnit: string;
  readonly baselineAdu: number;
  readonly samplesPerFrame: number;
  /** Frames by which this lead's samples are stored late. */
  readonly skewFrames: number;
  readonly adcResolutionBits: number;
  readonly adcZeroAdu: number;
  /** The value that means: no sample here. */
  readonly missingCode: number | null;
}

/** A waveform's shape. It is the same in every segment of a recording's stream. */
export interface WaveformShape {
  /** Frames per second, at most 1,000,000, as a fraction in lowest terms. */
  readonly frameRateHz: { readonly num: number; readonly den: number };
  readonly leads: readonly LeadDescriptor[];
}

/** Descriptor of a waveform segment. */
export interface WaveformDescriptor {
  readonly kind: typeof BODY_KIND.waveform;
  /** The terminal's run and its monotonic clock at the first frame; null when the samples come from a file. */
  readonly boot: { readonly bootId: BootId; readonly monotonicMs: number } | null;
  /** What the terminal's clock claims for the first frame; zone null when unknown. */
  readonly claimed: { readonly unixMs: number; readonly zoneOffsetMinutes: number | null } | null;
  readonly firstFrame: number;
  readonly frameCount: number;
  readonly shape: WaveformShape;
  /** The recording before this one of the same terminal; in sequence 0 alone. */
  readonly predecessor: { readonly recording: RecordingId; readonly cause: PredecessorCause } | null;
}

/** The grammar of WFDB header(5), so that a source's gain stays as it is spelt: "200", "200.", ".5", "1.052e+04". */
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$/;
const LINE_BREAK = /[\u0080-\u009f\u2028\u2029]/;
const INT32 = { min: -0x8000_0000, max: 0x7fff_ffff } as const;

function encodeLead(lead: LeadDescriptor): CborValue {
  return [
    lead.name,
    lead.units,
    lead.gainAduPerUnit,
    lead.baselineAdu,
    lead.samplesPerFrame,
    lead.skewFrames,
    lead.adcResolutionBits,
    lead.adcZeroAdu,
    lead.missingCode,
  ];
}

/** Refuses zero too: it would make every physical value infinite. */
function readGain(value: unknown): string {
  const text = readText("lead gain", value, GAIN_LENGTH_MAX);
  const gain = DECIMAL.test(text) ? Number(text) : 0;
  if (gain !== 0 && Number.isFinite(gain)) return text;
  throw new ProtocolError("ERR_FIELD_RANGE", "lead gain is not a decimal number other than zero");
}

function readLabel(name: string, value: unknown, lengthMax: number, refused: RegExp): string {
  const text = readText(name, value, lengthMax);
  if (text.length > 0 && !refused.test(text)) return text;
  throw new ProtocolError("ERR_FIELD_RANGE", `${name} is not a text of 1 to ${lengthMax} printable characters`);
}

function decodeLead(value: unknown): LeadDescriptor {
  const fields = readTuple("lead", value, 9);
  return {
    name: readLabel("lead name", fields[0], LEAD_NAME_LENGTH_MAX, LINE_BREAK),
    units: readLabel("lead units", fields[1], UNITS_LENGTH_MAX, /\s/),
    gainAduPerUnit: readGain(fields[2]),
    baselineAdu: readInt("lead baseline", fields[3], INT32.min, INT32.max),
    samplesPerFrame: readInt("lead samples per frame", fields[4], 1, SAMPLES_PER_FRAME_MAX),
    skewFrames: readInt("lead skew", fields[5], 0, 0xffff),
    adcResolutionBits: readInt("lead adc resolution", fields[6], 0, 32),
    adcZeroAdu: readInt("lead adc zero", fields[7], INT32.min, INT32.max),
    missingCode: readOptional(fields[8], (code) => readInt("lead missing code", code, INT32.min, INT32.max)),
  };
}

function decodeShape(value: unknown): WaveformShape {
  const [num, den, leads] = readTuple("shape", value, 3);
  return { frameRateHz: decodeRate(num, den), leads: readArray("leads", leads, 1, LEADS_MAX).map(decodeLead) };
}

/** Lowest terms only: 500/1 and 1000/2 would be one rate with two shapes. */
function decodeRate(numValue: unknown, denValue: unknown): WaveformShape["frameRateHz"] {
  const num = readInt("rate numerator", numValue, 1, Number.MAX_SAFE_INTEGER);
  const den = readInt("rate denominator", denValue, 1, Number.MAX_SAFE_INTEGER);
  let [a, b] = [num, den];
  while (b !== 0) [a, b] = [b, a % b];
  if (a === 1 && num / den <= FRAME_RATE_HZ_MAX) return { num, den };
  throw new ProtocolError("ERR_FIELD_RANGE", `rate is not a reduced fraction of at most ${FRAME_RATE_HZ_MAX} Hz`);
}

/** Largest number of a first frame: every frame of its segment has a safe integer. */
export const FIRST_FRAME_MAX = Number.MAX_SAFE_INTEGER - FRAMES_PER_SEGMENT_MAX;

/** Values of one segment over all its leads. */
export function sampleCountOf(descriptor: Pick<WaveformDescriptor, "frameCount" | "shape">): number {
  return descriptor.frameCount * descriptor.shape.leads.reduce((sum, lead) => sum + lead.samplesPerFrame, 0);
}

/** A descriptor as the CBOR value that {@link decodeDescriptor} takes. @throws {ProtocolError} as that does. */
export function encodeDescriptor(descriptor: WaveformDescriptor): CborValue {
  const { boot, claimed, predecessor, shape } = descriptor;
  const value = [
    descriptor.kind,
    boot && [BootId.toBytes(boot.bootId), boot.monotonicMs],
    claimed && [claimed.unixMs, claimed.zoneOffsetMinutes],
    descriptor.firstFrame,
    descriptor.frameCount,
    [shape.frameRateHz.num, shape.frameRateHz.den, shape.leads.map(encodeLead)],
    predecessor && [RecordingId.toBytes(predecessor.recording), predecessor.cause],
  ];
  decodeDescriptor(value);
  return value;
}

function decodeBoot(value: unknown): WaveformDescriptor["boot"] {
  const [bootId, monotonicMs] = readTuple("boot", value, 2);
  return {
    bootId: BootId.fromBytes(readBytes("boot id", bootId, 8)),
    monotonicMs: readUnixMs("monotonic", monotonicMs),
  };
}

function decodeClaimed(value: unknown): WaveformDescriptor["claimed"] {
  const [unixMs, zone] = readTuple("claimed time", value, 2);
  return {
    unixMs: readInt("claimed time", unixMs, -8.64e15, 8.64e15),
    zoneOffsetMinutes: readOptional(zone, (minutes) => readInt("zone", minutes, -1080, 1080)),
  };
}

function decodePredecessor(value: unknown): WaveformDescriptor["predecessor"] {
  const [recording, cause] = readTuple("predecessor", value, 2);
  return {
    recording: RecordingId.fromBytes(recording),
    cause: readOneOf("predecessor cause", cause, PREDECESSOR_CAUSES),
  };
}

/** @throws {ProtocolError} ERR_FIELD_RANGE when a field is out of range, ERR_LENGTH_LIMIT when it declares too many samples. */
export function decodeDescriptor(value: unknown): WaveformDescriptor {
  const fields = readTuple("descriptor", value, 7);
  readInt("body kind", fields[0], BODY_KIND.waveform, BODY_KIND.waveform);
  const descriptor: WaveformDescriptor = {
    kind: BODY_KIND.waveform,
    boot: readOptional(fields[1], decodeBoot),
    claimed: readOptional(fields[2], decodeClaimed),
    firstFrame: readInt("first frame", fields[3], 0, FIRST_FRAME_MAX),
    frameCount: readInt("frame count", fields[4], 0, FRAMES_PER_SEGMENT_MAX),
    shape: decodeShape(fields[5]),
    predecessor: readOptional(fields[6], decodePredecessor),
  };
  if (sampleCountOf(descriptor) > SAMPLES_PER_SEGMENT_MAX) {
    throw new ProtocolError("ERR_LENGTH_LIMIT", `segment declares more than ${SAMPLES_PER_SEGMENT_MAX} samples`);
  }
  return descriptor;
}

/** Whether two shapes are equal in every field, so that their segments belong to one recording. */
export function sameShape(a: WaveformShape, b: WaveformShape): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Number of seconds, exact, that a count of frames lasts, as a float for display. */
export function secondsOfFrames(shape: WaveformShape, frameCount: number): number {
  return (frameCount * shape.frameRateHz.den) / shape.frameRateHz.num;
}
