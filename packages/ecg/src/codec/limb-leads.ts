/** The four limb leads that follow from I and II, in integers. Source: docs/codec-lead-residual.md §3.3; Einthoven 1908, Goldberger 1942:
 * III = II - I, aVR = -(I + II)/2, aVL = I - II/2, aVF = II - I/2; halves are rounded down (arithmetic shift). */

/** A limb lead as minuend - (subtrahend >> shift), where each term is I, II, their sum or nothing (masks 0 or -1). */
export interface LimbRule {
  readonly minuendMasks: readonly [first: number, second: number];
  readonly subtrahendMasks: readonly [first: number, second: number];
  readonly shift: 0 | 1;
}

/** Names in lower case, in the order in which the stream numbers them. */
const LIMB_NAMES: readonly string[] = ["iii", "avr", "avl", "avf"];

/** The rules, by number: III, aVR, aVL, aVF. */
export const LIMB_RULES: readonly LimbRule[] = [
  { minuendMasks: [0, -1], subtrahendMasks: [-1, 0], shift: 0 },
  { minuendMasks: [0, 0], subtrahendMasks: [-1, -1], shift: 1 },
  { minuendMasks: [-1, 0], subtrahendMasks: [0, -1], shift: 1 },
  { minuendMasks: [0, -1], subtrahendMasks: [-1, 0], shift: 1 },
];

/** Number of a limb lead's name in any case; undefined for other names. */
export function findLimb(name: string): number | undefined {
  const limb = LIMB_NAMES.indexOf(name.toLowerCase());
  return limb < 0 ? undefined : limb;
}

/** What the limb lead should be at one sample, int32. Overflow wraps. */
export function limbExpected(rule: LimbRule, first: number, second: number): number {
  const minuend = (first & rule.minuendMasks[0]) + (second & rule.minuendMasks[1]);
  const subtrahend = ((first & rule.subtrahendMasks[0]) + (second & rule.subtrahendMasks[1])) | 0;
  return (minuend - (subtrahend >> rule.shift)) | 0;
}
