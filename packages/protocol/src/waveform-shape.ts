/**
 * What the frames of a waveform look like: rate and leads.
 *
 * Source: docs/format.md §5.2.
 */
import type { CborValue } from "./cbor.ts";
import { ProtocolError } from "./errors.ts";
import { readArray, readInt, readLabel, readOptional, readText, readTuple } from "./fields.ts";
import {
  FRAME_RATE_HZ_MAX,
  GAIN_LENGTH_MAX,
  LEADS_MAX,
  LEAD_NAME_LENGTH_MAX,
  SAMPLES_PER_FRAME_MAX,
  UNITS_LENGTH_MAX,
} from "./limits.ts";

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

/** A shape as the CBOR value that {@link decodeShape} takes. */
export function encodeShape({ frameRateHz, leads }: WaveformShape): CborValue {
  return [frameRateHz.num, frameRateHz.den, leads.map(encodeLead)];
}

/** @throws {ProtocolError} ERR_FIELD_RANGE. */
export function decodeShape(value: unknown): WaveformShape {
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

/** Whether two shapes are equal in every field, so that their segments belong to one recording. */
export function sameShape(a: WaveformShape, b: WaveformShape): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Number of seconds, exact, that a count of frames lasts, as a float for display. */
export function secondsOfFrames(shape: WaveformShape, frameCount: number): number {
  return (frameCount * shape.frameRateHz.den) / shape.frameRateHz.num;
}
