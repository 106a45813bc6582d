/** Running of the factory's benchmark and telling of what it found. */
import { resolve } from "node:path";
import { outputFor } from "../output.ts";
import { numberOption } from "../terminal-source.ts";

interface FactoryOptions {
  readonly terminals: string;
  readonly rounds: string;
  readonly folder: string;
  readonly json?: boolean;
}

const TERMINALS_MAX = 8_388_608;

/** Key blocks a second that the factory draws, and the floor writes. */
export async function factory(options: FactoryOptions): Promise<void> {
  const output = outputFor(options);
  const { benchFactory } = await import("@pericard/lab");
  const report = benchFactory(
    {
      terminals: numberOption("terminals", options.terminals, 1, TERMINALS_MAX),
      rounds: numberOption("rounds", options.rounds, 1, 100),
      workPath: resolve(options.folder),
    },
    ({ round, side, blocksPerSecond }) =>
      output.progress(`round ${round}, ${side}: ${blocksPerSecond.toFixed(0)} blocks/s`),
  );
  const { blocksPerSecond, floorBlocksPerSecond, ratio, openMilliseconds, residentBytes } = report;
  output.result(report, [
    `factory ${blocksPerSecond.toFixed(0)} blocks/s, floor ${floorBlocksPerSecond.toFixed(0)}, ratio ${ratio.toFixed(2)}`,
    `one terminal's block opens in ${openMilliseconds.median.toFixed(2)} ms, at most ${openMilliseconds.slowest.toFixed(2)} ms`,
    `process had ${(residentBytes / 1e6).toFixed(0)} MB resident at most`,
  ]);
}
