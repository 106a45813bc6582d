/** Size and speed of `lead-residual` on real records, beside zstd level 3 on the same raw interleaved 16-bit bytes, best of
 * several in the same process, and beside the size of FLAC -8: `node packages/ecg/test/codec-bench.ts [record …]`. */
import { constants, zstdCompressSync } from "node:zlib";
import { decodeLeadResidual, encodeLeadResidual, interleave } from "../src/index.ts";
import { cutSegments, loadRecord } from "./data-folder.ts";
import { FLAC_8_BYTES } from "./flac-sizes.ts";

const SEGMENT_S = 10;
const SPEND_MS = 2_000;
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 3 } };

interface Measured {
  readonly line: string;
  readonly bytes: number;
  /** Undefined for a record whose size under FLAC is not known. */
  readonly flacBytes: number | undefined;
  /** Speed of encoding over that of zstd -3. */
  readonly speed: number;
}

const names = process.argv.slice(2);
const results: Measured[] = [];
for (const name of names.length > 0 ? names : Object.keys(FLAC_8_BYTES)) {
  const measured = await measure(name);
  process.stdout.write(`${measured.line}\n`);
  results.push(measured);
}
const compared = results.filter(({ flacBytes }) => flacBytes !== undefined);
const sumOf = (pick: (result: Measured) => number): number => compared.reduce((sum, one) => sum + pick(one), 0);
const share = sumOf(({ bytes }) => bytes) / sumOf(({ flacBytes }) => flacBytes ?? 0);
const slowest = Math.min(...results.map(({ speed }) => speed));
process.stdout.write(
  `together ${share.toFixed(3)} x FLAC -8; slowest at ${slowest.toFixed(2)} x the speed of zstd -3\n`,
);

async function measure(name: string): Promise<Measured> {
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
  const flacBytes = FLAC_8_BYTES[name];
  const speed = (zstdMs ?? 0) / (encodeMs ?? 1);
  const line = [
    name.padEnd(24),
    `${((100 * bytes) / rawBytes).toFixed(2)} %`,
    flacBytes === undefined ? "" : `${(bytes / flacBytes).toFixed(3)} x FLAC -8`,
    `per sample: encode ${perSampleNs(encodeMs)}, zstd -3 ${perSampleNs(zstdMs)}, decode ${perSampleNs(decodeMs)};`,
    `encode at ${speed.toFixed(2)} x the speed of zstd -3`,
  ].join("  ");
  return { line, bytes, flacBytes, speed };
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
