/** Writes a record as one WFDB signal file and its header, block by block. Source: WFDB header(5), signal(5). */
import { EcgError } from "../errors.ts";
import { interleave } from "../interleave.ts";
import { assertBlockShape, assertWaveformFormat, type Lead, type SampleBlock, type WaveformFormat } from "../model.ts";
import type { WfdbBaseTime } from "./header.ts";
import { SIGNAL_FORMATS, type SignalFormat, type SignalFormatName } from "./signal-format.ts";
import { createSignalSums } from "./signal-sums.ts";
import { assertRecordName, formatWfdbHeader } from "./write-header.ts";

/** What to write. */
export interface WfdbWriterOptions {
  /** Letters, digits, `_`, `-`, at most 64; the files are `<name>.hea` and `<name>.dat`. */
  readonly recordName: string;
  readonly format: WaveformFormat;
  /** Null when the start is not known. */
  readonly baseTime: WfdbBaseTime | null;
  readonly comments?: readonly string[];
  /** How samples are stored; `chooseSignalFormat(format)` unless given. */
  readonly signalFormat?: SignalFormatName;
}

/** One record being written. */
export interface WfdbWriter {
  readonly signalFileName: string;
  readonly headerFileName: string;
  /** Bytes to append to the signal file for this block.
   * @throws {EcgError} ERR_SAMPLES_SHAPE; ERR_SAMPLES_RANGE when a value does not fit the signal format or would read back
   * as missing (start again with "32"). */
  append(block: SampleBlock): Uint8Array;
  /** The last bytes of the signal file (empty unless format 212 was left inside a sample pair) and the header's text. */
  finish(): { signalBytes: Uint8Array; headerText: string };
}

/** The smallest format that holds what the leads declare: "212" where all of them came from it, "32" for more than 16 bits,
 * else "16". Values are still checked one by one while writing. */
export function chooseSignalFormat(format: WaveformFormat): SignalFormatName {
  if (format.leads.every(isFrom212)) return "212";
  return format.leads.some(isWide) ? "32" : "16";
}

function isFrom212(lead: Lead): boolean {
  return lead.missingCode === -2048 && lead.adcResolutionBits <= 12;
}

function isWide(lead: Lead): boolean {
  return lead.adcResolutionBits > 16 || Math.abs(lead.missingCode ?? 0) > 32768;
}

/** Starts a record. Missing samples are written with the code of the signal format, so that every reader sees them as such.
 * @throws {EcgError} ERR_WAVEFORM_FORMAT, ERR_WFDB_HEADER */
export function createWfdbWriter(options: WfdbWriterOptions): WfdbWriter {
  const { recordName, format, baseTime } = options;
  assertRecordName(recordName);
  assertWaveformFormat(format);
  const signalFormat = options.signalFormat ?? chooseSignalFormat(format);
  const fileName = `${recordName}.dat`;
  const sums = createSignalSums(format.leads.length);
  const packer = createPacker(SIGNAL_FORMATS[signalFormat]);
  let frameCount = 0;
  return {
    signalFileName: fileName,
    headerFileName: `${recordName}.hea`,
    append(block) {
      assertBlockShape(format, block);
      const leads = block.leads.map((digital, i) =>
        storedSamples(digital, format.leads[i], SIGNAL_FORMATS[signalFormat]),
      );
      sums.add({ frameCount: block.frameCount, leads });
      frameCount += block.frameCount;
      return packer.append(
        interleave(
          leads,
          format.leads.map((lead) => lead.samplesPerFrame),
        ),
      );
    },
    finish() {
      const comments = options.comments ?? [];
      const content = { recordName, format, signalFormat, fileName, frameCount, baseTime, comments };
      return { signalBytes: packer.finish(), headerText: formatWfdbHeader(content, sums) };
    },
  };
}

/** The samples with the lead's missing code replaced by the format's. */
function storedSamples(digital: Int32Array, lead: Lead | undefined, format: SignalFormat): Int32Array {
  const missingCode = lead?.missingCode ?? null;
  const stored = digital.slice();
  for (let i = 0; i < stored.length; i++) {
    const sample = stored[i] ?? 0;
    if (sample === missingCode) stored[i] = format.missingCode;
    else if (sample < format.digitalMin || sample > format.digitalMax) throw rangeError(lead, "does not fit");
    else if (sample === format.missingCode && missingCode !== null) throw rangeError(lead, "would read as missing in");
  }
  return stored;
}

function rangeError(lead: Lead | undefined, problem: string): EcgError {
  return new EcgError("ERR_SAMPLES_RANGE", `sample of lead ${lead?.name ?? ""} ${problem} the signal format`);
}

interface Packer {
  append(digital: Int32Array): Uint8Array;
  finish(): Uint8Array;
}

/** Packs whole groups at once and carries the samples of a started group (one sample, in format 212) to the next call. */
function createPacker(format: SignalFormat): Packer {
  let carried = new Int32Array(0);
  const pack = (digital: Int32Array): Uint8Array => {
    const bytes = new Uint8Array(format.sizeBytes(digital.length));
    format.pack(digital, bytes);
    return bytes;
  };
  return {
    append(digital) {
      const all = new Int32Array(carried.length + digital.length);
      all.set(carried);
      all.set(digital, carried.length);
      const whole = all.length - (all.length % format.samplesPerGroup);
      carried = all.slice(whole);
      return pack(all.subarray(0, whole));
    },
    finish: () => pack(carried),
  };
}
