/** `pericard patients`, `pericard terminals` and `pericard sign-in`: who is who at the server. */
import { PatientId, TerminalId } from "@pericard/protocol";
import { CliError } from "../errors.ts";
import { serverUrl, withData, type InstallationOptions } from "../installation.ts";
import { outputFor, table } from "../output.ts";

interface Options extends InstallationOptions {
  readonly json?: boolean;
}

const LINK_LIFETIME_MS = 24 * 3600 * 1000;

export async function addPatient(name: string, options: Options): Promise<void> {
  const patient = await withData(options, ({ store, tenant }) => store.addPatient(tenant.id, name, Date.now()));
  outputFor(options).result(patient, [`patient ${patient.id} is ${patient.name}`]);
}

export async function listPatients(options: Options): Promise<void> {
  const patients = await withData(options, ({ store, tenant }) => store.patients(tenant.id));
  const rows = patients.map(({ id, name }) => [id, name]);
  outputFor(options).result({ patients }, table(["patient", "name"], rows));
}

export async function assign(serial: string, options: Options & { patient?: string; reason: string }): Promise<void> {
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

export async function listTerminals(options: Options): Promise<void> {
  const terminals = await withData(options, ({ store, tenant }) =>
    store.terminals(tenant.id).map(({ serial, routing, state, blockIndex }) => {
      const patient = store.assignments(serial).at(-1)?.patient ?? null;
      return { serial, routing, state, blockIndex, patient };
    }),
  );
  const rows = terminals.map((one) => [one.serial, one.state, one.patient ?? "-", one.routing]);
  outputFor(options).result({ terminals }, table(["terminal", "state", "patient", "routing id"], rows));
}

export async function signIn(options: Options & { account: string; server?: string }): Promise<void> {
  const link = await withData(options, ({ store, tenant, config }) => {
    const known = store.accounts().find(({ name }) => name === options.account);
    const account = known ?? store.addAccount(tenant.id, options.account, "clinician");
    const expiresAtUnixMs = Date.now() + LINK_LIFETIME_MS;
    const token = store.createSignInLink(account.id, expiresAtUnixMs);
    const base = options.server ?? serverUrl(config);
    return { account: account.name, url: `${base}/sign-in#token=${token}`, expiresAtUnixMs };
  });
  outputFor(options).result(link, [link.url, `for ${link.account}, once, within 24 hours`]);
}
