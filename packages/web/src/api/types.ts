/** The API's values as the viewer uses them, already checked by `decode.ts`. Times are UTC milliseconds. */

/** Who is signed in, and until when. */
export interface Session {
  readonly account: { readonly name: string; readonly role: string };
  readonly expiresAtUnixMs: number;
}

/** One row of the patients list. */
export interface Patient {
  readonly id: string;
  readonly name: string;
  readonly recordingCount: number;
  readonly latestReceivedAtUnixMs: number | null;
  readonly live: boolean;
}

/** How far the start of a recording can be trusted: by the server's clock, by the terminal's, or not at all. */
export type StartCertainty = "measured" | "claimed" | "unknown";

/** `live`: data is arriving. `complete`: its last segment is stored. `interrupted`: it stopped without one. */
export type RecordingState = "live" | "complete" | "interrupted";

/** One lead, described as in WFDB. Physical value = (adu - baselineAdu) / gainAduPerUnit. */
export interface Lead {
  readonly name: string;
  /** Physical unit such as `mV`, `mmHg`, `NU`. */
  readonly units: string;
  /** Decimal number of adu per unit, as the terminal wrote it. */
  readonly gainAduPerUnit: string;
  readonly baselineAdu: number;
  /** 1 or more; sample k of frame f lies at frame f + k / samplesPerFrame. */
  readonly samplesPerFrame: number;
  /** Frames by which the lead's stored samples precede the others: stored frame f belongs at f - skewFrames. */
  readonly skewFrames: number;
  readonly missingCode: number | null;
}

/** Frames `[fromFrame, toFrame)` that hold no samples, and why. */
export interface Gap {
  readonly fromFrame: number;
  readonly toFrame: number;
  readonly cause: string;
}

/** A neighbouring recording of the same terminal, and why one ended and the other began. */
export interface Neighbour {
  readonly recordingId: string;
  readonly cause: string;
}

/** One of several signals that a recording has; streams of observations have neither rate nor leads. */
export interface Stream {
  readonly stream: number;
  readonly kind: "waveform" | "observation";
  readonly start: Recording["start"];
  readonly frameRateHz: Recording["frameRateHz"] | null;
  readonly leads: readonly Lead[];
  /** Of a stream of observations, how many these are. */
  readonly frameCount: number;
  readonly gaps: readonly Gap[];
}

/** One continuous acquisition of one patient. What is said of leads and frames is that of its first stream of samples. */
export interface Recording {
  readonly id: string;
  readonly patientId: string;
  readonly patientName: string;
  readonly terminalSerial: string;
  readonly start: { readonly unixMs: number | null; readonly certainty: StartCertainty };
  readonly receivedAtUnixMs: number;
  /** Frames per second as a fraction, both positive. */
  readonly frameRateHz: { readonly num: number; readonly den: number };
  readonly leads: readonly Lead[];
  /** Extent: end of the last frame stored. */
  readonly frameCount: number;
  readonly state: RecordingState;
  readonly segmentCount: number;
  /** Segments stored whose predecessor has not arrived. */
  readonly pendingCount: number;
  /** Ascending by `fromFrame`. */
  readonly gaps: readonly Gap[];
  /** All of them, by number. */
  readonly streams: readonly Stream[];
  readonly predecessor: Neighbour | null;
  readonly successor: Neighbour | null;
  readonly synthetic: boolean;
  /** What sealed it on its way. `paper-2018` is an experiment that protects nothing. */
  readonly suite: "pericard-1" | "paper-2018";
}

/** Samples in frames `[fromFrame, toFrame)`; `leads[i]` belongs to lead i, `(toFrame - fromFrame) * samplesPerFrame` long. */
export interface SampleBlock {
  readonly kind: "samples";
  readonly fromFrame: number;
  readonly toFrame: number;
  readonly leads: readonly (Int32Array | undefined)[];
}

/** Lowest and highest sample (interleaved) of each bucket of `framesPerBucket` frames from `fromFrame` on. */
export interface SummaryBlock {
  readonly kind: "summary";
  readonly fromFrame: number;
  readonly toFrame: number;
  readonly framesPerBucket: number;
  readonly bucketCount: number;
  readonly leads: readonly (Int32Array | undefined)[];
}

/** Value of a sample that was not measured or not stored, and of an empty bucket. */
export const MISSING_ADU = -2147483648;

/** Frames per second of a recording. */
export function frameRateHz(recording: Pick<Recording, "frameRateHz">): number {
  return recording.frameRateHz.num / recording.frameRateHz.den;
}

/** Length of a recording in seconds, up to its last stored frame. */
export function durationSeconds(recording: Pick<Recording, "frameRateHz" | "frameCount">): number {
  return recording.frameCount / frameRateHz(recording);
}
