/** In plain words: whether a stream shows the paper's order of merit, and why or why not. Source: paper A, Table I. */
import type { Causes } from "./causes.ts";

/** The paper's order, smallest first. */
const PAPER_ORDER = ["dedup+gzip", "gzip+dedup", "gzip", "dedup"] as const;

/** Percent of the raw bytes by algorithm. */
export type Percents = Readonly<Record<string, number>>;

/** Whether the four rows come in the paper's order. */
export function hasPaperOrder(percents: Percents): boolean {
  const sizes = PAPER_ORDER.map((name) => percents[name] ?? Number.NaN);
  return sizes.every((size, i) => i === 0 || (sizes[i - 1] ?? 0) < size);
}

/** Sentences, each with the figures that it rests on. */
export function explain(causes: Causes, percents: Percents): readonly string[] {
  const { repeatedPercent, nearPercent, differenceBits, sampleBits } = causes;
  const order = PAPER_ORDER.toSorted((a, b) => (percents[a] ?? 0) - (percents[b] ?? 0));
  return [
    `${text(repeatedPercent)} % of the bytes lie in chunks that came before, ${text(nearPercent)} % within gzip's window of 32 KiB`,
    `second differences have ${differenceBits.toFixed(1)} bits of entropy of ${sampleBits}, ${text((100 * differenceBits) / sampleBits)} % of the raw bytes`,
    hasPaperOrder(percents) ? "the four rows are in the paper's order" : `the order is ${order.join(" < ")}`,
    ...reasons(causes, percents),
  ];
}

function reasons({ repeatedPercent, nearPercent }: Causes, percents: Percents): readonly string[] {
  const at = (name: string): string => text(percents[name] ?? Number.NaN);
  if (repeatedPercent < 5) {
    return [
      "next to nothing comes again, so dedup has nothing to remove, before gzip or after it; the paper's 51.5 % needs repeats, which noise in each sample prevents",
    ];
  }
  if (nearPercent > 50) {
    return [
      `nearly all comes again within gzip's window: dedup names whole runs and leaves ${at("dedup")} %, gzip spends a code on at most 258 bytes and leaves ${at("gzip")} %, so dedup alone is the smaller; in the paper's file it was the larger, so about half of that must have been new`,
      `gzip's own output repeats itself here, so dedup after it still finds repeats (${at("gzip+dedup")} %)`,
    ];
  }
  return [
    `what comes again is farther back than gzip sees: dedup removes it (${at("dedup")} %), gzip compresses what is left (${at("dedup+gzip")} %), as in the paper`,
    `after one gzip over all, dedup finds next to nothing (${at("gzip+dedup")} % against ${at("gzip")} %): the same samples come out under other codes and shifted by bits; after gzip begun anew every 10 s it finds whole pieces again (${at("gzip of each 10 s, dedup")} %). The paper's 26.8 % against 36.2 % lies between, as of a file compressed in pieces of which some came again`,
  ];
}

function text(value: number): string {
  return value.toFixed(value < 1 ? 2 : 1);
}
