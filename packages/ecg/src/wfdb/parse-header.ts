/** A whole WFDB header: record line, signal lines, comments. Source: WFDB header(5). */
import { EcgError } from "../errors.ts";
import { WFDB_LIMITS, type WfdbHeader, type WfdbSignalLine } from "./header.ts";
import { parseRecordLine } from "./parse-record-line.ts";
import { parseSignalLine } from "./parse-signal-line.ts";

// oxlint-disable-next-line no-control-regex -- control characters are exactly what is refused
const CONTROL = /[\u0000-\u0008\u000b\u000e-\u001f\u007f]/;

/** Parses the text of a .hea file. Nothing is yet compared with the signal files.
 * Comments and blank lines are taken anywhere, also before the record line and between signal lines.
 * @throws {EcgError} ERR_WFDB_HEADER, ERR_WFDB_LIMIT, ERR_WFDB_MULTI_SEGMENT, ERR_WFDB_FORMAT, ERR_WFDB_FILE_NAME */
export function parseWfdbHeader(headerText: string): WfdbHeader {
  const lines = splitLines(headerText);
  const content = lines.filter((line) => line !== "" && !line.startsWith("#"));
  const record = parseRecordLine(content[0] ?? "");
  const signalLines = content.slice(1, 1 + record.signalCount);
  if (signalLines.length < record.signalCount) {
    throw headerError(`record ${record.recordName} has ${signalLines.length} of ${record.signalCount} signal lines`);
  }
  const signals = signalLines.map((line, i) => parseSignalLine(line, `record ${record.recordName} signal ${i}`));
  assertGroups(record.recordName, signals);
  return { ...record, signals, comments: collectComments(lines) };
}

function splitLines(headerText: string): string[] {
  if (headerText.length > WFDB_LIMITS.headerLengthMax) throw limitError("header is longer than 262144 characters");
  if (CONTROL.test(headerText)) throw headerError("header contains control characters");
  const lines = headerText.split(/\r\n|\n|\r/).map((line) => line.trim());
  if (lines.some((line) => line.length > WFDB_LIMITS.lineLengthMax))
    throw limitError("header has a line that is too long");
  return lines;
}

function collectComments(lines: readonly string[]): string[] {
  const comments = lines.filter((line) => line.startsWith("#")).map((line) => line.slice(1).trim());
  if (comments.length > WFDB_LIMITS.commentCountMax) throw limitError("header has more than 4096 comment lines");
  return comments;
}

/** Signals of one file must follow each other and share format and offset: they are interleaved in it. */
function assertGroups(recordName: string, signals: readonly WfdbSignalLine[]): void {
  const seen = new Set<string>();
  let previous: WfdbSignalLine | undefined;
  for (const signal of signals) {
    const isSameGroup = previous?.fileName === signal.fileName;
    if (!isSameGroup && seen.has(signal.fileName))
      throw headerError(`record ${recordName} splits the signals of one file`);
    if (isSameGroup && (previous?.format !== signal.format || previous.byteOffset !== signal.byteOffset)) {
      throw headerError(`record ${recordName} gives one file several formats or offsets`);
    }
    seen.add(signal.fileName);
    previous = signal;
  }
}

function headerError(message: string): EcgError {
  return new EcgError("ERR_WFDB_HEADER", message);
}

function limitError(message: string): EcgError {
  return new EcgError("ERR_WFDB_LIMIT", message);
}
