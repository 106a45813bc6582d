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
  withOperatorOptions(
    volumes.command("add <folder>").description("take a folder into service as one more volume"),
  ).action(later(() => import("../actions/volumes.ts"), "add"));
  withOperatorOptions(
    volumes.command("drain <volume>").description("put a copy of everything of a volume on others, until it is empty"),
  )
    .option("--cancel", "give it packages again")
    .option("--wait", "wait until it is empty")
    .action(later(() => import("../actions/volumes.ts"), "drain"));
  withOperatorOptions(volumes.command("remove <volume>").description("take a drained volume out of service")).action(
    later(() => import("../actions/volumes.ts"), "remove"),
  );
  withOperatorOptions(
    volumes.command("rebuild").description("make the catalog anew from the volumes; the server must not run"),
  )
    .option("--passphrase-file <file>", "file with the passphrase of the key-encryption key")
    .action(later(() => import("../actions/rebuild.ts"), "rebuild"));
}
