/** A WFDB record on this machine's disk. */
import { open, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { sha256 } from "@pericard/crypto";
import {
  openWfdbRecord,
  readBlocks,
  samplesPerFrameTotal,
  type SignalFiles,
  type WfdbBaseTime,
  type WfdbRecord,
} from "@pericard/ecg";
import { encodeCbor } from "@pericard/protocol";
import { TerminalError } from "../errors.ts";
import { skipFrames } from "./skip-frames.ts";
import type { ClaimedTime, Source } from "./source.ts";

const BLOCK_SAMPLES = 32_768;

/**
 * Opens the record of a .hea file, whose signal files lie beside it. What the header claims is checked with the samples:
 * a wrong checksum ends the source with an error after its last frame.
 *
 * @throws {TerminalError} ERR_SOURCE_UNREADABLE when the header cannot be read.
 * @throws {EcgError} when header or signal files are not a record.
 */
export async function openWfdbSource(headerPath: string): Promise<Source> {
  const headerText = await readHeader(headerPath);
  const record = await openWfdbRecord(headerText, diskFiles(dirname(headerPath)));
  const framesPerBlock = Math.max(1, Math.floor(BLOCK_SAMPLES / samplesPerFrameTotal(record.format)));
  return {
    format: record.format,
    kind: "file",
    sourceId: await sourceIdOf(headerText, record),
    claimedStart: claimedStartOf(record.header.baseTime),
    blocks: (fromFrame) => skipFrames(readBlocks(record, framesPerBlock), record.format, fromFrame),
  };
}

async function readHeader(path: string): Promise<string> {
  try {
    return await readFile(path, "latin1");
  } catch (cause) {
    throw new TerminalError("ERR_SOURCE_UNREADABLE", `header ${basename(path)} cannot be read`, { cause });
  }
}

function diskFiles(folder: string): SignalFiles {
  return {
    sizeBytes: async (name) => (await stat(join(folder, name))).size,
    read: async (name, offsetBytes, lengthBytes) => {
      const file = await open(join(folder, name));
      try {
        const { buffer, bytesRead } = await file.read(new Uint8Array(lengthBytes), 0, lengthBytes, offsetBytes);
        return buffer.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    },
  };
}

/** SHA-256 over the header and each signal file's name and size: the same files are the same source. */
async function sourceIdOf(headerText: string, { groups, files }: WfdbRecord): Promise<Uint8Array> {
  const names = groups.map((group) => group.fileName);
  const sizes = await Promise.all(names.map((name) => files.sizeBytes(name)));
  return sha256(encodeCbor(["pericard/wfdb", headerText, names, sizes]));
}

/** A time of day without a date claims nothing that could be placed. */
function claimedStartOf(baseTime: WfdbBaseTime | null): ClaimedTime | null {
  if (!baseTime?.date) return null;
  const { year, month, day } = baseTime.date;
  return { unixMs: new Date(0).setUTCFullYear(year, month - 1, day) + baseTime.timeOfDayMs, zoneOffsetMinutes: null };
}
