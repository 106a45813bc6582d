/** Public ECG records as the truth that the screen is compared with. */
import { createSynthesiser, type SynthesiserOptions, type WfdbRecord } from "@pericard/ecg";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { openRecordFile, recordBlocks } from "../../src/demo/read-back.ts";
import { ECG_DATA } from "../ecg-data.ts";

/** What is to be done when the records are not there; undefined when they are. */
export const RECORDS_MISSING: string | undefined = existsSync(join(ECG_DATA, "SHA256SUMS"))
  ? undefined
  : `no ECG records in ${ECG_DATA}; copy shared/data/ecg there or set PERICARD_ECG_DATA to its path`;

/** Path of a record's header. */
export function recordPath(name: string): string {
  return join(ECG_DATA, `${name}.hea`);
}

/** Stands for a sample that was not recorded. */
export const MISSING = -0x8000_0000;

/** All samples of a record. */
export interface Truth {
  readonly format: WfdbRecord["format"];
  readonly frameCount: number;
  readonly leads: readonly Int32Array[];
}

/** What a synthetic source of these options gives. */
export function synthesise(options: SynthesiserOptions, frameCount: number): Truth {
  const synthesiser = createSynthesiser(options);
  return { format: synthesiser.format, frameCount, leads: synthesiser.block(0, frameCount).leads };
}

/** The same with nothing between two frames. */
export function withGap(truth: Truth, fromFrame: number, toFrame: number): Truth {
  const leads = truth.leads.map((values, i) => {
    const perFrame = truth.format.leads[i]?.samplesPerFrame ?? 1;
    return values.slice().fill(MISSING, fromFrame * perFrame, toFrame * perFrame);
  });
  return { ...truth, leads };
}

/** Reads a record whole, straight from its files. */
export async function readTruth(name: string): Promise<Truth> {
  const record = await openRecordFile(recordPath(name));
  const { format, frameCount } = record;
  const leads = format.leads.map(({ samplesPerFrame }) => new Int32Array(frameCount * samplesPerFrame));
  const filled = leads.map(() => 0);
  for await (const block of recordBlocks(record)) {
    for (const [i, values] of block.leads.entries()) {
      leads[i]?.set(values, filled[i]);
      filled[i] = (filled[i] ?? 0) + values.length;
    }
  }
  return { format, frameCount, leads };
}
