/** `pericard migrate`: an embedded installation goes to engines. */
import type { Command } from "commander";
import { later } from "../later.ts";

/** Adds the command. */
export function addMigrateCommand(program: Command): void {
  program
    .command("migrate")
    .description("move an embedded installation to buckets, PostgreSQL and RabbitMQ while its server runs")
    .requiredOption("--data <folder>", "the server's data folder")
    .requiredOption(
      "--to <file>",
      "JSON file with volumes, copyCount, channel, catalog and keyStore, as in server.json",
    )
    .option("--dry-run", "say what there is to move, and whether the file would do; change nothing")
    .option("--json", "print JSON")
    .action(later(() => import("../actions/migrate.ts"), "migrate"));
}
