/** `pericard records`: lists, shows and exports recordings through the API, as an account that may read them. */
import type { Command } from "commander";
import { later } from "../later.ts";

function withOptions(command: Command): Command {
  return command
    .requiredOption("--data <folder>", "the server's data folder")
    .option("--passphrase-file <file>", "file with the passphrase of the key-encryption key")
    .option("--account <name>", "account to read as", "Clinician")
    .option("--server <url>", "address of the running server (default: from server.json)")
    .option("--json", "print JSON");
}

/** Adds the commands. */
export function addRecordsCommands(program: Command): void {
  const records = program.command("records").description("recordings at a running server");
  withOptions(records.command("list").description("list recordings"))
    .option("--patient <id or name>", "of one patient")
    .action(later(() => import("../actions/records.ts"), "list"));
  withOptions(records.command("show <recording>").description("show one recording")).action(
    later(() => import("../actions/records.ts"), "show"),
  );
  withOptions(records.command("export <recording>").description("export the exact samples"))
    .requiredOption("--out <folder>", "folder to write to")
    .option("--format <name>", "wfdb", "wfdb")
    .action(later(() => import("../actions/records.ts"), "exportRecording"));
  withOptions(records.command("observations").description("export a patient's observations, newest first"))
    .requiredOption("--patient <id or name>", "whose")
    .requiredOption("--out <file>", "file to write")
    .option("--code <codes>", "LOINC numbers or IEEE 11073 reference ids, separated by commas")
    .option("--from <time>", "measured at or after, as 2026-03-01T08:00:00Z")
    .option("--to <time>", "measured before")
    .option("--format <name>", "csv, a line for each value; json, a line for each observation", "csv")
    .action(later(() => import("../actions/records-observations.ts"), "observations"));
}
