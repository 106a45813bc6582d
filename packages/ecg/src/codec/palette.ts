/** Leads that use few of the values in their range (converted from another gain, so that they move in steps of several adu)
 * are coded as ranks in the sorted list of the values that occur. Source: docs/codec-lead-residual.md §3.1. */

/** Widest range of values for which ranks are tried; bounds the memory of both sides. */
export const PALETTE_SPAN_MAX = 65_536;

/** A lead as ranks. */
export interface Palette {
  /** Smallest value. */
  readonly base: number;
  /** Steps between neighbouring values, each minus one; one fewer than there are values. */
  readonly gaps: Int32Array;
  /** Rank of each sample. */
  readonly ranks: Int32Array;
}

/** Finds the palette of a lead that may gain by it: the values that occur are at most half of the range, and at most half as
 * many as the samples. Returns undefined otherwise. */
export function findPalette(samples: Int32Array): Palette | undefined {
  if (samples.length < 64 || hasUnitSteps(samples)) return undefined;
  const marked = markSamples(samples, guessRange(samples)) ?? markSamples(samples, rangeOf(samples, 1));
  if (marked === undefined) return undefined;
  const { min, marks } = marked;
  const offsets = rankOffsets(marks);
  const count = offsets.length;
  const [first = 0, last = 0] = [offsets[0], offsets[count - 1]];
  if (count * 2 > last - first + 1 || count * 2 > samples.length) return undefined;
  return { base: min + first, gaps: gapsBetween(offsets), ranks: ranksOf(samples, min, marks) };
}

/** Roughly how many bits the gaps of a palette take. */
export function paletteCost({ gaps }: Palette): number {
  let bits = 0;
  for (let i = 0; i < gaps.length; i++) bits += 33 - Math.clz32((gaps[i] ?? 0) ^ (gaps[i - 1] ?? 0));
  return bits;
}

/** The values of a palette by rank. Gaps are int32 bit patterns of unsigned steps minus one; sums wrap. */
export function paletteValues(base: number, gaps: Int32Array): Int32Array {
  const values = new Int32Array(gaps.length + 1);
  values[0] = base;
  for (let i = 0; i < gaps.length; i++) values[i + 1] = (values[i] ?? 0) + (gaps[i] ?? 0) + 1;
  return values;
}

/** Dense leads give themselves away early: neighbours that differ by one. */
function hasUnitSteps(samples: Int32Array): boolean {
  let units = 0;
  const end = Math.min(samples.length, 512);
  for (let i = 1; i < end; i++) {
    const step = (samples[i] ?? 0) - (samples[i - 1] ?? 0);
    if (step === 1 || step === -1) units++;
  }
  return units > 4;
}

/** A least and a greatest value, int32. */
interface Range {
  readonly min: number;
  readonly max: number;
}

/** The range of every eighth sample, and room around it: wide enough for nearly every lead. */
function guessRange(samples: Int32Array): Range {
  const { min, max } = rangeOf(samples, 8);
  const room = ((max - min) >>> 3) + 64;
  return { min: Math.max(-2147483648, min - room), max: Math.min(2147483647, max + room) };
}

function rangeOf(samples: Int32Array, step: number): Range {
  let min = samples[0] ?? 0;
  let max = min;
  for (let i = step; i < samples.length; i += step) {
    const value = samples[i] ?? 0;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { min, max };
}

/** Marks the value of each sample, counted from `min`; undefined when one lies outside or the range is too wide. */
function markSamples(samples: Int32Array, { min, max }: Range): { min: number; marks: Uint16Array } | undefined {
  const last = max - min;
  if (last >= PALETTE_SPAN_MAX) return undefined;
  const marks = new Uint16Array(last + 1);
  const count = samples.length;
  let signs = 0;
  // Offsets wrap, and are still right: `min` + `last` is an int32, so a sample outside wraps to no offset inside.
  for (let i = 0; i < count; i++) {
    const offset = ((samples[i] ?? 0) - min) | 0;
    signs |= offset | (last - offset);
    marks[offset] = 1;
  }
  return signs < 0 ? undefined : { min, marks };
}

function ranksOf(samples: Int32Array, min: number, rankOfOffset: Uint16Array): Int32Array {
  const count = samples.length;
  const ranks = new Int32Array(count);
  for (let i = 0; i < count; i++) ranks[i] = rankOfOffset[((samples[i] ?? 0) - min) | 0] ?? 0;
  return ranks;
}

/** Replaces each mark by its rank, and what is between by the rank of the next mark. Without a branch, since marks come
 * irregularly. @returns the marked offsets in rising order. */
function rankOffsets(marks: Uint16Array): Uint16Array {
  const span = marks.length;
  const offsets = new Uint16Array(span);
  let rank = 0;
  for (let offset = 0; offset < span; offset++) {
    const mark = marks[offset] ?? 0;
    offsets[rank] = offset;
    marks[offset] = rank;
    rank += mark;
  }
  return offsets.subarray(0, rank);
}

/** Steps between neighbours, each minus one. */
function gapsBetween(offsets: Uint16Array): Int32Array {
  const gaps = new Int32Array(offsets.length - 1);
  for (let i = 0; i < gaps.length; i++) gaps[i] = (offsets[i + 1] ?? 0) - (offsets[i] ?? 0) - 1;
  return gaps;
}
