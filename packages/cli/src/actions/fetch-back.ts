/** `pericard terminal fetch-back`: gets a terminal's streams back from the server. Source: paper B §4 (reverse output). */
import { RecordingId, type ReturnedStream } from "@pericard/protocol";
import { openTerminal, type FetchBackClient } from "@pericard/terminal";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { CliError } from "../errors.ts";
import { FetchedPart } from "../fetch-back/fetched-part.ts";
import { FETCH_FORMATS, fileNameOf, writeStream, type FetchFormat } from "../fetch-back/write-stream.ts";
import { bytesText, outputFor, table, type Output } from "../output.ts";
import { stopSignal } from "../stop-signal.ts";
import { tlsOf, type TlsOptions } from "../tls-option.ts";

interface Options extends TlsOptions {
  readonly data: string;
  readonly out?: string;
  readonly recording?: string;
  readonly stream?: string;
  readonly format: string;
  readonly json?: boolean;
}

/** What became of one stream. */
interface Fetched {
  readonly recording: string;
  readonly stream: number;
  readonly segments: number;
  /** Segments that an earlier run had fetched. */
  readonly resumedAfter: number;
  /** Sequence numbers up to the last that the server does not have. */
  readonly missing: number;
  readonly files: readonly string[];
}

function formatOption(name: string): FetchFormat {
  const format = FETCH_FORMATS.find((one) => one === name);
  if (format) return format;
  throw new CliError("ERR_USAGE", `--format is none of ${FETCH_FORMATS.join(", ")}`);
}

/** Whether a stream is one of those that were asked for. */
function selection({ recording, stream }: Options): (one: ReturnedStream) => boolean {
  if (recording !== undefined && !/^[0-9a-f]{32}$/.test(recording)) {
    throw new CliError("ERR_USAGE", "--recording is not a recording's id");
  }
  if (stream !== undefined && !(/^\d{1,3}$/.test(stream) && Number(stream) <= 255)) {
    throw new CliError("ERR_USAGE", "--stream is not a number from 0 to 255");
  }
  const id = recording === undefined ? undefined : RecordingId.parse(recording);
  return (one) => (id ?? one.recording) === one.recording && Number(stream ?? one.stream) === one.stream;
}

async function selected(client: FetchBackClient, options: Options, signal: AbortSignal): Promise<ReturnedStream[]> {
  const isSelected = selection(options);
  const streams: ReturnedStream[] = [];
  for await (const one of client.streams(signal)) if (isSelected(one)) streams.push(one);
  return streams;
}

/** Fetches one stream into its part, and writes it when all of it is there. */
async function fetchStream(
  client: FetchBackClient,
  wanted: ReturnedStream,
  { folder, format, output, signal }: { folder: string; format: FetchFormat; output: Output; signal: AbortSignal },
): Promise<Fetched> {
  const { recording, stream, segmentCount } = wanted;
  const part = FetchedPart.open(join(folder, `.${fileNameOf(wanted)}.part`));
  try {
    let sizeBytes = 0;
    const resumedAfter = part.segmentCount;
    if (resumedAfter > 0) output.note(`${fileNameOf(wanted)}: goes on after ${resumedAfter} segments`);
    for await (const segment of client.segments(wanted, part.soFar, signal)) {
      part.append(segment);
      sizeBytes += segment.bytes.length;
      output.progress(
        `${fileNameOf(wanted)}: ${part.segmentCount} of ${segmentCount} segments, ${bytesText(sizeBytes)}`,
      );
    }
    part.sync();
    const files = await writeStream(folder, wanted, part, format);
    const segments = part.segmentCount;
    const missing = part.soFar.nextSequence - segments;
    part.remove();
    return { recording, stream, segments, resumedAfter, missing, files };
  } finally {
    part.close();
  }
}

/** Opens the terminal for the time of some work with its server. */
async function withClient<T>(options: Options, work: (client: FetchBackClient) => Promise<T>): Promise<T> {
  const terminal = openTerminal(options.data, {}, tlsOf(options));
  try {
    return await work(terminal.fetchBack());
  } finally {
    terminal.close();
  }
}

/** Without `--out`, says which streams there are. */
export async function fetchBack(options: Options): Promise<void> {
  const output = outputFor(options);
  const signal = stopSignal();
  const format = formatOption(options.format);
  await withClient(options, async (client) => {
    const streams = await selected(client, options, signal);
    if (options.out === undefined) return tellStreams(output, streams);
    const folder = options.out;
    mkdirSync(folder, { recursive: true });
    const fetched: Fetched[] = [];
    for (const wanted of streams) fetched.push(await fetchStream(client, wanted, { folder, format, output, signal }));
    output.result({ fetched }, [`fetched ${fetched.length} streams`, ...fetched.map(lineOf)]);
  });
}

function lineOf({ recording, stream, segments, missing, files }: Fetched): string {
  const lost = missing === 0 ? "" : `, ${missing} the server does not have`;
  return `${recording} stream ${stream}: ${segments} segments${lost}: ${files.join(", ")}`;
}

function tellStreams(output: Output, streams: readonly ReturnedStream[]): void {
  const rows = streams.map(({ recording, stream, segmentCount, firstReceivedAtUnixMs }) => [
    recording,
    String(stream),
    String(segmentCount),
    new Date(Math.min(firstReceivedAtUnixMs, 8.64e15)).toISOString(),
  ]);
  output.result({ streams }, table(["recording", "stream", "segments", "first received"], rows));
}
