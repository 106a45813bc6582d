/** Prediction of one lead from its own past and, optionally, from a reference lead. Integers modulo 2^32, so that every
 * int32 input comes back exactly, also where a prediction overflows. Source: docs/codec-lead-residual.md §3. */

/** Weights, in halves, of the three samples before (nearest first). */
export type Weights = readonly [number, number, number];

/** The fixed differences of order 0, 1, 1½, 2, 2½ and 3. */
export const PREDICTORS: readonly Weights[] = [
  [0, 0, 0],
  [2, 0, 0],
  [3, -1, 0],
  [4, -2, 0],
  [5, -4, 1],
  [6, -6, 2],
];

/** How one lead is predicted. */
export interface Prediction {
  readonly weights: Weights;
  /** Weight of the reference lead, in sixteenths, -128 to 127; 0 without a reference. */
  readonly referenceGain: number;
}

/** Weights by their index in PREDICTORS; undefined for any other number. */
export function findWeights(predictor: number): Weights | undefined {
  return PREDICTORS[predictor];
}
