/** The synthesiser as a source: as a file of a given length, or live, paced by a clock. */
import { sha256 } from "@pericard/crypto";
import {
  createPleth,
  createSynthesiser,
  type PlethOptions,
  type SampleBlock,
  type SynthesiserOptions,
  type WaveformFormat,
} from "@pericard/ecg";
import { encodeCbor } from "@pericard/protocol";
import type { Clock } from "../clock.ts";
import { msOfFrames } from "../shape.ts";
import type { Source, SourceBlock } from "./source.ts";

const FILE_BLOCK_SECONDS = 1;
const LIVE_BLOCK_SECONDS = 0.25;

/**
 * A synthetic record of a fixed length, as fast as it is taken. The same options and length are the same source.
 *
 * @param frameCount whole frames of the record. @throws {RangeError} when an option is out of range.
 */
export function createSyntheticFile(options: SynthesiserOptions, frameCount: number): Source {
  const synthesiser = createSynthesiser(options);
  const stepCount = stepFrames(synthesiser.format.frameRateHz, FILE_BLOCK_SECONDS);
  return {
    format: synthesiser.format,
    kind: "file",
    sourceId: sha256(encodeCbor(["pericard/synthetic", ...textsOf(options), frameCount])),
    claimedStart: null,
    testData: "synthetic",
    async *blocks(fromFrame, signal): AsyncGenerator<SourceBlock> {
      for (let frame = fromFrame; frame < frameCount && !signal.aborted; frame += stepCount) {
        yield synthesiser.block(frame, Math.min(stepCount, frameCount - frame));
      }
    },
  };
}

/**
 * A synthetic patient in real time, a quarter of a second a block, until aborted or for `frameCountMax` frames.
 *
 * @throws {RangeError} when an option is out of range.
 */
export function createSyntheticLive(
  options: SynthesiserOptions,
  clock: Clock,
  frameCountMax: number = Number.POSITIVE_INFINITY,
): Source {
  return liveFrom(createSynthesiser(options), clock, frameCountMax);
}

/** The pleth of the synthetic patient of the same seed and heart rate, in real time. @throws {RangeError} as {@link createSyntheticLive}. */
export function createPlethLive(options: PlethOptions, clock: Clock): Source {
  return liveFrom(createPleth(options), clock, Number.POSITIVE_INFINITY);
}

interface Generator {
  readonly format: WaveformFormat;
  block(firstFrame: number, frameCount: number): SampleBlock;
}

function liveFrom({ format, block: blockAt }: Generator, clock: Clock, frameCountMax: number): Source {
  const stepCount = stepFrames(format.frameRateHz, LIVE_BLOCK_SECONDS);
  return {
    format,
    kind: "live",
    sourceId: null,
    claimedStart: null,
    testData: "synthetic",
    async *blocks(_fromFrame, signal): AsyncGenerator<SourceBlock> {
      const startMs = clock.monotonicMs();
      for (let frame = 0; frame < frameCountMax;) {
        const count = Math.min(stepCount, frameCountMax - frame);
        const block = blockAt(frame, count);
        frame += count;
        const waitMs = startMs + msOfFrames(format, frame) - clock.monotonicMs();
        if (waitMs > 0) await clock.sleep(waitMs, signal);
        if (signal.aborted) return;
        yield block;
      }
    },
  };
}

function stepFrames({ num, den }: { readonly num: number; readonly den: number }, seconds: number): number {
  return Math.max(1, Math.round((num * seconds) / den));
}

/** Options as texts in a fixed order: some are no integers, which CBOR here does not carry. */
function textsOf(options: SynthesiserOptions): readonly (string | null)[] {
  return [
    options.seed,
    options.sampleRateHz,
    options.heartRateBpm,
    options.heartRateDeviationBpm,
    options.noiseUv,
    options.wanderUv,
    options.gainAduPerMv,
  ].map((value) => (value === undefined ? null : String(value)));
}
