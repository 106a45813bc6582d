/** Joins a header with its signal files: after this, lengths are known to agree. */
import { EcgError } from "../errors.ts";
import { assertWaveformFormat, WAVEFORM_LIMITS, type Lead, type WaveformFormat } from "../model.ts";
import type { WfdbHeader, WfdbSignalLine } from "./header.ts";
import { parseWfdbHeader } from "./parse-header.ts";
import type { SignalFiles } from "./signal-files.ts";
import { SIGNAL_FORMATS, type SignalFormatName } from "./signal-format.ts";

/** The signals that share one file, in frame order. */
export interface WfdbSignalGroup {
  readonly fileName: string;
  readonly format: SignalFormatName;
  readonly byteOffset: number;
  /** Index of the group's first lead in the record. */
  readonly firstLeadIndex: number;
  /** Samples per frame of each lead of the group. */
  readonly samplesPerFrame: readonly number[];
  /** Samples of all leads of the group in one frame. */
  readonly samplesPerFrameTotal: number;
}

/** An opened record. Samples and checksums have not been looked at yet. */
export interface WfdbRecord {
  readonly header: WfdbHeader;
  readonly format: WaveformFormat;
  /** Frames to read: as the header states, else what every file holds in full. */
  readonly frameCount: number;
  readonly groups: readonly WfdbSignalGroup[];
  readonly files: SignalFiles;
}

/** Parses a header and checks the sizes of its signal files.
 * A record whose header states no length is as long as its files; a started frame at the end is not part of it.
 * @throws {EcgError} as `parseWfdbHeader`; ERR_WFDB_SIGNAL_FILE when a file is absent, shorter than the header says,
 * or files without a stated length disagree. */
export async function openWfdbRecord(headerText: string, files: SignalFiles): Promise<WfdbRecord> {
  const header = parseWfdbHeader(headerText);
  const format = { frameRateHz: header.frameRateHz, leads: header.signals.map(leadFromSignal) };
  assertWaveformFormat(format);
  const groups = groupSignals(header.signals);
  const available = await Promise.all(groups.map((group) => framesInFile(group, files)));
  return { header, format, frameCount: agreeOnFrameCount(header, groups, available), groups, files };
}

function leadFromSignal(signal: WfdbSignalLine, index: number): Lead {
  return {
    name: (signal.description ?? `signal ${index}`).slice(0, WAVEFORM_LIMITS.nameLengthMax).trim(),
    units: signal.units,
    gainAduPerUnit: signal.gainAduPerUnit,
    baselineAdu: signal.baselineAdu,
    samplesPerFrame: signal.samplesPerFrame,
    skewFrames: signal.skewFrames,
    adcResolutionBits: signal.adcResolutionBits,
    adcZeroAdu: signal.adcZeroAdu,
    missingCode: SIGNAL_FORMATS[signal.format].missingCode,
  };
}

function groupSignals(signals: readonly WfdbSignalLine[]): WfdbSignalGroup[] {
  const fileNames = [...new Set(signals.map((signal) => signal.fileName))];
  return fileNames.map((fileName) => {
    const members = signals.filter((signal) => signal.fileName === fileName);
    const samplesPerFrame = members.map((signal) => signal.samplesPerFrame);
    return {
      fileName,
      format: members[0]?.format ?? "16",
      byteOffset: members[0]?.byteOffset ?? 0,
      firstLeadIndex: signals.findIndex((signal) => signal.fileName === fileName),
      samplesPerFrame,
      samplesPerFrameTotal: samplesPerFrame.reduce((sum, count) => sum + count, 0),
    };
  });
}

async function framesInFile(group: WfdbSignalGroup, files: SignalFiles): Promise<number> {
  let sizeBytes: number;
  try {
    sizeBytes = await files.sizeBytes(group.fileName);
  } catch (cause) {
    throw new EcgError("ERR_WFDB_SIGNAL_FILE", `signal file ${group.fileName} cannot be read`, {
      cause,
      retryable: true,
    });
  }
  const samples = SIGNAL_FORMATS[group.format].sampleCount(Math.max(0, sizeBytes - group.byteOffset));
  return Math.floor(samples / group.samplesPerFrameTotal);
}

function agreeOnFrameCount(
  header: WfdbHeader,
  groups: readonly WfdbSignalGroup[],
  available: readonly number[],
): number {
  const frameCount = header.frameCount ?? available[0] ?? 0;
  for (const [index, frames] of available.entries()) {
    if (frames < frameCount || (header.frameCount === null && frames !== frameCount)) {
      const name = groups[index]?.fileName ?? "";
      throw new EcgError("ERR_WFDB_SIGNAL_FILE", `signal file ${name} holds ${frames} frames, expected ${frameCount}`);
    }
  }
  return frameCount;
}
