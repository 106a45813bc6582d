/** Writes a fetched stream: samples as a WFDB record, anything as JSON lines. */
import { BODY_KIND, decodeSegmentBody, toHex, type StreamName } from "@pericard/protocol";
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { CliError } from "../errors.ts";
import { wfdbBaseTime, writeWfdb } from "../write-wfdb.ts";
import type { FetchedPart, KeptSegment } from "./fetched-part.ts";
import { blocksOf, observationsOf, samplesOf, waveformIn } from "./fetched-samples.ts";

/** How a stream is written. */
export const FETCH_FORMATS = ["wfdb", "json"] as const;
export type FetchFormat = (typeof FETCH_FORMATS)[number];

/** A stream's name in file names: stream 0 has the name of its recording. */
export function fileNameOf({ recording, stream }: StreamName): string {
  return stream === 0 ? `r${recording}` : `r${recording}-s${stream}`;
}

/** One segment as one line of JSON. */
function lineOf({ sequence, hash, bytes }: KeptSegment): string {
  const body = decodeSegmentBody(bytes);
  const { descriptor, codec } = body;
  const data =
    descriptor.kind === BODY_KIND.waveform
      ? { leads: samplesOf(descriptor, body).map((lead) => [...lead]) }
      : { observations: observationsOf(body) };
  return `${JSON.stringify({ sequence, h: toHex(hash), codec, descriptor, ...data })}\n`;
}

function writeJson(folder: string, name: StreamName, part: FetchedPart): readonly string[] {
  const path = join(folder, `${fileNameOf(name)}.jsonl`);
  const file = openSync(`${path}.tmp`, "w");
  try {
    for (const segment of part.segments()) writeSync(file, lineOf(segment));
    fsyncSync(file);
  } catch (cause) {
    throw new CliError("ERR_EXPORT", "stream could not be written", { cause });
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.tmp`, path);
  return [path];
}

/** Files that were written. Observations have no place in WFDB: they become JSON lines. @throws {CliError} ERR_EXPORT. */
export async function writeStream(
  folder: string,
  name: StreamName,
  part: FetchedPart,
  format: FetchFormat,
): Promise<readonly string[]> {
  const [first] = part.segments();
  const waveform = first && waveformIn(first);
  if (format === "json" || !waveform) return writeJson(folder, name, part);
  const { claimed, firstFrame, shape } = waveform;
  const beforeMs = (firstFrame * 1000 * shape.frameRateHz.den) / shape.frameRateHz.num;
  const startUnixMs = claimed ? Math.round(claimed.unixMs - beforeMs) : null;
  const options = {
    recordName: fileNameOf(name),
    format: shape,
    baseTime: wfdbBaseTime(startUnixMs),
    comments: [`recording ${name.recording}, stream ${name.stream}, start ${claimed ? "claimed" : "unknown"}`],
  };
  const written = await writeWfdb(
    folder,
    options,
    () => blocksOf(part.segments()),
    () => undefined,
  );
  return [written.headerPath, written.signalPath];
}
