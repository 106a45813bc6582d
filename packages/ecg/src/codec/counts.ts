/** Token counts of a table: scaled to the table's size from a histogram, and written in few bits.
 * Counts are rounded to three significant bits ("levels"); the commonest token takes what is left. Source: docs/codec-lead-residual.md §5.1. */
import type { BitReader } from "./bit-reader.ts";
import type { BitWriter } from "./bit-writer.ts";
import { EcgError } from "../errors.ts";
import { TABLE_SIZE } from "./tans-table.ts";
import { TOKEN_COUNT } from "./tokens.ts";

/** Level of the largest count that a table can hold. */
const LEVEL_MAX = 28;

/** Counts of one table and the token that takes the remainder. */
export interface TableCounts {
  readonly counts: Uint16Array;
  readonly commonest: number;
}

/** The count of a level: 0 to 8, then four per octave (10, 12, 14, 16, 20, …). */
export function countOfLevel(level: number): number {
  if (level < 8) return level;
  return (4 + (level & 3)) << ((level >> 2) - 1);
}

/** The highest level whose count is at most `count`. */
export function levelBelow(count: number): number {
  if (count < 8) return count;
  const top = 31 - Math.clz32(count);
  return ((top - 1) << 2) + ((count >> (top - 2)) & 3);
}

/** Scales a histogram (at least one entry positive) to a table. Every token that occurs gets a state. */
export function scaleCounts(histogram: Int32Array): TableCounts {
  let total = 0;
  let commonest = 0;
  for (let token = 0; token < TOKEN_COUNT; token++) {
    total += histogram[token] ?? 0;
    if ((histogram[token] ?? 0) > (histogram[commonest] ?? 0)) commonest = token;
  }
  const counts = new Uint16Array(TOKEN_COUNT);
  let left = TABLE_SIZE;
  for (let token = 0; token < TOKEN_COUNT; token++) {
    const count = histogram[token] ?? 0;
    if (count === 0 || token === commonest) continue;
    const level = nearestLevel((count * TABLE_SIZE) / total);
    counts[token] = countOfLevel(level);
    left -= counts[token] ?? 0;
  }
  const fairShare = ((histogram[commonest] ?? 0) * TABLE_SIZE) / total;
  counts[commonest] = left + takeBack(counts, Math.max(1, Math.floor(fairShare / 2)) - left);
  return { counts, commonest };
}

/** Writes counts: the table's last token, the commonest, then the change of level from token to token. */
export function writeCounts(writer: BitWriter, { counts, commonest }: TableCounts): void {
  let last = TOKEN_COUNT - 1;
  while (last > 0 && (counts[last] ?? 0) === 0) last--;
  writer.write(last, 7);
  writer.write(commonest, 7);
  let previous = 0;
  for (let token = 0; token <= last; token++) {
    if (token === commonest) continue;
    const level = levelBelow(counts[token] ?? 0);
    writer.writeRice(((level - previous) << 1) ^ ((level - previous) >> 31), 1);
    previous = level;
  }
}

/** Reads what `writeCounts` wrote. @throws {EcgError} ERR_CODEC_MALFORMED unless the counts make a table. */
export function readCounts(reader: BitReader): TableCounts {
  const counts = new Uint16Array(TOKEN_COUNT);
  const last = reader.read(7);
  const commonest = reader.read(7);
  if (last >= TOKEN_COUNT || commonest > last) throw malformed("has a token out of range");
  let left = TABLE_SIZE;
  let previous = 0;
  for (let token = 0; token <= last; token++) {
    if (token === commonest) continue;
    const change = reader.readRice(1);
    previous += (change >>> 1) ^ -(change & 1);
    if (previous < 0 || previous > LEVEL_MAX) throw malformed("has a level out of range");
    counts[token] = countOfLevel(previous);
    left -= counts[token] ?? 0;
  }
  if (left < 1) throw malformed("has more states than it has room for");
  counts[commonest] = left;
  if ((counts[last] ?? 0) === 0) throw malformed("names a last token that does not occur");
  return { counts, commonest };
}

function nearestLevel(share: number): number {
  if (share <= 1) return 1;
  const below = levelBelow(Math.floor(share));
  return share - countOfLevel(below) > countOfLevel(below + 1) - share ? below + 1 : below;
}

/** Lowers the largest counts, level by level, until at least `needed` states are free; returns how many were. None falls to
 * 0: at most 128 states are asked for, and 71 counts of 1 leave 185 free already. */
function takeBack(counts: Uint16Array, needed: number): number {
  let freed = 0;
  while (freed < needed) {
    const largest = counts.indexOf(counts.reduce((max, count) => Math.max(max, count), 0));
    const count = counts[largest] ?? 0;
    const lower = countOfLevel(levelBelow(count) - 1);
    counts[largest] = lower;
    freed += count - lower;
  }
  return freed;
}

function malformed(problem: string): EcgError {
  return new EcgError("ERR_CODEC_MALFORMED", `lead-residual table ${problem}`);
}
