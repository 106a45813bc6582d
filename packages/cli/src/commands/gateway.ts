/** `pericard gateway`: takes sealed messages in, keeps them on disk, passes them on. */
import type { Command } from "commander";
import { later } from "../later.ts";

/** Adds the command. */
export function addGatewayCommand(program: Command): void {
  program
    .command("gateway")
    .description("run a gateway: it carries sealed messages and can open none")
    .requiredOption("--config <file>", "JSON file: port, folderPath, clients, upstream (docs/operating/gateway.md)")
    .option("--log-level <level>", "fatal, error, warn, info, debug, trace or silent", "info")
    .option("--json", "print one JSON object when ready")
    .action(later(() => import("../actions/gateway.ts"), "run"));
}
