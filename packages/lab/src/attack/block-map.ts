/**
 * What the repeated blocks of a ciphertext tell: under ECB a block that comes again is a piece of the signal that comes
 * again. Between two beats the heart's signal is flat and small, so that its few values repeat; in a beat they do not.
 *
 * Source: docs/attack-lab.md; paper A §II.C (no mode is named).
 */
import { DES_BLOCK_BYTES } from "@pericard/protocol";
import type { Outcome } from "./attack.ts";
import { HEART_RATE_BPM, segmentLeads, synthesise } from "./recording.ts";
import type { Target } from "./target.ts";

/** Seconds of ECG in the map. */
export const MAP_SECONDS = 10;
/** Columns of the map, 20 ms each. */
const COLUMNS = 50 * MAP_SECONDS;
const COLUMNS_PER_MINUTE = 60 * (COLUMNS / MAP_SECONDS);
/** Heart rates that are looked for, beats a minute. */
const RATES_BPM = { min: 40, max: 180 } as const;
/** Correlation that noise alone hardly gives over so many columns. */
const CORRELATION_MIN = 0.3;
const ERROR_MAX_BPM = 3;
export const BLOCK_MAP = "block-repeat map of an ECG";

/** What a ciphertext shows. */
export interface BlockMap {
  /** Share of blocks in each column that are somewhere else in the ciphertext too. */
  readonly repeatShares: Float64Array;
  /** Of all blocks. */
  readonly repeatShare: number;
  /** Beats a minute by the ciphertext alone; null when it has no rhythm. */
  readonly heartRateBpm: number | null;
}

/** Maps a ciphertext as if its blocks were equally long in time. */
export function mapBlocks(ciphertext: Uint8Array): BlockMap {
  const text = Buffer.from(ciphertext).toString("latin1");
  const blocks = Array.from({ length: Math.floor(text.length / DES_BLOCK_BYTES) }, (_, i) =>
    text.slice(i * DES_BLOCK_BYTES, (i + 1) * DES_BLOCK_BYTES),
  );
  const counts = new Map<string, number>();
  for (const block of blocks) counts.set(block, (counts.get(block) ?? 0) + 1);
  const repeats = blocks.map((block) => Number((counts.get(block) ?? 0) > 1));
  const repeatShares = Float64Array.from({ length: COLUMNS }, (_, column) => {
    const [from, to] = [column, column + 1].map((edge) => Math.round((edge * blocks.length) / COLUMNS));
    return mean(repeats.slice(from, to));
  });
  return { repeatShares, repeatShare: mean(repeats), heartRateBpm: findHeartRate(repeatShares) };
}

/** The lag at which the columns are most like themselves. Source: autocorrelation over all rates that a heart has. */
function findHeartRate(shares: Float64Array): number | null {
  const average = mean([...shares]);
  const centred = shares.map((share) => share - average);
  const variance = correlate(centred, 0);
  if (variance === 0) return null;
  let best = { correlation: CORRELATION_MIN, lag: 0 };
  const [first, last] = [RATES_BPM.max, RATES_BPM.min].map((bpm) => Math.round(COLUMNS_PER_MINUTE / bpm));
  for (let lag = first ?? 1; lag <= (last ?? 1); lag += 1) {
    const correlation = correlate(centred, lag) / variance;
    if (correlation > best.correlation) best = { correlation, lag };
  }
  return best.lag === 0 ? null : COLUMNS_PER_MINUTE / best.lag;
}

function correlate(values: Float64Array, lag: number): number {
  let sum = 0;
  for (let i = 0; i + lag < values.length; i += 1) sum += (values[i] ?? 0) * (values[i + lag] ?? 0);
  return sum / (values.length - lag);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

/** The samples that are mapped. */
export function mapLeads(): readonly Int32Array[] {
  return segmentLeads(synthesise(72), 0, MAP_SECONDS);
}

/** Maps what a terminal has in its flash. It succeeds when the heart's rate can be told from it. */
export function mapTarget(target: Target): Outcome & { readonly map: BlockMap } {
  const map = mapBlocks(target.sealedSamples(target.seal(mapLeads()).bytes));
  const { heartRateBpm, repeatShare } = map;
  const share = `${(100 * repeatShare).toFixed(1)} % of the blocks come again`;
  const told = heartRateBpm === null ? "no rhythm" : `${heartRateBpm.toFixed(0)} beats a minute`;
  const succeeded = heartRateBpm !== null && Math.abs(heartRateBpm - HEART_RATE_BPM) <= ERROR_MAX_BPM;
  return { succeeded, why: `${share}; the ciphertext alone tells ${told}, the heart had ${HEART_RATE_BPM}`, map };
}
