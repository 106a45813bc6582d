/** `pericard server`: sets up at the first start, then serves until it is stopped. */
import type { Command } from "commander";
import { later } from "../later.ts";

/** Adds the command. */
export function addServerCommand(program: Command): void {
  program
    .command("server")
    .description("run the storage server; the first start on a folder sets it up")
    .requiredOption("--data <folder>", "data folder")
    .option("--passphrase-file <file>", "file with the passphrase of the key-encryption key, outside the data folder")
    .option("--host <address>", "address to listen on (default: from server.json, 127.0.0.1)")
    .option("--port <number>", "port to listen on (default: from server.json, 7320)")
    .option("--tenant <name>", "name of the tenant that the first start makes", "main")
    .option("--synthetic", "make that tenant one for synthetic and public test data, for its whole life")
    .option("--root-folder <folder>", "where the first start puts the sealed root key (default: <data>.root)")
    .option("--viewer <folder>", "folder of the built viewer (default: the one of this installation)")
    .option("--log-level <level>", "fatal, error, warn, info, debug, trace or silent", "info")
    .option("--json", "print one JSON object when ready")
    .action(later(() => import("../actions/server.ts"), "run"));
}
