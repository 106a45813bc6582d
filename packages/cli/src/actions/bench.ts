/** Running of benchmarks and telling of what they found. */
import type { IngestProgress } from "@pericard/lab";
import { resolve } from "node:path";
import { outputFor } from "../output.ts";
import { numberOption } from "../terminal-source.ts";

interface IngestOptions {
  readonly seconds: string;
  readonly rounds: string;
  readonly folder: string;
  readonly json?: boolean;
}

function progressLine(progress: IngestProgress): string {
  if (progress.phase === "deploying") return `deploying ${progress.terminals} terminals`;
  if (progress.phase === "preparing") return `sealing ${progress.envelopes} envelopes`;
  if (progress.phase === "parts") return "measuring the floor's parts";
  return `round ${progress.round}, ${progress.phase}: ${progress.segmentsPerSecond.toFixed(0)} segments/s`;
}

/** Segments a second through one server, and through the floor. */
export async function ingest(options: IngestOptions): Promise<void> {
  const output = outputFor(options);
  const { benchIngest } = await import("@pericard/lab");
  const report = await benchIngest(
    {
      seconds: numberOption("seconds", options.seconds, 1, 600),
      rounds: numberOption("rounds", options.rounds, 1, 100),
      workPath: resolve(options.folder),
    },
    (progress) => output.progress(progressLine(progress)),
  );
  const { segmentsPerSecond, floorSegmentsPerSecond, ratio, residentBytes, floorParts } = report;
  output.result(report, [
    `server ${segmentsPerSecond.toFixed(0)} segments/s, floor ${floorSegmentsPerSecond.toFixed(0)}, ratio ${ratio.toFixed(2)}`,
    `server had ${(residentBytes / 1e6).toFixed(0)} MB resident at most`,
    "the floor's parts, microseconds of processor time for each segment:",
    ...floorParts.map(({ name, microseconds }) => `${microseconds.toFixed(1).padStart(10)}  ${name}`),
  ]);
}
