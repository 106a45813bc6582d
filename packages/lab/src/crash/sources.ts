/** What a recording must be when it is read back: the same samples from a source of their own. */
import { createSynthesiser, type SampleBlock, type WaveformFormat } from "@pericard/ecg";
import { openRecordFile, recordBlocks } from "../demo/read-back.ts";
import { recordPath } from "./settings.ts";

/** A source by the arguments that make a terminal record it. */
export interface KnownSource {
  readonly args: readonly string[];
  readonly format: WaveformFormat;
  readonly frameCount: number;
  readonly blocks: () => AsyncGenerator<SampleBlock>;
}

const FRAMES_PER_BLOCK = 5000;
const RATE_HZ = 500;
const HEART_RATE_BPM = 72;

/** A record of the ECG data folder. */
export async function wfdbSource(name: string): Promise<KnownSource> {
  const path = recordPath(name);
  const record = await openRecordFile(path);
  const { format, frameCount } = record;
  return { args: ["--record", path], format, frameCount, blocks: () => recordBlocks(record) };
}

/** Twelve synthetic leads at 500 Hz. */
export function syntheticSource(seed: number, hours: number): KnownSource {
  const synthesiser = createSynthesiser({ seed, heartRateBpm: HEART_RATE_BPM });
  const frameCount = Math.round(hours * 3600 * RATE_HZ);
  return {
    args: ["--synthetic", "--seed", String(seed), "--heart-rate", String(HEART_RATE_BPM), "--hours", String(hours)],
    format: synthesiser.format,
    frameCount,
    async *blocks() {
      for (let frame = 0; frame < frameCount; frame += FRAMES_PER_BLOCK) {
        yield synthesiser.block(frame, Math.min(FRAMES_PER_BLOCK, frameCount - frame));
      }
    },
  };
}
