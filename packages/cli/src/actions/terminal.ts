/** `pericard terminal`: records, uploads, and says how it is. */
import { FrameError, openDiskFolder } from "@pericard/framelog";
import {
  keepHeapSmall,
  openTerminal,
  type Terminal,
  type TerminalEvent,
  type TerminalStatus,
} from "@pericard/terminal";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bytesText, outputFor, type Output } from "../output.ts";
import { stopSignal } from "../stop-signal.ts";
import { numberOption, openSource, type SourceOptions } from "../terminal-source.ts";

interface TerminalOptions {
  readonly data: string;
  readonly json?: boolean;
}

interface RecordOptions extends TerminalOptions, SourceOptions {
  readonly segmentSeconds: string;
  readonly journalLimitMb: string;
  readonly upload: boolean;
}

const STATUS_FILE = "status.json";
const STATUS_MS = 1000;

/** What a terminal tells beside its status. */
interface Tally {
  segments: number;
  conflicts: number;
  rejected: number;
  gaps: number;
}

function count(tally: Tally, { type }: TerminalEvent): void {
  if (type === "segment") tally.segments += 1;
  if (type === "conflict") tally.conflicts += 1;
  if (type === "rejected") tally.rejected += 1;
  if (type === "gap") tally.gaps += 1;
}

function noteOf(event: TerminalEvent): string | undefined {
  if (event.type === "conflict")
    return `server contradicts segment ${event.sequence}: it was sealed anew (${event.cause})`;
  if (event.type === "rejected") return `server refuses segment ${event.sequence} (${event.code}): it is in quarantine`;
  if (event.type === "gap") return `journal lost segment ${event.sequence}: a gap was stated`;
  if (event.type === "waiting-for-room") return "journal is full: waiting for receipts";
  return undefined;
}

function progressLine({ journal, upload }: TerminalStatus, { segments }: Tally): string {
  const where = upload.target ?? "no target answers";
  return `${segments} segments recorded, ${upload.receiptsVerified} receipted, ${journal.items} wait (${bytesText(journal.bytes)}); ${where}`;
}

/** Keeps the status file. A disk that has no room for it must not end a recording: what the journal says counts. */
function keepStatus(folder: string, status: TerminalStatus): void {
  try {
    writeFileSync(join(folder, `${STATUS_FILE}.tmp`), JSON.stringify({ writtenAtUnixMs: Date.now(), ...status }));
    renameSync(join(folder, `${STATUS_FILE}.tmp`), join(folder, STATUS_FILE));
  } catch (error) {
    if (!/^E[A-Z0-9]+$/.test(String((error as NodeJS.ErrnoException).code))) throw error;
  }
}

/** Runs work on an opened terminal, keeps its status file, and tells progress. */
async function withTerminal(
  terminal: Terminal,
  folder: string,
  output: Output,
  work: () => Promise<void>,
): Promise<Tally> {
  const tally: Tally = { segments: 0, conflicts: 0, rejected: 0, gaps: 0 };
  terminal.onEvent((event) => {
    count(tally, event);
    const note = noteOf(event);
    if (note !== undefined) output.note(note);
  });
  const tell = (): void => {
    const status = terminal.status();
    keepStatus(folder, status);
    output.progress(progressLine(status, tally));
  };
  const timer = setInterval(tell, STATUS_MS);
  try {
    await work();
  } finally {
    clearInterval(timer);
    tell();
  }
  return tally;
}

function resultOf({ serial, journal, upload }: TerminalStatus, tally: Tally) {
  const { sentBytes, receiptsVerified, badMail } = upload;
  return {
    serial,
    ...tally,
    sentBytes,
    receiptsVerified,
    badMail,
    waiting: journal.items,
    quarantined: journal.quarantined,
  };
}

export async function record(options: RecordOptions): Promise<void> {
  keepHeapSmall();
  const output = outputFor(options);
  const signal = stopSignal();
  const source = await openSource(options);
  const terminal = openTerminal(options.data, {
    segmentLengthMs: 1000 * numberOption("segment-seconds", options.segmentSeconds, 1, 60),
    journalLimitBytes: 1e6 * numberOption("journal-limit-mb", options.journalLimitMb, 1, 1e6),
  });
  if (options.json) output.result({ ready: true, serial: terminal.status().serial }, []);
  let recordings: readonly string[] = [];
  let alreadyRecorded = false;
  const tally = await withTerminal(terminal, options.data, output, async () => {
    const report = await terminal.record(source, { signal, upload: options.upload });
    ({ recordings, alreadyRecorded } = report);
  });
  if (alreadyRecorded) output.note("this record was recorded whole before; --again records it anew");
  const status = terminal.status();
  terminal.close();
  const result = { ...resultOf(status, tally), recording: recordings.at(-1) ?? null, recordings, alreadyRecorded };
  output.result(result, [progressLine(status, tally), ...recordings.map((id) => `recording ${id}`)]);
}

export async function upload(options: TerminalOptions): Promise<void> {
  keepHeapSmall();
  const output = outputFor(options);
  const signal = stopSignal();
  const terminal = openTerminal(options.data);
  const tally = await withTerminal(terminal, options.data, output, () => terminal.upload({ signal }));
  const status = terminal.status();
  terminal.close();
  output.result(resultOf(status, tally), [progressLine(status, tally)]);
}

/** The status of a terminal that nobody has open, or the one that its process wrote last. */
function readStatus(folder: string): Record<string, unknown> {
  try {
    const terminal = openTerminal(folder);
    const status = terminal.status();
    terminal.close();
    return { running: false, ...status };
  } catch (error) {
    const written = openDiskFolder(folder).read(STATUS_FILE);
    if (!(error instanceof FrameError) || error.code !== "ERR_FOLDER_LOCKED" || !written) throw error;
    return { running: true, ...(JSON.parse(new TextDecoder().decode(written)) as Record<string, unknown>) };
  }
}

export function status(options: TerminalOptions): void {
  const value = readStatus(options.data);
  const { serial, running, journal, keyUse, recording } = value as unknown as TerminalStatus & { running: boolean };
  const last = journal.failure === null ? "" : `, stopped: ${journal.failure}`;
  outputFor(options).result(value, [
    `terminal   ${serial}${running ? ", running" : ""}`,
    `recording  ${recording ?? "none"}`,
    `journal    ${journal.items} segments without a receipt, ${bytesText(journal.bytes)} of ${bytesText(journal.limitBytes)}${last}`,
    `quarantine ${journal.quarantined} segments`,
    `key        index ${keyUse.index} of cycle ${keyUse.cycle}, use ${keyUse.use} of ${keyUse.maximum}`,
  ]);
}
