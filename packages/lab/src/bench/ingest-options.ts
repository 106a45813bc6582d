/** What an ingest benchmark is told, and what it says. */
import type { FloorPart } from "./floor/floor-parts.ts";
import type { Placement } from "./placement.ts";
import { BenchError } from "./errors.ts";

export interface IngestOptions {
  /** Length of each measured round of either side, in seconds. */
  readonly seconds: number;
  /** Measured rounds of each side, server and floor by turns. */
  readonly rounds: number;
  /** Terminals that upload, each into a recording of its own. */
  readonly terminals: number;
  /** Envelopes under way at once; at most one for each terminal. */
  readonly concurrency: number;
  /** Copies of each package, on both sides. */
  readonly copies: number;
  /** Envelopes that warm each side up. */
  readonly warmUpEnvelopes: number;
  /** A folder of the disk to measure; everything is written into a new folder there, which is removed. */
  readonly workPath: string;
  /** Arguments for the server's Node, such as `--cpu-prof`. */
  readonly serverNodeArguments: readonly string[];
}

/** What is not given. */
export const INGEST_DEFAULTS: Omit<IngestOptions, "workPath"> = {
  seconds: 5,
  rounds: 3,
  terminals: 256,
  concurrency: 128,
  copies: 2,
  warmUpEnvelopes: 4000,
  serverNodeArguments: [],
};

/** What a benchmark says while it runs. */
export type IngestProgress =
  | { readonly phase: "deploying"; readonly terminals: number }
  | { readonly phase: "preparing"; readonly envelopes: number }
  | { readonly phase: "server" | "floor"; readonly round: number; readonly segmentsPerSecond: number }
  | { readonly phase: "parts" };

export interface IngestReport {
  /** Median over the rounds: durable, receipted segments a second through HTTP into one server process. */
  readonly segmentsPerSecond: number;
  /** The same of the bare program. */
  readonly floorSegmentsPerSecond: number;
  readonly floorParts: readonly FloorPart[];
  /** What the floor's parts would allow on one core: 1,000,000 over their sum. */
  readonly floorSumSegmentsPerSecond: number;
  /** Floor measured over floor by its parts: at least 0.8, or the floor waits for something that it should not. */
  readonly floorShareOfSum: number;
  /** Server over floor. */
  readonly ratio: number;
  /** The most memory that the server had resident at any time of the run, in bytes; 0 where the system does not tell. */
  readonly residentBytes: number;
  /** Seconds of one round. */
  readonly seconds: number;
  /** Bytes of one segment's encoded samples, and of the envelope that it travels in. */
  readonly segmentBytes: number;
  readonly envelopeBytes: number;
  readonly copies: number;
  readonly terminals: number;
  readonly concurrency: number;
  /** Every round, in segments a second. */
  readonly serverRounds: readonly number[];
  readonly floorRounds: readonly number[];
  /** Mean packages in one append to a floor's volume. */
  readonly floorGroupSize: number;
  /**
   * Microseconds of processor time per segment, all threads together; medians. Where other programs take time of the
   * cores, their quotient is the steadier `ratio`.
   */
  readonly serverMicroseconds: number;
  readonly floorMicroseconds: number;
  /** The largest share of its core that the load took in a round. */
  readonly loadShare: number;
  /** Cores that server and load were held to; null when nothing held them. */
  readonly cores: Placement | null;
}

function refuse(name: string): never {
  throw new BenchError("ERR_BENCH_OPTION", `${name} is out of range`);
}

function isCount(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= max;
}

/** @throws {BenchError} ERR_BENCH_OPTION naming the first option that cannot work. */
export function checkIngestOptions(options: IngestOptions): IngestOptions {
  const { seconds, rounds, terminals, concurrency, copies, warmUpEnvelopes } = options;
  if (!(seconds > 0 && seconds <= 600)) refuse("seconds");
  if (!isCount(rounds, 100)) refuse("rounds");
  if (!isCount(terminals, 10_000)) refuse("terminals");
  if (!isCount(concurrency, terminals)) refuse("concurrency");
  if (!isCount(copies, 3)) refuse("copies");
  if (!isCount(warmUpEnvelopes, 1_000_000)) refuse("warmUpEnvelopes");
  return options;
}
