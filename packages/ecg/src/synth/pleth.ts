/**
 * A photoplethysmogram of the person whose ECG the synthesiser draws from the same seed: each beat comes a quarter of a second
 * later to the finger. A shape for tests and demonstrations, no model of a vessel.
 */
import type { Lead, SampleBlock, WaveformFormat } from "../model.ts";
import { bandDraws, beatsAt, drawHeartWaves } from "./heart-beats.ts";
import { checkHeart, type HeartOptions } from "./heart-options.ts";

/** What to draw. */
export interface PlethOptions extends HeartOptions {
  /** Whole number, 25 to 1 000; 125 unless given. */
  readonly sampleRateHz?: number;
}

/** Samples by frame numbers, as those of the ECG. */
export interface PlethSynthesiser {
  /** One lead, named by its reference id, without a unit. */
  readonly format: WaveformFormat;
  /** @throws {RangeError} for numbers that are no frames. */
  block(firstFrame: number, frameCount: number): SampleBlock;
}

/** Time that a pulse takes to the finger, in seconds. */
const DELAY_S = 0.25;
const AMPLITUDE_ADU = 10_000;

/** Height over one beat, 0 to 1 turns: the systolic wave, and the dicrotic one that follows it. */
const WAVES = [
  { at: 0.2, width: 0.1, height: 1 },
  { at: 0.52, width: 0.14, height: 0.45 },
] as const;

/** Creates a synthesiser. @throws {RangeError} when an option is out of range. */
export function createPleth(options: PlethOptions): PlethSynthesiser {
  const { seed, heartRateBpm, heartRateDeviationBpm } = checkHeart(options);
  const { sampleRateHz = 125 } = options;
  if (!Number.isInteger(sampleRateHz) || sampleRateHz < 25 || sampleRateHz > 1000) {
    throw new RangeError(`sampleRateHz: expected a whole number from 25 to 1000, got ${sampleRateHz}`);
  }
  const waves = drawHeartWaves(heartRateDeviationBpm, bandDraws(seed));
  const sampleAt = (frame: number): number => {
    const turned = beatsAt(heartRateBpm, waves, frame / sampleRateHz - DELAY_S);
    return Math.round(AMPLITUDE_ADU * heightAt(turned - Math.floor(turned)));
  };
  return {
    format: { frameRateHz: { num: sampleRateHz, den: 1 }, leads: [LEAD] },
    block: (firstFrame, frameCount) => {
      if (!Number.isSafeInteger(firstFrame) || !Number.isSafeInteger(frameCount) || firstFrame < 0 || frameCount < 0) {
        throw new RangeError(`frames: expected whole numbers, got ${firstFrame} and ${frameCount}`);
      }
      return { frameCount, leads: [Int32Array.from({ length: frameCount }, (_, i) => sampleAt(firstFrame + i))] };
    },
  };
}

/** The waves of a beat and of the one before it. */
function heightAt(turn: number): number {
  let height = 0;
  for (const { at, width, height: top } of WAVES) {
    for (const distance of [turn - at, turn + 1 - at]) height += top * Math.exp(-((distance / width) ** 2));
  }
  return height;
}

const LEAD: Lead = {
  name: "MDC_PULS_OXIM_PLETH",
  units: "1",
  gainAduPerUnit: String(AMPLITUDE_ADU),
  baselineAdu: 0,
  samplesPerFrame: 1,
  skewFrames: 0,
  adcResolutionBits: 16,
  adcZeroAdu: 0,
  missingCode: -32_768,
};
