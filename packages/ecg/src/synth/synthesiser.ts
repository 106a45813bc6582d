/** A 12-lead ECG in sinus rhythm, computed from a seed. Any frame can be asked for: nothing depends on what was asked before.
 * Floats until a sample is quantised to adu, integers from there. Source: McSharry et al. 2003; Sameni et al. 2007; the
 * phase by integral pulse frequency modulation, Mateo & Laguna, IEEE Trans. Biomed. Eng. 47(8), 2000. */
import type { Lead, SampleBlock, WaveformFormat } from "../model.ts";
import { dipoleOverBeat, PHASE_COUNT } from "./dipole.ts";
import { completeTwelveLeads, DOWER, projectDipole, TWELVE_LEADS } from "./lead-projection.ts";
import { createSfc32, normalFromBytes } from "./prng.ts";
import { checkHeart, type HeartOptions } from "./heart-options.ts";
import { bandDraws, beatsAt, drawHeartWaves } from "./heart-beats.ts";
import { drawWaves, sumWaves, type SlowWave } from "./slow-waves.ts";

/** What to synthesise. */
export interface SynthesiserOptions extends HeartOptions {
  /** Whole number, 50 to 10 000; 500 unless given. */
  readonly sampleRateHz?: number;
  /** White noise in each of the eight measured leads, µV root mean square, 0 to 1 000; 6 unless given. */
  readonly noiseUv?: number;
  /** Baseline wander with breathing, µV root mean square, 0 to 5 000; 25 unless given. */
  readonly wanderUv?: number;
  /** Whole number, 1 to 10 000; 1 000 unless given. */
  readonly gainAduPerMv?: number;
}

/** A source of samples. */
export interface Synthesiser {
  /** Twelve leads, one sample each per frame, baseline 0, missing code -32 768 (which never occurs). */
  readonly format: WaveformFormat;
  /** Frames firstFrame … firstFrame + frameCount - 1. Ascending calls are cheapest.
   * @param firstFrame 0 to 2^40. @param frameCount 0 to 1 048 576. @throws {RangeError} */
  block(firstFrame: number, frameCount: number): SampleBlock;
}

/** Frames that are computed together; slow influences are linear within. */
const CHUNK_FRAMES = 256;
const KNOT_FRAMES = 16;

/** Creates a synthesiser.
 * @throws {RangeError} when an option is out of range. */
export function createSynthesiser(options: SynthesiserOptions): Synthesiser {
  const settings = checkOptions(options);
  const render = createRenderer(settings);
  let cachedIndex = -1;
  let cached: Int32Array[] = [];
  const chunk = (index: number): Int32Array[] => {
    if (index !== cachedIndex) [cached, cachedIndex] = [render(index), index];
    return cached;
  };
  return {
    format: twelveLeadFormat(settings),
    block(firstFrame, frameCount) {
      assertWithin("firstFrame", firstFrame, 0, 2 ** 40);
      assertWithin("frameCount", frameCount, 0, 1_048_576);
      const leads = TWELVE_LEADS.map(() => new Int32Array(frameCount));
      for (let done = 0; done < frameCount;) {
        const at = (firstFrame + done) % CHUNK_FRAMES;
        const count = Math.min(CHUNK_FRAMES - at, frameCount - done);
        const source = chunk((firstFrame + done - at) / CHUNK_FRAMES);
        for (const [i, lead] of leads.entries()) lead.set((source[i] ?? lead).subarray(at, at + count), done);
        done += count;
      }
      return { frameCount, leads };
    },
  };
}

type Settings = Required<SynthesiserOptions>;

function checkOptions(options: SynthesiserOptions): Settings {
  const settings: Settings = {
    ...checkHeart(options),
    sampleRateHz: options.sampleRateHz ?? 500,
    noiseUv: options.noiseUv ?? 6,
    wanderUv: options.wanderUv ?? 25,
    gainAduPerMv: options.gainAduPerMv ?? 1000,
  };
  assertWithin("sampleRateHz", settings.sampleRateHz, 50, 10_000);
  assertWithin("gainAduPerMv", settings.gainAduPerMv, 1, 10_000);
  assertBetween("noiseUv", settings.noiseUv, 0, 1000);
  assertBetween("wanderUv", settings.wanderUv, 0, 5000);
  return settings;
}

/** Renders one chunk of twelve leads by its index. */
function createRenderer(settings: Settings): (chunkIndex: number) => Int32Array[] {
  const beat = [0, 1, 2].map((axis) => dipoleOverBeat(axis, settings.heartRateBpm));
  const [x = new Float64Array(0), y = x, z = x] = beat;
  const beatAdu = DOWER.map((weights) => projectDipole(weights, [x, y, z]).map((mv) => mv * settings.gainAduPerMv));
  const { heartWaves, wanderWaves } = drawSlowWaves(settings);
  return (chunkIndex) => {
    const phases = knotValues(
      settings,
      chunkIndex,
      (timeS) => beatsAt(settings.heartRateBpm, heartWaves, timeS) * PHASE_COUNT,
    );
    const wanders = wanderWaves.map((waves) => knotValues(settings, chunkIndex, (timeS) => sumWaves(waves, timeS)));
    const eight = beatAdu.map((table, lead) => {
      const samples = noise(settings, lead, chunkIndex);
      for (const [axis, wander] of wanders.entries()) addScaled(samples, wander, DOWER[lead]?.[axis] ?? 0);
      addBeat(samples, table, phases);
      return quantise(samples);
    });
    return completeTwelveLeads(eight);
  };
}

function drawSlowWaves(settings: Settings): { heartWaves: SlowWave[]; wanderWaves: SlowWave[][] } {
  const draw = bandDraws(settings.seed);
  const heartWaves = drawHeartWaves(settings.heartRateDeviationBpm, draw);
  const rms = (settings.wanderUv * settings.gainAduPerMv) / 1000 / Math.SQRT2;
  const wanderWaves = [0, 1, 2].map(() => [
    ...drawWaves({ centreHz: 0.25, deviationHz: 0.02, rms }, draw()),
    ...drawWaves({ centreHz: 0.06, deviationHz: 0.02, rms }, draw()),
  ]);
  return { heartWaves, wanderWaves };
}

/** A slow function of time at every frame of a chunk: exact at every KNOT_FRAMES-th, linear between. */
function knotValues(settings: Settings, chunkIndex: number, valueAt: (timeS: number) => number): Float64Array {
  const values = new Float64Array(CHUNK_FRAMES);
  const firstFrame = chunkIndex * CHUNK_FRAMES;
  let left = valueAt(firstFrame / settings.sampleRateHz);
  for (let knot = 0; knot < CHUNK_FRAMES; knot += KNOT_FRAMES) {
    const right = valueAt((firstFrame + knot + KNOT_FRAMES) / settings.sampleRateHz);
    for (let k = 0; k < KNOT_FRAMES; k++) values[knot + k] = left + ((right - left) * k) / KNOT_FRAMES;
    left = right;
  }
  return values;
}

function noise(settings: Settings, lead: number, chunkIndex: number): Float64Array {
  const random = new Uint32Array(CHUNK_FRAMES);
  createSfc32(settings.seed, lead, chunkIndex)(random);
  const samples = new Float64Array(CHUNK_FRAMES);
  normalFromBytes(random, samples);
  const scale = (settings.noiseUv * settings.gainAduPerMv) / 1000;
  for (let i = 0; i < samples.length; i++) samples[i] = (samples[i] ?? 0) * scale;
  return samples;
}

function addScaled(samples: Float64Array, addend: Float64Array, scale: number): void {
  for (let i = 0; i < samples.length; i++) samples[i] = (samples[i] ?? 0) + scale * (addend[i] ?? 0);
}

/** Adds one lead's beat. @param phases table positions, counted on from beat to beat. */
function addBeat(samples: Float64Array, table: Float64Array, phases: Float64Array): void {
  for (let i = 0; i < samples.length; i++) {
    const turned = (phases[i] ?? 0) % PHASE_COUNT;
    const index = Math.floor(turned);
    const before = table[index] ?? 0;
    samples[i] = (samples[i] ?? 0) + before + (turned - index) * ((table[index + 1] ?? 0) - before);
  }
}

/** To whole adu, within ±16 383 so that sums of two leads stay within 16 bits. */
function quantise(samples: Float64Array): Int32Array {
  const digital = new Int32Array(samples.length);
  for (let i = 0; i < samples.length; i++) {
    digital[i] = Math.max(-16_383, Math.min(16_383, Math.round(samples[i] ?? 0)));
  }
  return digital;
}

function twelveLeadFormat(settings: Settings): WaveformFormat {
  const lead = (name: string): Lead => ({
    name,
    units: "mV",
    gainAduPerUnit: String(settings.gainAduPerMv),
    baselineAdu: 0,
    samplesPerFrame: 1,
    skewFrames: 0,
    adcResolutionBits: 16,
    adcZeroAdu: 0,
    missingCode: -32768,
  });
  return { frameRateHz: { num: settings.sampleRateHz, den: 1 }, leads: TWELVE_LEADS.map(lead) };
}

function assertWithin(name: string, value: number, min: number, max: number): void {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${name} must be a whole number, got ${value}`);
  assertBetween(name, value, min, max);
}

function assertBetween(name: string, value: number, min: number, max: number): void {
  if (!(value >= min && value <= max)) throw new RangeError(`${name} must be ${min}..${max}, got ${value}`);
}
