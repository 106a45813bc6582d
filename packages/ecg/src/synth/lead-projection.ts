/** From the dipole to the eight independent leads of a 12-lead ECG.
 * Source: Dower, Machado, Osborne, J. Electrocardiol. 13, 1980 (inverse of Edenbrandt & Pahlm 1988). */

/** Names of the twelve leads, in the usual order. */
export const TWELVE_LEADS: readonly string[] = [
  "I",
  "II",
  "III",
  "aVR",
  "aVL",
  "aVF",
  "V1",
  "V2",
  "V3",
  "V4",
  "V5",
  "V6",
];

/** Weights of x, y, z for I, II, V1 … V6. */
export const DOWER: readonly (readonly [x: number, y: number, z: number])[] = [
  [0.632, -0.235, 0.059],
  [0.235, 1.066, -0.132],
  [-0.515, 0.157, -0.917],
  [0.044, 0.164, -1.387],
  [0.882, 0.098, -1.277],
  [1.213, 0.127, -0.601],
  [1.125, 0.127, -0.086],
  [0.831, 0.076, 0.23],
];

/** The weighted sum of the three coordinates, entry by entry. */
export function projectDipole(
  [weightX, weightY, weightZ]: readonly [number, number, number],
  [x, y, z]: readonly [Float64Array, Float64Array, Float64Array],
): Float64Array {
  return x.map((value, i) => weightX * value + weightY * (y[i] ?? 0) + weightZ * (z[i] ?? 0));
}

/** Adds III, aVR, aVL and aVF to I, II, V1 … V6, in integers with halves rounded down, in the order of TWELVE_LEADS.
 * The same rounding as the codec's limb rules, so that nothing remains to be stored for them. */
export function completeTwelveLeads(eight: readonly Int32Array[]): Int32Array[] {
  const [first = new Int32Array(0), second = new Int32Array(0), ...precordial] = eight;
  const combine = (rule: (i: number, ii: number) => number): Int32Array =>
    first.map((sample, index) => rule(sample, second[index] ?? 0));
  return [
    first,
    second,
    combine((i, ii) => ii - i),
    combine((i, ii) => -((i + ii) >> 1)),
    combine((i, ii) => i - (ii >> 1)),
    combine((i, ii) => ii - (i >> 1)),
    ...precordial,
  ];
}
