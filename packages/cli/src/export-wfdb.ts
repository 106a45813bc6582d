/** Writes a recording as a WFDB record: exact integers, gain and baseline as the source had them. */
import { createWfdbWriter, EcgError, type SignalFormatName, type WfdbBaseTime } from "@pericard/ecg";
import type { ApiClient, RecordingDescription } from "@pericard/server";
import { closeSync, fsyncSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { CliError } from "./errors.ts";
import { PAPER_MARK } from "./suite-mark.ts";

/** What was written. */
export interface WfdbExport {
  readonly recording: string;
  readonly headerPath: string;
  readonly signalPath: string;
  readonly frames: number;
  readonly signalBytes: number;
}

/** The header's start: the recording's, in UTC. */
function baseTimeOf({ start }: RecordingDescription): WfdbBaseTime | null {
  if (start.unixMs === null) return null;
  const at = new Date(start.unixMs);
  const timeOfDayMs = start.unixMs - Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate());
  const date = { year: at.getUTCFullYear(), month: at.getUTCMonth() + 1, day: at.getUTCDate() };
  return { timeOfDayMs, date };
}

/** Paper-2018 data is marked wherever it goes: nothing protected it on its way. */
function suiteComments({ suite }: RecordingDescription): readonly string[] {
  return suite === "paper-2018" ? [PAPER_MARK] : [];
}

async function writeAs(
  client: ApiClient,
  recording: RecordingDescription,
  folder: string,
  signalFormat: SignalFormatName | undefined,
  onProgress: (frame: number) => void,
): Promise<WfdbExport> {
  const { frameRateHz, leads } = recording;
  const writer = createWfdbWriter({
    recordName: `r${recording.id}`,
    format: { frameRateHz, leads },
    baseTime: baseTimeOf(recording),
    comments: [`recording ${recording.id}, start ${recording.start.certainty}`, ...suiteComments(recording)],
    ...(signalFormat === undefined ? {} : { signalFormat }),
  });
  const signalPath = join(folder, writer.signalFileName);
  const headerPath = join(folder, writer.headerFileName);
  const descriptor = openSync(signalPath, "w");
  let signalBytes = 0;
  try {
    for await (const { fromFrame, toFrame, leads: samples } of client.allSamples(recording)) {
      signalBytes += writeSync(descriptor, writer.append({ frameCount: toFrame - fromFrame, leads: samples }));
      onProgress(toFrame);
    }
    const { signalBytes: rest, headerText } = writer.finish();
    signalBytes += writeSync(descriptor, rest);
    fsyncSync(descriptor);
    writeFileSync(headerPath, headerText);
  } finally {
    closeSync(descriptor);
  }
  return { recording: recording.id, headerPath, signalPath, frames: recording.frameCount, signalBytes };
}

/**
 * Exports into a folder; samples that do not fit the format that their leads declare are written in 32 bits.
 *
 * @throws {CliError} ERR_EXPORT when the recording cannot be written; no header is left behind then.
 */
export async function exportWfdb(
  client: ApiClient,
  recording: RecordingDescription,
  folder: string,
  onProgress: (frame: number) => void,
): Promise<WfdbExport> {
  try {
    return await writeAs(client, recording, folder, undefined, onProgress).catch((error: unknown) => {
      if (!(error instanceof EcgError) || error.code !== "ERR_SAMPLES_RANGE") throw error;
      return writeAs(client, recording, folder, "32", onProgress);
    });
  } catch (cause) {
    rmSync(join(folder, `r${recording.id}.dat`), { force: true });
    throw new CliError("ERR_EXPORT", "recording could not be exported", { cause });
  }
}
