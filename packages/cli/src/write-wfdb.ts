/** Writes samples as a WFDB record: exact integers, gain and baseline as the source had them. */
import {
  createWfdbWriter,
  EcgError,
  type SampleBlock,
  type SignalFormatName,
  type WfdbBaseTime,
  type WfdbWriterOptions,
} from "@pericard/ecg";
import { closeSync, fsyncSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { CliError } from "./errors.ts";

/** Blocks of samples one after the other, from the first frame on. */
export type Blocks = AsyncIterable<SampleBlock> | Iterable<SampleBlock>;

/** What was written. */
export interface WrittenWfdb {
  readonly headerPath: string;
  readonly signalPath: string;
  readonly frames: number;
  readonly signalBytes: number;
}

/** A header's start: a time in UTC. */
export function wfdbBaseTime(unixMs: number | null): WfdbBaseTime | null {
  if (unixMs === null) return null;
  const at = new Date(unixMs);
  const timeOfDayMs = unixMs - Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate());
  const date = { year: at.getUTCFullYear(), month: at.getUTCMonth() + 1, day: at.getUTCDate() };
  return { timeOfDayMs, date };
}

async function writeAs(
  folder: string,
  options: WfdbWriterOptions,
  blocks: Blocks,
  onProgress: (frames: number) => void,
): Promise<WrittenWfdb> {
  const writer = createWfdbWriter(options);
  const signalPath = join(folder, writer.signalFileName);
  const headerPath = join(folder, writer.headerFileName);
  const descriptor = openSync(signalPath, "w");
  let [signalBytes, frames] = [0, 0];
  try {
    for await (const block of blocks) {
      signalBytes += writeSync(descriptor, writer.append(block));
      frames += block.frameCount;
      onProgress(frames);
    }
    const { signalBytes: rest, headerText } = writer.finish();
    signalBytes += writeSync(descriptor, rest);
    fsyncSync(descriptor);
    writeFileSync(headerPath, headerText);
  } finally {
    closeSync(descriptor);
  }
  return { headerPath, signalPath, frames, signalBytes };
}

/**
 * Writes a record into a folder; samples that do not fit the format that their leads declare are written in 32 bits.
 *
 * @param blocks called again for that.
 * @throws {CliError} ERR_EXPORT when the record cannot be written; no header is left behind then.
 */
export async function writeWfdb(
  folder: string,
  options: Omit<WfdbWriterOptions, "signalFormat">,
  blocks: () => Blocks,
  onProgress: (frames: number) => void,
): Promise<WrittenWfdb> {
  const write = (signalFormat?: SignalFormatName): Promise<WrittenWfdb> =>
    writeAs(folder, signalFormat === undefined ? options : { ...options, signalFormat }, blocks(), onProgress);
  try {
    return await write().catch((error: unknown) => {
      if (!(error instanceof EcgError) || error.code !== "ERR_SAMPLES_RANGE") throw error;
      return write("32");
    });
  } catch (cause) {
    rmSync(join(folder, `${options.recordName}.dat`), { force: true });
    throw new CliError("ERR_EXPORT", "recording could not be exported", { cause });
  }
}
