/** Streams the samples of an opened WFDB record in bounded memory and verifies them at the end. */
import { EcgError } from "../errors.ts";
import { samplesPerFrameTotal, type SampleBlock } from "../model.ts";
import { deinterleave } from "../interleave.ts";
import type { WfdbSignalLine } from "./header.ts";
import type { WfdbRecord, WfdbSignalGroup } from "./open-record.ts";
import { SIGNAL_FORMATS } from "./signal-format.ts";
import { createSignalSums, type SignalSums } from "./signal-sums.ts";

/** Most samples, over all leads, in one block: 16 MiB of int32. */
export const BLOCK_SAMPLES_MAX = 4_194_304;

/** Yields all frames of the record, oldest first, `framesPerBlock` at a time (the last block may be shorter).
 * Memory is bounded by one block and its bytes. After the last block, the checksum (or, without one, the initial value)
 * that the header states for each signal is compared with what was read: consume the generator to its end before trusting
 * the samples. As in WFDB, checksums are not verified when the header leaves the length open.
 * @throws {RangeError} when framesPerBlock is not a positive integer, or a block would exceed BLOCK_SAMPLES_MAX.
 * @throws {EcgError} ERR_WFDB_SIGNAL_FILE when a file ends early; ERR_WFDB_CHECKSUM */
export async function* readBlocks(record: WfdbRecord, framesPerBlock: number): AsyncGenerator<SampleBlock> {
  const samplesPerBlock = framesPerBlock * samplesPerFrameTotal(record.format);
  if (!Number.isSafeInteger(framesPerBlock) || framesPerBlock < 1 || samplesPerBlock > BLOCK_SAMPLES_MAX) {
    throw new RangeError(`framesPerBlock must give 1..${BLOCK_SAMPLES_MAX} samples, got ${framesPerBlock} frames`);
  }
  const sums = createSignalSums(record.format.leads.length);
  for (let frame = 0; frame < record.frameCount; frame += framesPerBlock) {
    const block = await readBlock(record, frame, Math.min(framesPerBlock, record.frameCount - frame));
    sums.add(block);
    yield block;
  }
  verifySums(record, sums);
}

async function readBlock(record: WfdbRecord, firstFrame: number, frameCount: number): Promise<SampleBlock> {
  const perGroup = await Promise.all(record.groups.map((group) => readGroup(record, group, firstFrame, frameCount)));
  return { frameCount, leads: perGroup.flat() };
}

async function readGroup(
  record: WfdbRecord,
  group: WfdbSignalGroup,
  firstFrame: number,
  frameCount: number,
): Promise<Int32Array[]> {
  const format = SIGNAL_FORMATS[group.format];
  const firstSample = firstFrame * group.samplesPerFrameTotal;
  const skip = firstSample % format.samplesPerGroup;
  const digital = new Int32Array(skip + frameCount * group.samplesPerFrameTotal);
  const offsetBytes = group.byteOffset + ((firstSample - skip) / format.samplesPerGroup) * format.bytesPerGroup;
  const bytes = await readExactly(record, group.fileName, offsetBytes, format.sizeBytes(digital.length));
  format.unpack(bytes, digital);
  return deinterleave(digital.subarray(skip), group.samplesPerFrame);
}

async function readExactly(
  record: WfdbRecord,
  name: string,
  offsetBytes: number,
  lengthBytes: number,
): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = await record.files.read(name, offsetBytes, lengthBytes);
  } catch (cause) {
    throw new EcgError("ERR_WFDB_SIGNAL_FILE", `signal file ${name} cannot be read`, { cause, retryable: true });
  }
  if (bytes.length < lengthBytes) {
    throw new EcgError(
      "ERR_WFDB_SIGNAL_FILE",
      `signal file ${name} ends early: ${bytes.length} of ${lengthBytes} bytes`,
    );
  }
  return bytes;
}

/** A published record (macecgdb/test01_00s_frame) states a wrong initial value beside a right checksum, so the checksum,
 * which covers every sample, decides where it is there. */
function verifySums(record: WfdbRecord, sums: SignalSums): void {
  for (const [index, signal] of record.header.signals.entries()) {
    const subject = `record ${record.header.recordName} signal ${index}`;
    if (record.header.frameCount !== null && signal.checksum !== null) {
      if (signal.checksum !== sums.checksum(index)) throw checksumError(`${subject} does not have its stated checksum`);
    } else if (!isInitialAsStated(signal, sums.initialAdu(index))) {
      throw checksumError(`${subject} does not have its stated initial value`);
    }
  }
}

/** Headers write -32768 for a missing first sample, whatever the format's own code is. */
function isInitialAsStated(signal: WfdbSignalLine, initialAdu: number | null): boolean {
  if (signal.initialAdu === null || initialAdu === null || signal.initialAdu === initialAdu) return true;
  return signal.initialAdu === -32768 && initialAdu === SIGNAL_FORMATS[signal.format].missingCode;
}

function checksumError(message: string): EcgError {
  return new EcgError("ERR_WFDB_CHECKSUM", message);
}
