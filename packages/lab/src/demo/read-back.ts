/** Reads a recording back through the API and compares every sample with its source. */
import { openWfdbRecord, readBlocks, type SignalFiles, type WfdbRecord } from "@pericard/ecg";
import type { ApiClient, RecordingDescription, SamplesAnswer } from "@pericard/server";
import { open, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

/** What a comparison found. */
export interface ReadBack {
  readonly samplesReadBack: number;
  readonly identical: boolean;
}

/** Signal files beside a header. */
export function filesBeside(headerPath: string): SignalFiles {
  const folder = dirname(headerPath);
  return {
    sizeBytes: async (name) => (await stat(join(folder, name))).size,
    read: async (name, offsetBytes, lengthBytes) => {
      const file = await open(join(folder, name));
      try {
        const bytes = new Uint8Array(lengthBytes);
        const { bytesRead } = await file.read(bytes, 0, lengthBytes, offsetBytes);
        return bytes.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    },
  };
}

/** Opens a WFDB record by the path of its header. */
export async function openRecordFile(headerPath: string): Promise<WfdbRecord> {
  return openWfdbRecord(await readFile(headerPath, "latin1"), filesBeside(headerPath));
}

/** A source of consecutive samples that gives as many frames as it is asked for. */
class FrameCursor {
  readonly #blocks: AsyncGenerator<{ readonly frameCount: number; readonly leads: readonly Int32Array[] }>;
  readonly #samplesPerFrame: readonly number[];
  #leads: readonly Int32Array[] = [];
  #frames = 0;

  constructor(
    blocks: AsyncGenerator<{ readonly frameCount: number; readonly leads: readonly Int32Array[] }>,
    samplesPerFrame: readonly number[],
  ) {
    this.#blocks = blocks;
    this.#samplesPerFrame = samplesPerFrame;
  }

  /** Up to `frameCount` frames; fewer, but at least one, unless the source has ended. */
  async next(frameCount: number): Promise<{ frameCount: number; leads: readonly Int32Array[] }> {
    if (this.#frames === 0) {
      const block = await this.#blocks.next();
      if (block.done) return { frameCount: 0, leads: [] };
      this.#leads = block.value.leads;
      this.#frames = block.value.frameCount;
    }
    const taken = Math.min(frameCount, this.#frames);
    const leads = this.#leads.map((lead, i) => lead.subarray(0, taken * (this.#samplesPerFrame[i] ?? 1)));
    this.#leads = this.#leads.map((lead, i) => lead.subarray(taken * (this.#samplesPerFrame[i] ?? 1)));
    this.#frames -= taken;
    return { frameCount: taken, leads };
  }
}

function sameValues(a: Int32Array, b: Int32Array): boolean {
  return a.length === b.length && Buffer.compare(bytesOf(a), bytesOf(b)) === 0;
}

function bytesOf(values: Int32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Compares one answer with the same frames of the source. @returns whether every value is the same. */
async function sameStretch(cursor: FrameCursor, answer: SamplesAnswer, samplesPerFrame: readonly number[]) {
  let same = true;
  for (let at = 0, frames = answer.toFrame - answer.fromFrame; at < frames;) {
    const part = await cursor.next(frames - at);
    if (part.frameCount === 0) return false;
    for (const [i, lead] of part.leads.entries()) {
      const per = samplesPerFrame[i] ?? 1;
      same &&= sameValues(lead, answer.leads[i]?.subarray(at * per, (at + part.frameCount) * per) ?? new Int32Array(0));
    }
    at += part.frameCount;
  }
  return same;
}

/** What describes the leads, as one text. */
function descriptionOf({ frameRateHz, leads }: WfdbRecord["format"]): string {
  return JSON.stringify([
    [frameRateHz.num, frameRateHz.den],
    leads.map((one) => [one.name, one.units, one.gainAduPerUnit, one.baselineAdu, one.samplesPerFrame, one.skewFrames]),
  ]);
}

/** Whether what describes the leads came through unchanged. */
export function sameDescription(source: WfdbRecord["format"], recording: RecordingDescription): boolean {
  return descriptionOf(source) === descriptionOf(recording);
}

/** Compares a stored recording with the blocks it was made from. Memory: one stretch of a minute. */
export async function readBack(
  client: ApiClient,
  recording: RecordingDescription,
  source: Pick<WfdbRecord, "format" | "frameCount">,
  blocks: ConstructorParameters<typeof FrameCursor>[0],
): Promise<ReadBack> {
  const samplesPerFrame = source.format.leads.map((lead) => lead.samplesPerFrame);
  const cursor = new FrameCursor(blocks, samplesPerFrame);
  let identical = recording.frameCount === source.frameCount && sameDescription(source.format, recording);
  let samplesReadBack = 0;
  for await (const answer of client.allSamples(recording)) {
    identical = (await sameStretch(cursor, answer, samplesPerFrame)) && identical;
    samplesReadBack += answer.leads.reduce((sum, lead) => sum + lead.length, 0);
  }
  const more = await cursor.next(1);
  return { samplesReadBack, identical: identical && more.frameCount === 0 };
}

/** Blocks of a record for {@link readBack}. */
export function recordBlocks(record: WfdbRecord): AsyncGenerator<{ frameCount: number; leads: readonly Int32Array[] }> {
  return readBlocks(record, 5000);
}
