/** `pericard factory`: deploys terminals and verifies them. */
import type { Command } from "commander";
import { later } from "../later.ts";

function withDataOptions(command: Command): Command {
  return command
    .requiredOption("--data <folder>", "the server's data folder")
    .option("--passphrase-file <file>", "file with the passphrase of the key-encryption key")
    .option("--json", "print JSON");
}

/** Adds the commands. */
export function addFactoryCommands(program: Command): void {
  const factory = program.command("factory").description("the key authority: draws, deploys and verifies key blocks");
  withDataOptions(factory.command("deploy").description("deploy terminals with simulated modules into folders"))
    .requiredOption("--out <folder>", "folder of the terminal; of several, the folder that theirs lie in")
    .requiredOption("--target <url>", "gateway or server that the terminal uploads to")
    .requiredOption("--token <token>", "token that admits the terminal there")
    .option("--count <number>", "how many", "1")
    .action(later(() => import("../actions/factory.ts"), "deploy"));
  withDataOptions(
    factory.command("verify <folder>").description("verify a deployed terminal by challenge and response"),
  ).action(later(() => import("../actions/factory.ts"), "verify"));
}
