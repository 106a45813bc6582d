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
  lab
    .command("attack")
    .description("paper A §IV: attacks on both papers and on pericard-1, each really run; synthetic data only")
    .option("--bits <number>", "bits of a key that are not known, 8 to 28", "20")
    .option("--picture <file>", "write the block-repeat map of an ECG, .svg or .png")
    .option("--json", "print JSON")
    .action(later(() => import("../actions/lab-attack.ts"), "attack"));
  lab
    .command("life")
    .description("a terminal's ten years in seconds: its keys, and what befalls them")
    .option("--years <number>", "length of the life", "10")
    .option("--seed <number>", "of everything that befalls the terminal", "1")
    .option("--picture <file>", "write the keys over the years as SVG")
    .option("--json", "print JSON")
    .action(later(() => import("../actions/lab-life.ts"), "life"));
}
