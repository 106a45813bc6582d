/** The sample model: what a stream of digital samples means, and one block of it. Samples are integers everywhere. */
import { EcgError } from "./errors.ts";
import { assertRational, type Rational } from "./rational.ts";

/** Bounds of every waveform that this package reads, writes, encodes or decodes. */
export const WAVEFORM_LIMITS = {
  leadCountMax: 64,
  samplesPerFrameMax: 64,
  nameLengthMax: 64,
  unitsLengthMax: 32,
  gainLengthMax: 32,
  skewFramesMax: 65_535,
  adcResolutionBitsMax: 32,
  frameRateHzMax: 1_000_000,
} as const;

/** One signal of a frame. digital = gain * physical + baseline, as in WFDB. */
export interface Lead {
  /** 1 to 64 characters without control characters; kept as the source spells it. */
  readonly name: string;
  /** Physical unit, 1 to 32 characters without white space, as the source spells it: "mV", "mv", "mmHg", "NU". */
  readonly units: string;
  /** adu per physical unit, decimal text exactly as in the source, e.g. "14184.489795918365" or "1.052e+04"; never zero. */
  readonly gainAduPerUnit: string;
  /** Digital value at 0 physical units, int32; may lie outside the range of the samples. */
  readonly baselineAdu: number;
  /** Samples of this lead in each frame, 1 to 64. */
  readonly samplesPerFrame: number;
  /** Frames by which this lead lags in the file, 0 to 65 535. Metadata: samples are kept as stored. */
  readonly skewFrames: number;
  /** 0 (not stated) to 32. */
  readonly adcResolutionBits: number;
  /** Digital value at mid-range of the converter, int32. */
  readonly adcZeroAdu: number;
  /** Digital code that stands for "no sample", int32, or null when every code is a sample. */
  readonly missingCode: number | null;
}

/** What every frame of a stream looks like. */
export interface WaveformFormat {
  readonly frameRateHz: Rational;
  /** 1 to 64 leads, in the order of the source. */
  readonly leads: readonly Lead[];
}

/** Consecutive frames: `leads[i]` holds frameCount * samplesPerFrame digital values of lead i, oldest first. */
export interface SampleBlock {
  readonly frameCount: number;
  readonly leads: readonly Int32Array[];
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/;
// oxlint-disable-next-line no-control-regex -- control characters are exactly what is refused
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/** Checks a format from outside against every bound stated in `Lead` and `WAVEFORM_LIMITS`.
 * @throws {EcgError} ERR_WAVEFORM_FORMAT naming the first field that is out of bounds. */
export function assertWaveformFormat(format: WaveformFormat): void {
  assertRational(format.frameRateHz, "frame rate");
  const rateHz = format.frameRateHz.num / format.frameRateHz.den;
  check(rateHz <= WAVEFORM_LIMITS.frameRateHzMax, `frame rate exceeds ${WAVEFORM_LIMITS.frameRateHzMax} Hz`);
  const leadCount = format.leads.length;
  check(leadCount >= 1 && leadCount <= WAVEFORM_LIMITS.leadCountMax, `lead count ${leadCount} is not in 1..64`);
  for (const [index, lead] of format.leads.entries()) assertLead(lead, `lead ${index}`);
}

/** Checks that a block has the shape that the format promises.
 * @throws {EcgError} ERR_SAMPLES_SHAPE */
export function assertBlockShape(format: WaveformFormat, block: SampleBlock): void {
  const fits =
    Number.isSafeInteger(block.frameCount) &&
    block.frameCount >= 0 &&
    block.leads.length === format.leads.length &&
    format.leads.every((lead, i) => block.leads[i]?.length === block.frameCount * lead.samplesPerFrame);
  if (!fits) throw new EcgError("ERR_SAMPLES_SHAPE", "sample block does not have the shape of its format");
}

/** Whether the text is a decimal number that can be a gain: finite and not zero. */
export function isGainText(text: string): boolean {
  if (text.length > WAVEFORM_LIMITS.gainLengthMax || !NUMBER.test(text)) return false;
  const value = Number(text);
  return Number.isFinite(value) && value !== 0;
}

/** Samples of all leads in one frame. */
export function samplesPerFrameTotal(format: WaveformFormat): number {
  return format.leads.reduce((sum, lead) => sum + lead.samplesPerFrame, 0);
}

function assertLead(lead: Lead, subject: string): void {
  const limits = WAVEFORM_LIMITS;
  check(isText(lead.name, limits.nameLengthMax), `${subject} name must be 1..64 printable characters`);
  const unitsFit = isText(lead.units, limits.unitsLengthMax) && !/\s/.test(lead.units);
  check(unitsFit, `${subject} units must be 1..32 characters without white space`);
  check(isGainText(lead.gainAduPerUnit), `${subject} gain must be a decimal number other than zero`);
  check(isInt32(lead.baselineAdu), `${subject} baseline must be an int32`);
  check(isWithin(lead.samplesPerFrame, 1, limits.samplesPerFrameMax), `${subject} samples per frame must be 1..64`);
  check(isWithin(lead.skewFrames, 0, limits.skewFramesMax), `${subject} skew must be 0..65535 frames`);
  check(isWithin(lead.adcResolutionBits, 0, limits.adcResolutionBitsMax), `${subject} resolution must be 0..32 bits`);
  check(isInt32(lead.adcZeroAdu), `${subject} ADC zero must be an int32`);
  check(lead.missingCode === null || isInt32(lead.missingCode), `${subject} missing code must be an int32 or null`);
}

function isText(text: string, lengthMax: number): boolean {
  return text.length >= 1 && text.length <= lengthMax && !CONTROL.test(text);
}

function isInt32(value: number): boolean {
  return isWithin(value, -2147483648, 2147483647);
}

function isWithin(value: number, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= min && value <= max;
}

function check(condition: boolean, message: string): void {
  if (!condition) throw new EcgError("ERR_WAVEFORM_FORMAT", message);
}
