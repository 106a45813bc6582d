/** `pericard volumes`: the file systems of a storage server. */
import type { Command } from "commander";
import { later } from "../later.ts";

function withOperatorOptions(command: Command): Command {
  return command.requiredOption("--data <folder>", "the server's data folder").option("--json", "print JSON");
}

/** Adds the commands. */
export function addVolumesCommands(program: Command): void {
  const volumes = program.command("volumes").description("file systems of a storage server");
  withOperatorOptions(volumes.command("list").description("states of the volumes; the server must run")).action(
    later(() => import("../actions/volumes.ts"), "list"),
  );
  withOperatorOptions(volumes.command("scrub").description("read every copy now, and heal what is damaged or missing"))
    .option("--volume <id>", "only what this volume has")
    .action(later(() => import("../actions/volumes.ts"), "scrub"));
}
