/** The first line of a WFDB header. Source: WFDB header(5), "Record line". */
import { EcgError } from "../errors.ts";
import { WAVEFORM_LIMITS } from "../model.ts";
import { rationalFromDecimal, type Rational } from "../rational.ts";
import { WFDB_LIMITS, type WfdbBaseTime, type WfdbRecordLine } from "./header.ts";

const RECORD_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;
const FREQUENCY = /^([^/()]+)(?:\/([^/()]+)(?:\(([^()]+)\))?)?$/;
const COUNTER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/;
const TIME = /^(?:(?:(\d{1,2}):)?(\d{1,2}):)?(\d{1,2})(?:\.(\d{0,9}))?$/;
const DATE = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/;
const DEFAULT_RATE_HZ: Rational = { num: 250, den: 1 };

/** Parses the record line.
 * @throws {EcgError} ERR_WFDB_HEADER, ERR_WFDB_LIMIT, or ERR_WFDB_MULTI_SEGMENT naming the record. */
export function parseRecordLine(line: string): WfdbRecordLine {
  const [nameField = "", countField = "", rateField, lengthField, timeField, dateField] = line.trim().split(/\s+/);
  const recordName = parseRecordName(nameField);
  return {
    recordName,
    signalCount: parseSignalCount(recordName, countField),
    ...parseFrequency(rateField),
    frameCount: parseFrameCount(lengthField),
    baseTime: parseBaseTime(timeField, dateField),
  };
}

function parseRecordName(field: string): string {
  const [name = "", segments] = field.split("/");
  if (name.length > WFDB_LIMITS.recordNameLengthMax) throw new EcgError("ERR_WFDB_LIMIT", "record name is too long");
  if (!RECORD_NAME.test(name)) throw headerError("record name is missing or has characters that are not allowed");
  if (segments !== undefined) {
    throw new EcgError("ERR_WFDB_MULTI_SEGMENT", `record ${name} has several segments, which is not supported`);
  }
  return name;
}

function parseSignalCount(recordName: string, field: string): number {
  if (!/^\d{1,9}$/.test(field)) throw headerError(`record ${recordName} states no number of signals`);
  const count = Number(field);
  if (count > WAVEFORM_LIMITS.leadCountMax) {
    throw new EcgError("ERR_WFDB_LIMIT", `record ${recordName} has ${count} signals, at most 64 are read`);
  }
  if (count === 0) throw headerError(`record ${recordName} has no signals`);
  return count;
}

function parseFrequency(
  field: string | undefined,
): Pick<WfdbRecordLine, "frameRateHz" | "counterRateHz" | "baseCounter"> {
  if (field === undefined) {
    return { frameRateHz: DEFAULT_RATE_HZ, counterRateHz: DEFAULT_RATE_HZ, baseCounter: "0" };
  }
  const match = FREQUENCY.exec(field);
  if (match === null) throw headerError("sampling frequency is malformed");
  const frameRateHz = parseRate(match[1] ?? "", DEFAULT_RATE_HZ);
  const baseCounter = match[3] ?? "0";
  if (baseCounter.length > 32 || !COUNTER.test(baseCounter)) throw headerError("base counter is malformed");
  return { frameRateHz, counterRateHz: parseRate(match[2] ?? "0", frameRateHz), baseCounter };
}

/** Zero stands for "not stated". */
function parseRate(text: string, whenZero: Rational): Rational {
  if (/^0+(?:\.0*)?$/.test(text)) return whenZero;
  const rate = rationalFromDecimal(text);
  if (rate === undefined) throw headerError("sampling frequency is not a positive decimal number");
  if (rate.num / rate.den > WAVEFORM_LIMITS.frameRateHzMax) {
    throw new EcgError("ERR_WFDB_LIMIT", "sampling frequency exceeds 1000000 Hz");
  }
  return rate;
}

function parseFrameCount(field: string | undefined): number | null {
  if (field === undefined) return null;
  if (!/^\d{1,16}$/.test(field)) throw headerError("number of samples is not a whole number");
  const count = Number(field);
  if (count > WFDB_LIMITS.frameCountMax) throw new EcgError("ERR_WFDB_LIMIT", "number of samples exceeds 2^40");
  return count === 0 ? null : count;
}

function parseBaseTime(timeField: string | undefined, dateField: string | undefined): WfdbBaseTime | null {
  if (timeField === undefined) return null;
  const match = TIME.exec(timeField);
  if (match === null) throw headerError("base time is malformed");
  const [hours, minutes, seconds] = [Number(match[1] ?? 0), Number(match[2] ?? 0), Number(match[3])];
  if (hours > 23 || minutes > 59 || seconds > 59) throw headerError("base time is out of range");
  const milliseconds = Number((match[4] ?? "").slice(0, 3).padEnd(3, "0"));
  const timeOfDayMs = ((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds;
  return { timeOfDayMs, date: dateField === undefined ? null : parseDate(dateField) };
}

function parseDate(field: string): NonNullable<WfdbBaseTime["date"]> {
  const match = DATE.exec(field);
  const [day, month, year] = [Number(match?.[1]), Number(match?.[2]), Number(match?.[3])];
  const date = new Date(Date.UTC(2000, 0, 1));
  date.setUTCFullYear(year, month - 1, day);
  const exists = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (match === null || !exists) throw headerError("base date is not a date as DD/MM/YYYY");
  return { year, month, day };
}

function headerError(message: string): EcgError {
  return new EcgError("ERR_WFDB_HEADER", message);
}
