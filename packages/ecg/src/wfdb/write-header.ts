/** The text of a WFDB header, such that parsing it gives back the same format. Source: WFDB header(5). */
import type { Lead, WaveformFormat } from "../model.ts";
import { decimalFromRational, rationalFromDecimal, type Rational } from "../rational.ts";
import { EcgError } from "../errors.ts";
import { WFDB_LIMITS, type WfdbBaseTime } from "./header.ts";
import type { SignalFormatName } from "./signal-format.ts";
import type { SignalSums } from "./signal-sums.ts";

/** What the header of one single-file record says. */
export interface WfdbHeaderContent {
  /** Letters, digits, `_`, `-`, at most 64. */
  readonly recordName: string;
  readonly format: WaveformFormat;
  readonly signalFormat: SignalFormatName;
  /** Name of the one signal file beside the header. */
  readonly fileName: string;
  readonly frameCount: number;
  readonly baseTime: WfdbBaseTime | null;
  /** One per line; line breaks and control characters become spaces. */
  readonly comments: readonly string[];
}

/** Throws unless the name can stand in a header and as a file name.
 * @throws {EcgError} ERR_WFDB_HEADER */
export function assertRecordName(recordName: string): void {
  if (recordName.length > WFDB_LIMITS.recordNameLengthMax || !/^[A-Za-z0-9_][A-Za-z0-9_-]*$/.test(recordName)) {
    throw new EcgError("ERR_WFDB_HEADER", "record name must be 1..64 letters, digits, underscores or hyphens");
  }
}

/** Writes a header. Initial values and checksums come from `sums`.
 * @returns ASCII lines ending in `\n`; names and comments may hold other characters (write as UTF-8).
 * @throws {EcgError} ERR_WFDB_HEADER when a rate has no exact decimal form. */
export function formatWfdbHeader(content: WfdbHeaderContent, sums: SignalSums): string {
  const record = [
    content.recordName,
    content.format.leads.length,
    exactDecimal(content.format.frameRateHz),
    content.frameCount,
    ...formatBaseTime(content.baseTime),
  ];
  const signals = content.format.leads.map((lead, index) => formatSignal(content, lead, index, sums));
  const comments = content.comments.map((comment) => `# ${cleanText(comment)}`.trimEnd());
  return [record.join(" "), ...signals, ...comments].map((line) => `${line}\n`).join("");
}

function formatSignal(content: WfdbHeaderContent, lead: Lead, index: number, sums: SignalSums): string {
  const multiplicity = lead.samplesPerFrame === 1 ? "" : `x${lead.samplesPerFrame}`;
  const skew = lead.skewFrames === 0 ? "" : `:${lead.skewFrames}`;
  return [
    content.fileName,
    `${content.signalFormat}${multiplicity}${skew}`,
    `${lead.gainAduPerUnit}(${lead.baselineAdu})/${lead.units}`,
    lead.adcResolutionBits,
    lead.adcZeroAdu,
    sums.initialAdu(index) ?? lead.adcZeroAdu,
    signed16(sums.checksum(index)),
    0,
    cleanText(lead.name),
  ].join(" ");
}

function formatBaseTime(baseTime: WfdbBaseTime | null): string[] {
  if (baseTime === null) return [];
  const iso = new Date(baseTime.timeOfDayMs).toISOString();
  const time = iso.slice(11, baseTime.timeOfDayMs % 1000 === 0 ? 19 : 23);
  if (baseTime.date === null) return [time];
  const { year, month, day } = baseTime.date;
  return [time, `${pad(day, 2)}/${pad(month, 2)}/${pad(year, 4)}`];
}

/** A rate such as 1000/3 Hz has no decimal form; writing a rounded one would shift samples in time. */
function exactDecimal(rate: Rational): string {
  const text = decimalFromRational(rate);
  const back = rationalFromDecimal(text);
  if (back?.num !== rate.num || back.den !== rate.den) {
    throw new EcgError("ERR_WFDB_HEADER", `frame rate ${rate.num}/${rate.den} Hz has no exact decimal form`);
  }
  return text;
}

/** Line breaks and control characters end a header line or confuse readers: they become single spaces. */
function cleanText(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what is replaced
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ").trim();
}

function signed16(checksum: number): number {
  return (checksum << 16) >> 16;
}

function pad(value: number, width: number): string {
  return value.toString().padStart(width, "0");
}
