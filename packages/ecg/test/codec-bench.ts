/** Size and speed of `lead-residual` on real records, beside zstd level 3 on the same raw interleaved 16-bit bytes, best of
 * several in the same process: `node packages/ecg/test/codec-bench.ts [record …]`. */
import { constants, zstdCompressSync } from "node:zlib";
import { decodeLeadResidual, encodeLeadResidual, interleave } from "../src/index.ts";
import { cutSegments, loadRecord } from "./data-folder.ts";

const DEFAULT_RECORDS = [
  "challenge-2021/HR06000",
  "challenge-2021/JS20000",
  "twadb/twa01",
  "ptbdb/s0010_re",
  "mitdb/100",
];
const SEGMENT_S = 10;
const SPEND_MS = 2_000;
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 3 } };

const names = process.argv.slice(2);
for (const name of names.length > 0 ? names : DEFAULT_RECORDS) process.stdout.write(`${await measure(name)}\n`);

async function measure(name: string): Promise<string> {
  const { record, leads } = await loadRecord(name);
  const leadNames = record.format.leads.map((lead) => lead.name);
  const segments = cutSegments(record, leads, SEGMENT_S);
  const perFrame = record.format.leads.map((lead) => lead.samplesPerFrame);
  const raws = segments.map((segment) => Buffer.from(Int16Array.from(interleave(segment, perFrame)).buffer));
  const rawBytes = raws.reduce((sum, raw) => sum + raw.length, 0);
  const encoded = segments.map((segment) => encodeLeadResidual(segment, leadNames));
  const bytes = encoded.reduce((sum, part) => sum + part.length, 0);
  const [encodeMs, zstdMs, decodeMs] = bestOf([
    () => segments.map((segment) => encodeLeadResidual(segment, leadNames)),
    () => raws.map((raw) => zstdCompressSync(raw, ZSTD)),
    () => encoded.map((part) => decodeLeadResidual(part)),
  ]);
  const perSampleNs = (ms: number | undefined): string => `${(((ms ?? 0) * 2e6) / rawBytes).toFixed(1)} ns`;
  return [
    name.padEnd(24),
    `${((100 * bytes) / rawBytes).toFixed(2)} %`,
    `per sample: encode ${perSampleNs(encodeMs)}, zstd -3 ${perSampleNs(zstdMs)}, decode ${perSampleNs(decodeMs)};`,
    `encode at ${((zstdMs ?? 0) / (encodeMs ?? 1)).toFixed(2)} x the speed of zstd -3`,
  ].join("  ");
}

/** Shortest time of each task, taking turns. */
function bestOf(tasks: readonly (() => unknown)[]): number[] {
  const best = tasks.map(() => Number.POSITIVE_INFINITY);
  const end = performance.now() + SPEND_MS;
  while (performance.now() < end) {
    for (const [index, task] of tasks.entries()) {
      const start = performance.now();
      task();
      best[index] = Math.min(best[index] ?? 0, performance.now() - start);
    }
  }
  return best;
}
