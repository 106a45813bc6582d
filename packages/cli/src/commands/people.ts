/** `pericard patients`, `pericard terminals` and `pericard sign-in`: who is who at the server. */
import type { Command } from "commander";
import { later } from "../later.ts";

function withDataOptions(command: Command): Command {
  return command
    .requiredOption("--data <folder>", "the server's data folder")
    .option("--passphrase-file <file>", "file with the passphrase of the key-encryption key")
    .option("--json", "print JSON");
}

/** Adds the commands. */
export function addPeopleCommands(program: Command): void {
  const patients = program.command("patients").description("people whose data is kept");
  withDataOptions(patients.command("add <name>").description("add a patient")).action(
    later(() => import("../actions/people.ts"), "addPatient"),
  );
  withDataOptions(patients.command("list").description("list patients")).action(
    later(() => import("../actions/people.ts"), "listPatients"),
  );
  const terminals = program.command("terminals").description("registered terminals");
  withDataOptions(terminals.command("list").description("list terminals")).action(
    later(() => import("../actions/people.ts"), "listTerminals"),
  );
  withDataOptions(terminals.command("assign <serial>").description("say whose recordings a terminal makes from now on"))
    .option("--patient <id or name>", "patient; without it, nobody")
    .requiredOption("--reason <text>", "why, for the record")
    .action(later(() => import("../actions/people.ts"), "assign"));
  withDataOptions(program.command("sign-in").description("make a one-time sign-in link"))
    .option("--account <name>", "clinician's account; made when there is none", "Clinician")
    .option("--server <url>", "address of the server as the browser sees it")
    .action(later(() => import("../actions/people.ts"), "signIn"));
}
