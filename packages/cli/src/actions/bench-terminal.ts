/** Running of the terminal's benchmark and telling of what it found. */
import { resolve } from "node:path";
import { bytesText, outputFor } from "../output.ts";
import { numberOption } from "../terminal-source.ts";

interface TerminalBenchOptions {
  readonly hours: string;
  readonly folder: string;
  readonly json?: boolean;
}

/** Processor time and memory of a terminal that records. */
export async function terminal(options: TerminalBenchOptions): Promise<void> {
  const output = outputFor(options);
  const { benchTerminal } = await import("@pericard/lab");
  const report = await benchTerminal(
    {
      hours: numberOption("hours", options.hours, 0.01, 48),
      workPath: resolve(options.folder),
      nodeArguments: [],
    },
    (phase) => output.progress(phase),
  );
  const { hours, rawBytes, segments, journalBytes, processorSeconds, sourceSeconds, residentBytes } = report;
  output.result(report, [
    `${hours} h, ${bytesText(rawBytes)} of samples in ${segments} segments, ${bytesText(journalBytes)} of journal`,
    `${processorSeconds.toFixed(1)} s of processor time without the source's ${sourceSeconds.toFixed(1)} s`,
    `${(residentBytes / 1e6).toFixed(0)} MB resident at most`,
  ]);
}
