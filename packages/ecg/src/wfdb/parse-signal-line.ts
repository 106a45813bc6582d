/** One signal line of a WFDB header. Source: WFDB header(5), "Signal specification lines". */
import { EcgError } from "../errors.ts";
import { isGainText, WAVEFORM_LIMITS } from "../model.ts";
import { WFDB_LIMITS, type WfdbSignalLine } from "./header.ts";
import { findSignalFormatName, SIGNAL_FORMATS, type SignalFormatName } from "./signal-format.ts";

const FILE_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.+@=~-]*$/;
const FORMAT = /^(\d{1,5})(?:x(\d{1,5}))?(?::(\d{1,9}))?(?:\+(\d{1,16}))?$/;
const GAIN = /^([^()/]+)(?:\((-?\d{1,10})\))?(?:\/(\S+))?$/;
const FIELDS =
  /^(\S+)\s+(\S+)(?:\s+(\S+))?(?:\s+(\S+))?(?:\s+(\S+))?(?:\s+(\S+))?(?:\s+(\S+))?(?:\s+(\S+))?(?:\s+(.*))?$/;

/** adu per mV where a header states no gain. Source: header(5), DEFGAIN. */
const DEFAULT_GAIN = "200";

/** Parses one signal line. @param subject how messages name the line, e.g. `record 100 signal 0`.
 * @throws {EcgError} ERR_WFDB_HEADER, ERR_WFDB_LIMIT, ERR_WFDB_FILE_NAME, or ERR_WFDB_FORMAT naming the format. */
export function parseSignalLine(line: string, subject: string): WfdbSignalLine {
  const fields = FIELDS.exec(line.trim());
  if (fields === null) throw headerError(`${subject} line lacks a file name or a format`);
  const [, fileField = "", formatField = "", gain, resolution, zero, initial, checksum, blockSize, description] =
    fields;
  const storage = parseStorage(formatField, subject);
  const adcZeroAdu = parseInteger(zero ?? "0", `${subject} ADC zero`);
  return {
    ...storage,
    fileName: parseFileName(fileField, subject),
    ...parseGain(gain ?? "0", adcZeroAdu, subject),
    adcResolutionBits: parseResolution(resolution ?? "0", storage.format, subject),
    adcZeroAdu,
    initialAdu: initial === undefined ? null : parseInteger(initial, `${subject} initial value`),
    checksum: checksum === undefined ? null : parseInteger(checksum, `${subject} checksum`) & 0xffff,
    blockSizeBytes: parseInteger(blockSize ?? "0", `${subject} block size`),
    description: description === undefined || description.trim() === "" ? null : description.trim(),
  };
}

function parseFileName(field: string, subject: string): string {
  if (field.length > WFDB_LIMITS.fileNameLengthMax || !FILE_NAME.test(field) || field.includes("..")) {
    throw new EcgError("ERR_WFDB_FILE_NAME", `${subject} file name must be a plain name beside the header`);
  }
  return field;
}

type Storage = Pick<WfdbSignalLine, "format" | "samplesPerFrame" | "skewFrames" | "byteOffset">;

function parseStorage(field: string, subject: string): Storage {
  const match = FORMAT.exec(field);
  if (match === null) throw headerError(`${subject} format field is malformed`);
  const format = findSignalFormatName(match[1] ?? "");
  if (format === undefined)
    throw new EcgError("ERR_WFDB_FORMAT", `${subject} has format ${match[1]}, read are 16, 32 and 212`);
  const samplesPerFrame = Number(match[2] ?? "1");
  if (samplesPerFrame === 0) throw headerError(`${subject} has no samples per frame`);
  const storage = { format, samplesPerFrame, skewFrames: Number(match[3] ?? 0), byteOffset: Number(match[4] ?? 0) };
  assertStorageLimits(storage, subject);
  return storage;
}

function assertStorageLimits(storage: Storage, subject: string): void {
  const fits =
    storage.samplesPerFrame <= WAVEFORM_LIMITS.samplesPerFrameMax &&
    storage.skewFrames <= WAVEFORM_LIMITS.skewFramesMax &&
    storage.byteOffset <= WFDB_LIMITS.byteOffsetMax;
  if (!fits) throw new EcgError("ERR_WFDB_LIMIT", `${subject} samples per frame, skew or byte offset is too large`);
}

function parseGain(
  field: string,
  adcZeroAdu: number,
  subject: string,
): Pick<WfdbSignalLine, "gainAduPerUnit" | "baselineAdu" | "units"> {
  const match = GAIN.exec(field);
  const gain = match?.[1] ?? "";
  const isAbsent = gain.length <= WAVEFORM_LIMITS.gainLengthMax && Number(gain) === 0;
  if (match === null || !(isAbsent || isGainText(gain))) throw headerError(`${subject} gain is malformed`);
  const units = match[3] ?? "mV";
  if (units.length > WAVEFORM_LIMITS.unitsLengthMax)
    throw new EcgError("ERR_WFDB_LIMIT", `${subject} units are too long`);
  const baselineAdu = match[2] === undefined ? adcZeroAdu : parseInteger(match[2], `${subject} baseline`);
  return { gainAduPerUnit: isAbsent ? DEFAULT_GAIN : gain, baselineAdu, units };
}

function parseResolution(field: string, format: SignalFormatName, subject: string): number {
  const bits = parseInteger(field, `${subject} ADC resolution`);
  if (bits < 0 || bits > WAVEFORM_LIMITS.adcResolutionBitsMax)
    throw headerError(`${subject} ADC resolution is not 0..32`);
  return bits === 0 ? SIGNAL_FORMATS[format].defaultResolutionBits : bits;
}

function parseInteger(text: string, subject: string): number {
  const value = /^[+-]?\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= -2147483648 && value <= 2147483647) return value;
  throw headerError(`${subject} is not a 32-bit integer`);
}

function headerError(message: string): EcgError {
  return new EcgError("ERR_WFDB_HEADER", message);
}
