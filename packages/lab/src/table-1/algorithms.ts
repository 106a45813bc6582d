/** What the streams are compressed with, and what the paper says of it. Source: paper A, Table I. */
import { BYTE_CODECS, encodeLeadResidual } from "@pericard/ecg";
import { spawnSync } from "node:child_process";
import { constants, zstdCompressSync } from "node:zlib";
import { segmentsOf, type Stream } from "./stream.ts";

/** One way of compression. */
export interface Algorithm {
  readonly name: string;
  /** Percent of the raw bytes in the paper's table; null where the paper has no such row. */
  readonly paperPercent: number | null;
  /** Seconds in the paper's table, for 100 MB on a machine that it does not name. */
  readonly paperSeconds: number | null;
  /** Compressed size and what it took; undefined when a program for it is not installed. */
  readonly run: (stream: Stream) => Compressed | undefined;
}

/** What came out. */
export interface Compressed {
  readonly sizeBytes: number;
  /** Seconds of processor time. */
  readonly seconds: number;
}

const SEGMENT_SECONDS = 10;
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 3 } };

/** The paper's four rows, then others, then this project's. */
export const ALGORITHMS: readonly Algorithm[] = [
  paperRow("gzip", 36.2, 452),
  paperRow("dedup", 51.5, 78),
  paperRow("gzip+dedup", 26.8, 468),
  paperRow("dedup+gzip", 14.6, 203),
  other("gzip of each 10 s, dedup", (stream) =>
    timed(() => {
      const parts = piecesOf(stream).map((piece) => BYTE_CODECS.gzip.encode(piece));
      return BYTE_CODECS.dedup.encode(Buffer.concat(parts)).length;
    }),
  ),
  other("zstd -3", ({ bytes }) => timed(() => zstdCompressSync(bytes, ZSTD).length)),
  other("xz -2", ({ bytes }) => runXz(bytes)),
  other("lead-residual, 10 s", runLeadResidual),
];

function paperRow(name: keyof typeof BYTE_CODECS, paperPercent: number, paperSeconds: number): Algorithm {
  const run = ({ bytes }: Stream): Compressed => timed(() => BYTE_CODECS[name].encode(bytes).length);
  return { name, paperPercent, paperSeconds, run };
}

function other(name: string, run: Algorithm["run"]): Algorithm {
  return { name, paperPercent: null, paperSeconds: null, run };
}

function timed(compress: () => number): Compressed {
  const before = process.cpuUsage();
  const sizeBytes = compress();
  return { sizeBytes, seconds: secondsSince(before) };
}

function secondsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** The stream's bytes, cut every ten seconds of recording. */
function piecesOf({ bytes, format, frameCount }: Stream): Uint8Array[] {
  const frames = Math.max(1, Math.round((SEGMENT_SECONDS * format.frameRateHz.num) / format.frameRateHz.den));
  const pieceBytes = frames * (bytes.length / Math.max(1, frameCount));
  const count = Math.ceil(bytes.length / pieceBytes);
  return Array.from({ length: count }, (_, k) => bytes.subarray(k * pieceBytes, (k + 1) * pieceBytes));
}

/** The shell tells how many bytes came out and what processor time its children took (POSIX `times`: shell, then children). */
const XZ_SCRIPT = "xz -2 -T1 -c | wc -c; times";

function runXz(bytes: Uint8Array): Compressed | undefined {
  const { status, stdout } = spawnSync("sh", ["-c", XZ_SCRIPT], { input: bytes, encoding: "utf8" });
  const [size = "", , children = ""] = stdout.trim().split("\n");
  const times = [...children.matchAll(/(\d+)m([\d.]+)s/g)].map(([, minutes, seconds]) =>
    [minutes, seconds].map(Number),
  );
  const sizeBytes = Number(size);
  if (status !== 0 || !(sizeBytes > 0) || times.length === 0) return undefined;
  return { sizeBytes, seconds: times.reduce((sum, [minutes = 0, seconds = 0]) => sum + 60 * minutes + seconds, 0) };
}

/** Encoding alone: a terminal has its samples as leads. */
function runLeadResidual(stream: Stream): Compressed {
  const names = stream.format.leads.map((lead) => lead.name);
  let sizeBytes = 0;
  let seconds = 0;
  for (const leads of segmentsOf(stream, SEGMENT_SECONDS)) {
    const before = process.cpuUsage();
    sizeBytes += encodeLeadResidual(leads, names).length;
    seconds += secondsSince(before);
  }
  return { sizeBytes, seconds };
}
