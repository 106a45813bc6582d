/** What a WFDB header says, parsed and bounded but not yet compared with its signal files. Source: WFDB header(5). */
import type { Rational } from "../rational.ts";
import type { SignalFormatName } from "./signal-format.ts";

/** Bounds on a header before anything is allocated for it. */
export const WFDB_LIMITS = {
  headerLengthMax: 262_144,
  lineLengthMax: 4_096,
  commentCountMax: 4_096,
  recordNameLengthMax: 64,
  fileNameLengthMax: 255,
  frameCountMax: 2 ** 40,
  byteOffsetMax: 2 ** 40,
} as const;

/** Start of a record as its header claims it: no zone is stated. */
export interface WfdbBaseTime {
  /** Milliseconds since local midnight, 0 to 86 399 999. */
  readonly timeOfDayMs: number;
  /** Calendar date, or null when the header has none. */
  readonly date: { readonly year: number; readonly month: number; readonly day: number } | null;
}

/** The record line. */
export interface WfdbRecordLine {
  readonly recordName: string;
  readonly signalCount: number;
  readonly frameRateHz: Rational;
  /** Counter ticks per second, exact; equal to the frame rate when the header states none. */
  readonly counterRateHz: Rational;
  /** Counter value at the first frame, decimal text as stated; "0" when absent. */
  readonly baseCounter: string;
  /** Frames in the record, or null when the header leaves it to the file size. */
  readonly frameCount: number | null;
  readonly baseTime: WfdbBaseTime | null;
}

/** One signal line. Fields that the line leaves out have the defaults of header(5). */
export interface WfdbSignalLine {
  readonly fileName: string;
  readonly format: SignalFormatName;
  readonly samplesPerFrame: number;
  readonly skewFrames: number;
  readonly byteOffset: number;
  readonly gainAduPerUnit: string;
  readonly baselineAdu: number;
  readonly units: string;
  readonly adcResolutionBits: number;
  readonly adcZeroAdu: number;
  /** First sample as stated, or null. */
  readonly initialAdu: number | null;
  /** 16-bit sum of all samples as stated, 0 to 65 535, or null. */
  readonly checksum: number | null;
  readonly blockSizeBytes: number;
  /** Description as stated, or null. */
  readonly description: string | null;
}

/** A whole single-segment header. */
export interface WfdbHeader extends WfdbRecordLine {
  readonly signals: readonly WfdbSignalLine[];
  /** Comment lines without their `#`, trimmed, in order. */
  readonly comments: readonly string[];
}
