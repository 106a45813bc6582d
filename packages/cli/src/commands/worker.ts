/** `pericard worker`: takes sealed packages from the queues to the buckets. */
import type { Command } from "commander";
import { later } from "../later.ts";

/** Adds the command. */
export function addWorkerCommand(program: Command): void {
  program
    .command("worker")
    .description("empty the queues of buckets; it holds no key, and any number may run (docs/operating/engines.md)")
    .option("--data <folder>", "folder whose server.json names volumes, channel and catalog")
    .option("--config <file>", "file that does, in its place")
    .option("--volumes <buckets...>", "names of the buckets to serve (default: all)")
    .option("--log-level <level>", "fatal, error, warn, info, debug, trace or silent", "info")
    .option("--json", "print one JSON object when ready")
    .action(later(() => import("../actions/worker.ts"), "run"));
}
