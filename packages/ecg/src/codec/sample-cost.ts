/** What a choice would cost, estimated on a few windows of a lead. Only the encoder's choices depend on it, never exactness. */
import type { Prediction } from "./predictor.ts";

const WINDOW_COUNT_MAX = 8;
const WINDOW_LENGTH = 48;

/** n log2 n for the counts that can occur. */
const N_LOG_N = Float64Array.from({ length: WINDOW_COUNT_MAX * WINDOW_LENGTH + 1 }, (_, n) =>
  n === 0 ? 0 : n * Math.log2(n),
);
/** Residuals are classed by bit length: entropy of the class, and the bits below the leading one. */
const CLASS_COUNT = 33;
/** Two tallies for samples in turn, so that no count waits for the one before. A plain array: a typed one costs more to make than
 * to fill. */
const EMPTY_TALLIES: readonly number[] = Array.from({ length: 2 * CLASS_COUNT }, () => 0);

/** First sample of each window: evenly spread, with room for the three samples before; all of a very short lead. */
export function windowStarts(sampleCount: number): number[] {
  const last = sampleCount - WINDOW_LENGTH;
  if (last < 3) return sampleCount > 3 ? [3] : [];
  const count = Math.max(3, Math.min(WINDOW_COUNT_MAX, sampleCount >> 9));
  return Array.from({ length: count }, (_, k) => 3 + Math.floor(((last - 3) * k) / (count - 1)));
}

/** Samples in all windows of a lead. */
export function windowSamples(sampleCount: number): number {
  return windowStarts(sampleCount).length * Math.min(WINDOW_LENGTH, Math.max(0, sampleCount - 3));
}

/** Bits that the windows' residuals would take under a prediction (order-0 entropy). */
export function predictionCost(
  samples: Int32Array,
  reference: Int32Array,
  { weights: [w1, w2, w3], referenceGain: gain }: Prediction,
  starts: readonly number[],
): number {
  const classes = EMPTY_TALLIES.slice();
  for (const start of starts) {
    const end = Math.min(start + WINDOW_LENGTH, samples.length);
    let z1 = combined(samples, reference, gain, start - 1);
    let z2 = combined(samples, reference, gain, start - 2);
    let z3 = combined(samples, reference, gain, start - 3);
    for (let i = start; i < end; i++) {
      const x = samples[i] ?? 0;
      const p = Math.imul(gain, reference[i] ?? 0);
      const predicted = (Math.imul(w1, z1) + Math.imul(w2, z2) + Math.imul(w3, z3) + (p << 1) + 16) >> 5;
      const place = bitLength((x - predicted) | 0) + (i & 1) * CLASS_COUNT;
      classes[place] = (classes[place] ?? 0) + 1;
      z3 = z2;
      z2 = z1;
      z1 = ((x << 4) - p) | 0;
    }
  }
  return classesCost(classes);
}

/** Bits that the windows of ready-made residuals would take. */
export function residualCost(
  residual: (index: number) => number,
  sampleCount: number,
  starts: readonly number[],
): number {
  const classes = EMPTY_TALLIES.slice();
  for (const start of starts) {
    const end = Math.min(start + WINDOW_LENGTH, sampleCount);
    for (let i = start; i < end; i++) {
      const place = bitLength(residual(i)) + (i & 1) * CLASS_COUNT;
      classes[place] = (classes[place] ?? 0) + 1;
    }
  }
  return classesCost(classes);
}

/** The share of the reference's differences that best explains the lead's, in sixteenths, -128 to 127 (least squares). */
export function bestReferenceGain(
  samples: Int32Array,
  reference: Int32Array,
  [w1, w2, w3]: Prediction["weights"],
  starts: readonly number[],
): number {
  let product = 0;
  let square = 1;
  for (const start of starts) {
    const end = Math.min(start + WINDOW_LENGTH, samples.length);
    for (let i = start; i < end; i++) {
      const own = 2 * at(samples, i) - w1 * at(samples, i - 1) - w2 * at(samples, i - 2) - w3 * at(samples, i - 3);
      const other =
        2 * at(reference, i) - w1 * at(reference, i - 1) - w2 * at(reference, i - 2) - w3 * at(reference, i - 3);
      product += own * other;
      square += other * other;
    }
  }
  return Math.max(-128, Math.min(127, Math.round((16 * product) / square)));
}

/** Bits of the zigzag form: 0 for 0, 1 for -1, 2 for 1 and -2, and so on. */
function bitLength(residual: number): number {
  return 32 - Math.clz32((residual << 1) ^ (residual >> 31));
}

function classesCost(classes: readonly number[]): number {
  let total = 0;
  let bits = 0;
  for (let length = 0; length < CLASS_COUNT; length++) {
    const count = (classes[length] ?? 0) + (classes[length + CLASS_COUNT] ?? 0);
    total += count;
    bits += count * Math.max(0, length - 1) - (N_LOG_N[count] ?? 0);
  }
  return bits + (N_LOG_N[total] ?? 0);
}

function combined(samples: Int32Array, reference: Int32Array, gain: number, index: number): number {
  return ((at(samples, index) << 4) - Math.imul(gain, at(reference, index))) | 0;
}

function at(samples: Int32Array, index: number): number {
  return samples[index] ?? 0;
}
