/** The usual range of each lead's samples, from a summary of the whole recording. */
import { MISSING_ADU } from "../api/types.ts";
import type { SummaryBlock } from "../api/types.ts";
import type { AduRange } from "../paper/lead-scale.ts";

/**
 * The recording is looked at in this many parts, and the outermost of them at either end does not count: a flush of an
 * arterial line must not flatten the pressure, while a peak that comes with every beat is in most parts.
 */
const PART_COUNT = 48;

/** Per lead index; undefined where the summary has nothing. */
export function leadRanges(summary: SummaryBlock): (AduRange | undefined)[] {
  return summary.leads.map((values) => (values === undefined ? undefined : usualRange(values)));
}

/** Range of min/max pairs without the outermost of {@link PART_COUNT} parts at either end. */
export function usualRange(pairs: Int32Array): AduRange | undefined {
  const pairsPerPart = Math.max(1, Math.ceil(pairs.length / 2 / PART_COUNT));
  const parts = partRanges(pairs, 2 * pairsPerPart);
  const lows = parts.map(({ min }) => min).toSorted((a, b) => a - b);
  const highs = parts.map(({ max }) => max).toSorted((a, b) => a - b);
  const dropped = parts.length >= PART_COUNT / 2 ? 1 : 0;
  const min = lows[dropped];
  const max = highs[highs.length - 1 - dropped];
  return min === undefined || max === undefined ? undefined : { min: Math.min(min, max), max: Math.max(min, max) };
}

function partRanges(pairs: Int32Array, valuesPerPart: number): AduRange[] {
  const parts: AduRange[] = [];
  for (let from = 0; from < pairs.length; from += valuesPerPart) {
    const part = rangeOf(pairs.subarray(from, from + valuesPerPart));
    if (part !== undefined) parts.push(part);
  }
  return parts;
}

function rangeOf(pairs: Int32Array): AduRange | undefined {
  let min = Infinity;
  let max = -Infinity;
  for (const value of pairs) {
    if (value === MISSING_ADU) continue;
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  return min > max ? undefined : { min, max };
}
