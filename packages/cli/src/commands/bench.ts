/** `pericard bench`: how fast, against a floor measured in the same run. */
import type { Command } from "commander";
import { later } from "../later.ts";

/** Adds the commands. */
export function addBenchCommands(program: Command): void {
  const bench = program.command("bench").description("measurements against a floor in the same run");
  bench
    .command("ingest")
    .description("durable, receipted 10 s 12-lead segments over HTTP into one server process")
    .option("--seconds <number>", "length of one measured round", "5")
    .option("--rounds <number>", "rounds of each side, by turns", "3")
    .option("--folder <folder>", "folder on the disk to measure", ".")
    .option("--json", "print JSON")
    .action(later(() => import("../actions/bench.ts"), "ingest"));
  bench
    .command("terminal")
    .description("a 12-lead 500 Hz recording encoded, sealed and journalled by one terminal; its source is taken off")
    .option("--hours <number>", "length of the recording", "24")
    .option("--folder <folder>", "folder on the disk to measure", ".")
    .option("--json", "print JSON")
    .action(later(() => import("../actions/bench-terminal.ts"), "terminal"));
  bench
    .command("factory")
    .description("drawing of a master key sequence, beside random bytes, AES-256-GCM and one synced file alone")
    .option("--terminals <number>", "key blocks of each round", "1000000")
    .option("--rounds <number>", "rounds of each side, by turns", "3")
    .option("--folder <folder>", "folder on the disk to measure", ".")
    .option("--json", "print JSON")
    .action(later(() => import("../actions/bench-factory.ts"), "factory"));
}
