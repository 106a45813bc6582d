/**
 * What a recording costs a terminal: samples that lie ready in a file, encoded, sealed and journalled by the real recorder in a
 * process of its own. The floor is the same file read by the same source in another process of the same run, and is taken off.
 */
import { systemRandom } from "@pericard/crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { demoPaths, openDemo, prepareTerminal } from "../demo/installation.ts";
import { startChild, type Child } from "./child.ts";
import { BenchError } from "./errors.ts";
import { writeFrameFile } from "./frame-file.ts";
import { residentProcess } from "./resident.ts";
import type { TerminalChildMethods } from "./terminal-child.ts";

/** What is measured. */
export interface TerminalBenchOptions {
  /** Length of the recording, 0.01 to 48. */
  readonly hours: number;
  /** Folder on the disk to measure; a new folder in it takes the journal, about a fifth of the raw bytes, and is removed. */
  readonly workPath: string;
  /** Arguments for the terminal's Node, such as `--cpu-prof`. */
  readonly nodeArguments: readonly string[];
}

export type TerminalBenchProgress = "synthesising" | "reading" | "recording";

export interface TerminalBenchReport {
  readonly hours: number;
  readonly rawBytes: number;
  readonly segments: number;
  readonly journalBytes: number;
  /** Processor seconds of encoding, sealing and journalling, all threads together: the source's are taken off. */
  readonly processorSeconds: number;
  /** Of the source alone. */
  readonly sourceSeconds: number;
  /** Seconds by the clock, for which the disk's syncs are waited. */
  readonly elapsedSeconds: number;
  /** Share of one core that recording at its own pace takes: processor seconds by the recording's length. */
  readonly processorShare: number;
  /** The most memory that the terminal's process had resident at any time; 0 where the system does not tell. */
  readonly residentBytes: number;
}

const RATE_HZ = 500;
const LEAD_COUNT = 12;
const FILE_SECONDS = 600;
/** With this noise ten seconds are about 20 kB encoded, as a filtered recording's are. */
const SYNTHESISER = { seed: 12, noiseUv: 1.5 } as const;

/** Deploys a terminal into a new folder. @returns its path. */
function deployTerminalBelow(root: string): string {
  const paths = demoPaths(join(root, "installation"));
  const { store } = openDemo(paths);
  try {
    prepareTerminal(paths, store, 1, "http://127.0.0.1:9");
  } finally {
    store.close();
  }
  return paths.terminal(1);
}

/** @throws {BenchError} ERR_BENCH_OPTION for a length out of range; ERR_BENCH_CHILD when the terminal fails. */
export async function benchTerminal(
  { hours, workPath, nodeArguments }: TerminalBenchOptions,
  tell: (progress: TerminalBenchProgress) => void,
): Promise<TerminalBenchReport> {
  if (!(hours >= 0.01 && hours <= 48)) throw new BenchError("ERR_BENCH_OPTION", "hours is out of range");
  mkdirSync(workPath, { recursive: true });
  const root = mkdtempSync(join(workPath, "pericard-bench-terminal-"));
  try {
    tell("synthesising");
    const path = join(root, "frames");
    const format = writeFrameFile(path, SYNTHESISER, FILE_SECONDS);
    const file = { path, format, blockCount: FILE_SECONDS, sourceId: systemRandom(32) };
    const frameCount = Math.round(hours * 3600) * RATE_HZ;
    const rawBytes = frameCount * LEAD_COUNT * 2;
    const terminalPath = deployTerminalBelow(root);
    const run = { file, frameCount, terminalPath, journalLimitBytes: 2 * rawBytes + 1e7 };
    tell("reading");
    const read = await inChild(nodeArguments, (child) => child.ask("read", run));
    tell("recording");
    const beginMs = performance.now();
    const recorded = await inChild(nodeArguments, (child) => child.ask("record", run));
    const elapsedSeconds = (performance.now() - beginMs) / 1000;
    const { microseconds, segmentCount, journalBytes } = recorded.value;
    const sourceSeconds = read.value / 1e6;
    const processorSeconds = Math.max(0, microseconds / 1e6 - sourceSeconds);
    return {
      hours,
      rawBytes,
      segments: segmentCount,
      journalBytes,
      processorSeconds,
      sourceSeconds,
      elapsedSeconds,
      processorShare: processorSeconds / (hours * 3600),
      residentBytes: recorded.residentBytes,
    };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** Does one thing in a new process. @returns the answer, and the most memory that the process had resident. */
async function inChild<Value>(
  nodeArguments: readonly string[],
  work: (child: Child<TerminalChildMethods>) => Promise<Value>,
): Promise<{ readonly value: Value; readonly residentBytes: number }> {
  const resident = residentProcess();
  const child = startChild<TerminalChildMethods>(new URL("./terminal-child.ts", import.meta.url), {
    core: undefined,
    nodeArguments: [...resident.nodeArguments, ...nodeArguments],
    environment: resident.environment,
  });
  try {
    const value = await work(child);
    const residentBytes = child.peakResidentBytes();
    await child.end();
    return { value, residentBytes };
  } finally {
    child.kill();
  }
}
