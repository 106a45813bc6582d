/** `pericard patients`, `pericard terminals` and `pericard sign-in`: who is who at the server. */
import { PatientId, TerminalId } from "@pericard/protocol";
import type { Command } from "commander";
import { CliError } from "../errors.ts";
import { withData, type InstallationOptions } from "../installation.ts";
import { outputFor, table } from "../output.ts";

interface Options extends InstallationOptions {
  readonly json?: boolean;
}

const LINK_LIFETIME_MS = 24 * 3600 * 1000;

async function addPatient(name: string, options: Options): Promise<void> {
  const patient = await withData(options, ({ store, tenant }) => store.addPatient(tenant.id, name, Date.now()));
  outputFor(options).result(patient, [`patient ${patient.id} is ${patient.name}`]);
}

async function listPatients(options: Options): Promise<void> {
  const patients = await withData(options, ({ store, tenant }) => store.patients(tenant.id));
  const rows = patients.map(({ id, name }) => [id, name]);
  outputFor(options).result({ patients }, table(["patient", "name"], rows));
}

async function assign(serial: string, options: Options & { patient?: string; reason: string }): Promise<void> {
  const assignment = await withData(options, ({ store, tenant }) => {
    const wanted = options.patient;
    const patient = store.patients(tenant.id).find(({ id, name }) => id === wanted || name === wanted);
    if (wanted !== undefined && !patient) throw new CliError("ERR_USAGE", "no patient has that id or name");
    const terminal = TerminalId.parse(serial);
    return store.assign(terminal, patient ? PatientId.parse(patient.id) : null, Date.now(), options.reason);
  });
  const whom = assignment.patient ?? "nobody";
  outputFor(options).result(assignment, [`terminal ${serial} records for ${whom} from now on`]);
}

async function listTerminals(options: Options): Promise<void> {
  const terminals = await withData(options, ({ store, tenant }) =>
    store.terminals(tenant.id).map(({ serial, routing, state, blockIndex }) => {
      const patient = store.assignments(serial).at(-1)?.patient ?? null;
      return { serial, routing, state, blockIndex, patient };
    }),
  );
  const rows = terminals.map((one) => [one.serial, one.state, one.patient ?? "-", one.routing]);
  outputFor(options).result({ terminals }, table(["terminal", "state", "patient", "routing id"], rows));
}

async function signIn(options: Options & { account: string; server?: string }): Promise<void> {
  const link = await withData(options, ({ store, tenant, config }) => {
    const known = store.accounts().find(({ name }) => name === options.account);
    const account = known ?? store.addAccount(tenant.id, options.account, "clinician");
    const expiresAtUnixMs = Date.now() + LINK_LIFETIME_MS;
    const token = store.createSignInLink(account.id, expiresAtUnixMs);
    const base = options.server ?? `http://${config.host}:${config.port}`;
    return { account: account.name, url: `${base}/sign-in#token=${token}`, expiresAtUnixMs };
  });
  outputFor(options).result(link, [link.url, `for ${link.account}, once, within 24 hours`]);
}

function withDataOptions(command: Command): Command {
  return command
    .requiredOption("--data <folder>", "the server's data folder")
    .option("--passphrase-file <file>", "file with the passphrase of the key-encryption key")
    .option("--json", "print JSON");
}

/** Adds the commands. */
export function addPeopleCommands(program: Command): void {
  const patients = program.command("patients").description("people whose data is kept");
  withDataOptions(patients.command("add <name>").description("add a patient")).action(addPatient);
  withDataOptions(patients.command("list").description("list patients")).action(listPatients);
  const terminals = program.command("terminals").description("registered terminals");
  withDataOptions(terminals.command("list").description("list terminals")).action(listTerminals);
  withDataOptions(terminals.command("assign <serial>").description("say whose recordings a terminal makes from now on"))
    .option("--patient <id or name>", "patient; without it, nobody")
    .requiredOption("--reason <text>", "why, for the record")
    .action(assign);
  withDataOptions(program.command("sign-in").description("make a one-time sign-in link"))
    .option("--account <name>", "clinician's account; made when there is none", "Clinician")
    .option("--server <url>", "address of the server as the browser sees it")
    .action(signIn);
}
