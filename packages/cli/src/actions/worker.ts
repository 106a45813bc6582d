/** `pericard worker`: takes sealed packages from the queues to the buckets. */
import { systemRandom } from "@pericard/crypto";
import { readWorkerConfig, startWorker } from "@pericard/server/worker";
import { join } from "node:path";
import { pino } from "pino";
import { CliError } from "../errors.ts";
import { outputFor } from "../output.ts";
import { stopSignal, untilAborted } from "../stop-signal.ts";

interface WorkerOptions {
  readonly data?: string;
  readonly config?: string;
  readonly volumes?: readonly string[];
  readonly logLevel: string;
  readonly json?: boolean;
}

function fileOf({ data, config }: WorkerOptions): string {
  if (config !== undefined) return config;
  if (data !== undefined) return join(data, "server.json");
  throw new CliError("ERR_USAGE", "name the settings: --data <folder> or --config <file>");
}

export async function run(options: WorkerOptions): Promise<void> {
  const output = outputFor(options);
  const stop = stopSignal();
  const config = readWorkerConfig(fileOf(options), options.volumes);
  const logger = pino({ level: options.logLevel }, pino.destination(2));
  const environment = { nowUnixMs: Date.now, monotonicMs: () => performance.now(), random: systemRandom, logger };
  const worker = await startWorker(config, environment);
  const { volumeIds } = worker;
  output.result({ ready: true, volumeIds }, [`worker empties ${volumeIds.length} of ${config.buckets.length} queues`]);
  await untilAborted(stop);
  await worker.close();
}
