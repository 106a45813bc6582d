/**
 * How fast the factory draws a master key sequence, beside a floor measured in the same run: random bytes, AES-256-GCM,
 * one sequential file with one sync, and nothing else.
 *
 * Source: paper A §II.E; docs/format.md §12.1.
 */
import { KEY_BLOCK_BYTES, systemRandom } from "@pericard/crypto";
import { MasterSequence, SEQUENCE_BLOCKS_MAX } from "@pericard/factory";
import { openDiskFolder } from "@pericard/framelog";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { BenchError } from "./errors.ts";
import { writeFactoryFloor } from "./floor/factory-floor.ts";

/** What is measured. */
export interface FactoryBenchOptions {
  /** Blocks of each round, 1 to 8,388,608. */
  readonly terminals: number;
  /** Rounds of each side, by turns. */
  readonly rounds: number;
  /** Folder on the disk to measure. */
  readonly workPath: string;
}

export interface FactoryBenchProgress {
  readonly round: number;
  readonly side: "factory" | "floor";
  readonly blocksPerSecond: number;
}

/** What was found. Rates are those of the fastest round of each side. */
export interface FactoryBenchReport {
  readonly terminals: number;
  readonly sizeBytes: number;
  readonly blocksPerSecond: number;
  readonly floorBlocksPerSecond: number;
  readonly ratio: number;
  readonly factoryRounds: readonly number[];
  readonly floorRounds: readonly number[];
  /** Time to open the block of one terminal, the median and the slowest of 1,000 all over the sequence. */
  readonly openMilliseconds: { readonly median: number; readonly slowest: number };
  /** Most memory that the process had when its first sequence was drawn, in bytes. */
  readonly residentBytes: number;
}

const OPENED_COUNT = 1000;

function secondsOf(work: () => void): number {
  const beginMs = performance.now();
  work();
  return (performance.now() - beginMs) / 1000;
}

/** A place all over the sequence; 7,919 is prime, so that the places differ. */
const placeOf = (turn: number, count: number): number => (turn * 7919) % count;

function measureOpening(sequence: MasterSequence, count: number): FactoryBenchReport["openMilliseconds"] {
  const times = Array.from(
    { length: OPENED_COUNT },
    (_, i) => 1000 * secondsOf(() => sequence.readBlock(placeOf(i, count))),
  ).sort((a, b) => a - b);
  return { median: times[OPENED_COUNT >> 1] ?? 0, slowest: times.at(-1) ?? 0 };
}

/** Draws one sequence into a new folder, and opens blocks of it. */
function runFactory(path: string, terminals: number) {
  const key = { id: systemRandom(16), key: systemRandom(32) };
  const sequence = MasterSequence.open(openDiskFolder(path), key, 0);
  const seconds = secondsOf(() => sequence.extendTo(terminals, systemRandom));
  const residentBytes = 1024 * process.resourceUsage().maxRSS;
  const openMilliseconds = measureOpening(sequence, terminals);
  rmSync(path, { recursive: true });
  return { seconds, residentBytes, openMilliseconds };
}

function check({ terminals, rounds }: FactoryBenchOptions): void {
  const good =
    terminals >= 1 && terminals <= SEQUENCE_BLOCKS_MAX && rounds >= 1 && Number.isInteger(terminals + rounds);
  if (!good) throw new BenchError("ERR_BENCH_OPTION", "terminals and rounds are whole numbers from 1 on");
}

/** Measures the drawing. @throws {BenchError} ERR_BENCH_OPTION. */
export function benchFactory(
  options: FactoryBenchOptions,
  onProgress: (progress: FactoryBenchProgress) => void = () => undefined,
): FactoryBenchReport {
  check(options);
  const { terminals, workPath } = options;
  const folderPath = mkdtempSync(join(workPath, "pericard-bench-"));
  const factoryRounds: number[] = [];
  const floorRounds: number[] = [];
  let residentBytes = 0;
  let openMilliseconds = { median: 0, slowest: 0 };
  try {
    for (let round = 1; round <= options.rounds; round += 1) {
      const drawn = runFactory(join(folderPath, "sequence"), terminals);
      factoryRounds.push(terminals / drawn.seconds);
      openMilliseconds = drawn.openMilliseconds;
      onProgress({ round, side: "factory", blocksPerSecond: terminals / drawn.seconds });
      if (round === 1) residentBytes = drawn.residentBytes;
      const floorSeconds = secondsOf(() => writeFactoryFloor(join(folderPath, "floor"), terminals * KEY_BLOCK_BYTES));
      rmSync(join(folderPath, "floor"));
      floorRounds.push(terminals / floorSeconds);
      onProgress({ round, side: "floor", blocksPerSecond: terminals / floorSeconds });
    }
  } finally {
    rmSync(folderPath, { recursive: true, force: true });
  }
  const blocksPerSecond = Math.max(...factoryRounds);
  const floorBlocksPerSecond = Math.max(...floorRounds);
  return {
    terminals,
    sizeBytes: terminals * KEY_BLOCK_BYTES,
    blocksPerSecond,
    floorBlocksPerSecond,
    ratio: blocksPerSecond / floorBlocksPerSecond,
    factoryRounds,
    floorRounds,
    openMilliseconds,
    residentBytes,
  };
}
