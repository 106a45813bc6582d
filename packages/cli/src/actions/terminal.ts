/** `pericard terminal`: records, uploads, and says how it is. */
import { SEGMENT_CODECS, type SegmentCodecName } from "@pericard/ecg";
import { FrameError, openDiskFolder } from "@pericard/framelog";
import {
  keepHeapSmall,
  openTerminal,
  type Terminal,
  type TerminalEvent,
  type TerminalStatus,
} from "@pericard/terminal";
import { REFUSAL_KINDS, type RefusalKind } from "@pericard/trsm";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CliError } from "../errors.ts";
import { bytesText, outputFor, type Output } from "../output.ts";
import { stopSignal } from "../stop-signal.ts";
import { PAPER_MARK, suiteMark } from "../suite-mark.ts";
import { numberOption, openSources, type SourceOptions } from "../terminal-source.ts";
import { tlsOf, type TlsOptions } from "../tls-option.ts";

export interface TerminalOptions {
  readonly data: string;
  readonly json?: boolean;
}

interface RecordOptions extends UploadOptions, SourceOptions {
  readonly segmentSeconds: string;
  readonly journalLimitMb: string;
  readonly codec?: string;
  readonly upload: boolean;
}

/** What uploads are made with. */
export interface UploadOptions extends TerminalOptions, TlsOptions {
  readonly receiptSeconds: string;
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
  if (event.type === "rewrap") return `server has a newer key: ${event.itemCount} items are sealed anew`;
  if (event.type === "erased")
    return `server erased recording ${event.recording}: ${event.itemCount} items left the journal`;
  if (event.type === "gap") return `journal lost segment ${event.sequence}: a gap was stated`;
  if (event.type === "observations-lost") return `disk lost ${event.count} observations that were in no segment yet`;
  if (event.type === "waiting-for-room") return "journal is full: waiting for receipts";
  if (event.type === "key-change") return `server set ${event.maximum} uses for each key (change ${event.version})`;
  if (event.type === "key-change-refused") return `key change refused (${event.code}): the server is told`;
  return undefined;
}

/** How a run goes, in a line. */
export function progressLine({ journal, upload }: TerminalStatus, { segments }: Tally): string {
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
export async function withTerminal(
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

/** What a run of a terminal came to. */
export function resultOf({ serial, suite, journal, upload }: TerminalStatus, tally: Tally) {
  const { sentBytes, receiptsVerified, badMail } = upload;
  return {
    serial,
    suite,
    ...tally,
    sentBytes,
    receiptsVerified,
    badMail,
    waiting: journal.items,
    quarantined: journal.quarantined,
  };
}

function codecOption(name: string | undefined): SegmentCodecName | undefined {
  if (name === undefined) return undefined;
  const known = Object.keys(SEGMENT_CODECS) as SegmentCodecName[];
  const codec = known.find((one) => one === name);
  if (codec === undefined) throw new CliError("ERR_USAGE", `--codec is none of ${known.join(", ")}`);
  return codec;
}

export async function record(options: RecordOptions): Promise<void> {
  keepHeapSmall();
  const output = outputFor(options);
  const signal = stopSignal();
  const sources = await openSources(options);
  const terminal = openTerminal(
    options.data,
    {
      segmentLengthMs: 1000 * numberOption("segment-seconds", options.segmentSeconds, 1, 60),
      codec: codecOption(options.codec),
      receiptWaitMs: receiptWaitMs(options),
      journalLimitBytes: 1e6 * numberOption("journal-limit-mb", options.journalLimitMb, 1, 1e6),
    },
    tlsOf(options),
  );
  const { serial, suite } = terminal.status();
  if (suite === "paper-2018")
    output.note(`terminal ${serial} is of suite ${PAPER_MARK}: what it seals is not protected`);
  if (options.json) output.result({ ready: true, serial, suite }, []);
  let recordings: readonly string[] = [];
  let alreadyRecorded = false;
  const tally = await withTerminal(terminal, options.data, output, async () => {
    const report = await terminal.recordStreams(sources, { signal, upload: options.upload });
    ({ recordings, alreadyRecorded } = report);
  });
  if (alreadyRecorded) output.note("this record was recorded whole before; --again records it anew");
  const status = terminal.status();
  terminal.close();
  const result = { ...resultOf(status, tally), recording: recordings.at(-1) ?? null, recordings, alreadyRecorded };
  output.result(result, [progressLine(status, tally), ...recordings.map((id) => `recording ${id}`)]);
}

/** How long a receipt is waited for. @throws {CliError} ERR_USAGE. */
export function receiptWaitMs({ receiptSeconds }: UploadOptions): number {
  return 1000 * numberOption("receipt-seconds", receiptSeconds, 1, 86_400);
}

export async function upload(options: UploadOptions): Promise<void> {
  keepHeapSmall();
  const output = outputFor(options);
  const signal = stopSignal();
  const terminal = openTerminal(options.data, { receiptWaitMs: receiptWaitMs(options) }, tlsOf(options));
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

const REFUSED: Readonly<Record<RefusalKind, string>> = {
  load: "second loads",
  "read-out": "read-outs",
  authorisation: "wrong authorisations",
  rollback: "older counters",
  record: "damaged records of refusals",
};

/** What lies behind the terminal's keys, and what it refused. */
function moduleText({ kind, refusals }: TerminalStatus["trsm"]): string {
  const what = kind === "soft" ? "soft (simulated)" : "tpm";
  if (!refusals) return `${what}, record of refusals cannot be read`;
  const refused = REFUSAL_KINDS.filter((one) => refusals.counts[one] > 0).map(
    (one) => `${refusals.counts[one]} ${REFUSED[one]}`,
  );
  const [last] = refusals.last.slice(-1);
  const when = last ? `, the last on ${new Date(Math.min(last.atUnixMs, 8.64e15)).toISOString()}` : "";
  return refused.length === 0 ? what : `${what}, refused: ${refused.join(", ")}${when}`;
}

export function status(options: TerminalOptions): void {
  const value = readStatus(options.data);
  const { serial, suite, running, journal, trsm, keyUse, recording } = value as unknown as TerminalStatus & {
    running: boolean;
  };
  const last = journal.failure === null ? "" : `, stopped: ${journal.failure}`;
  outputFor(options).result(value, [
    `terminal   ${serial}${running ? ", running" : ""}${suiteMark(suite)}`,
    `recording  ${recording ?? "none"}`,
    `journal    ${journal.items} segments without a receipt, ${bytesText(journal.bytes)} of ${bytesText(journal.limitBytes)}${last}`,
    ...journal.damaged.map((run) => `damaged    ${run.file}, byte ${run.offsetBytes}, ${bytesText(run.sizeBytes)}`),
    `quarantine ${journal.quarantined} segments`,
    `module     ${moduleText(trsm)}`,
    `key        index ${keyUse.index} of cycle ${keyUse.cycle}, use ${keyUse.use} of ${keyUse.maximum}`,
  ]);
}
