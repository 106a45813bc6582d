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
  const { min, span } = rangeOf(samples);
  if (span > PALETTE_SPAN_MAX) return undefined;
  const rankOfOffset = new Uint16Array(span);
  const count = markOffsets(samples, min, rankOfOffset);
  if (count * 2 > span || count * 2 > samples.length) return undefined;
  const gaps = rankOffsets(rankOfOffset, count);
  return { base: min, gaps, ranks: ranksOf(samples, min, rankOfOffset) };
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

function ranksOf(samples: Int32Array, min: number, rankOfOffset: Uint16Array): Int32Array {
  const ranks = new Int32Array(samples.length);
  for (let i = 0; i < samples.length; i++) ranks[i] = rankOfOffset[(samples[i] ?? 0) - min] ?? 0;
  return ranks;
}

function rangeOf(samples: Int32Array): { min: number; span: number } {
  let min = samples[0] ?? 0;
  let max = min;
  for (let i = 1; i < samples.length; i++) {
    const value = samples[i] ?? 0;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { min, span: max - min + 1 };
}

function markOffsets(samples: Int32Array, min: number, marks: Uint16Array): number {
  let count = 0;
  for (let i = 0; i < samples.length; i++) marks[(samples[i] ?? 0) - min] = 1;
  for (let offset = 0; offset < marks.length; offset++) count += marks[offset] ?? 0;
  return count;
}

/** Replaces the marks by ranks. @returns the gaps between marked offsets, each minus one. */
function rankOffsets(marks: Uint16Array, count: number): Int32Array {
  const gaps = new Int32Array(count - 1);
  let rank = 0;
  let previous = 0;
  for (let offset = 1; offset < marks.length; offset++) {
    if (marks[offset] !== 1) continue;
    gaps[rank] = offset - previous - 1;
    rank += 1;
    marks[offset] = rank;
    previous = offset;
  }
  marks[0] = 0;
  return gaps;
}
