/** `pericard bench`: how fast, against a floor measured in the same run. */
import type { Command } from "commander";
import { outputFor } from "../output.ts";

async function ingest(options: { readonly seconds: string; readonly json?: boolean }): Promise<void> {
  const { benchIngest } = await import("@pericard/lab");
  const output = outputFor(options);
  const report = await benchIngest({ seconds: Number(options.seconds) }, output.progress);
  output.result(report, [
    `server: ${report.segmentsPerSecond.toFixed(0)} segments/s; floor: ${report.floorSegmentsPerSecond.toFixed(0)}; ratio ${report.ratio.toFixed(2)}`,
    ...report.floorParts.map(({ name, microseconds }) => `  ${microseconds.toFixed(1).padStart(8)} us  ${name}`),
  ]);
}

/** Adds the commands. */
export function addBenchCommands(program: Command): void {
  const bench = program.command("bench").description("measurements against a floor in the same run");
  bench
    .command("ingest")
    .description("durable, receipted 10 s 12-lead segments over HTTP into one server process")
    .option("--seconds <number>", "length of the measurement", "20")
    .option("--json", "print JSON")
    .action(ingest);
}
