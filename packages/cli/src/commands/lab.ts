/** `pericard lab`: the papers' experiments, measured anew. */
import type { Command } from "commander";
import { later } from "../later.ts";

/** Adds the commands. */
export function addLabCommands(program: Command): void {
  const lab = program.command("lab").description("the papers' experiments, measured anew");
  lab
    .command("table-1")
    .description("paper A, Table I: gzip, dedup and both orders, beside zstd, xz and the codec of this project")
    .option("--input <file...>", "WFDB headers (.hea) of recordings to compress as well")
    .option("--megabytes <number>", "length of each stream; a recording is not repeated to fill it", "100")
    .option("--json", "print JSON")
    .action(later(() => import("../actions/lab-table-1.ts"), "table1"));
}
