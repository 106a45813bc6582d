/** `pericard records`: lists, shows and exports recordings through the API, as an account that may read them. */
import { ApiClient, type RecordingDescription } from "@pericard/server";
import { mkdirSync } from "node:fs";
import { CliError } from "../errors.ts";
import { exportWfdb } from "../export-wfdb.ts";
import { serverUrl, withData, type InstallationOptions } from "../installation.ts";
import { bytesText, outputFor, table } from "../output.ts";
import { suiteMark } from "../suite-mark.ts";

/** Whose installation, and as whom. */
export interface RecordsOptions extends InstallationOptions {
  readonly account: string;
  readonly server?: string;
  readonly json?: boolean;
}

const LINK_LIFETIME_MS = 60_000;

/** Signs in at the running server as the named account. */
export async function signIn(options: RecordsOptions): Promise<ApiClient> {
  const { url, token } = await withData(options, ({ store, tenant, config }) => {
    const known = store.accounts().find(({ name }) => name === options.account);
    const account = known ?? store.addAccount(tenant.id, options.account, "clinician");
    const base = options.server ?? serverUrl(config);
    return { url: base, token: store.createSignInLink(account.id, Date.now() + LINK_LIFETIME_MS) };
  });
  return ApiClient.signIn(url, token);
}

function seconds({ frameCount, frameRateHz }: RecordingDescription): string {
  return ((frameCount * frameRateHz.den) / frameRateHz.num).toFixed(1);
}

export async function list(options: RecordsOptions & { patient?: string }): Promise<void> {
  const client = await signIn(options);
  const patients = (await client.patients()).filter(
    ({ id, name }) => options.patient === undefined || options.patient === id || options.patient === name,
  );
  const recordings = (await Promise.all(patients.map(({ id }) => client.recordings(id)))).flat();
  const rows = recordings.map((one) => [
    one.id,
    one.patientName,
    `${one.state}${suiteMark(one.suite)}`,
    `${seconds(one)} s`,
    String(one.leads.length),
    one.start.unixMs === null ? "unknown" : new Date(one.start.unixMs).toISOString(),
  ]);
  outputFor(options).result({ recordings }, table(["recording", "patient", "state", "length", "leads", "start"], rows));
}

export async function show(id: string, options: RecordsOptions): Promise<void> {
  const recording = await (await signIn(options)).recording(id);
  const rate = recording.frameRateHz.num / recording.frameRateHz.den;
  outputFor(options).result(recording, [
    `recording  ${recording.id} (${recording.state})${suiteMark(recording.suite)}`,
    `patient    ${recording.patientName}`,
    `terminal   ${recording.terminalSerial}`,
    `start      ${recording.start.unixMs === null ? "unknown" : new Date(recording.start.unixMs).toISOString()} (${recording.start.certainty})`,
    `length     ${seconds(recording)} s, ${recording.frameCount} frames at ${rate} Hz, ${recording.segmentCount} segments`,
    `leads      ${recording.leads.map(({ name }) => name).join(" ")}`,
    ...recording.gaps.map(({ fromFrame, toFrame, cause }) => `gap        frames ${fromFrame} to ${toFrame} (${cause})`),
  ]);
}

export async function exportRecording(
  id: string,
  options: RecordsOptions & { format: string; out: string },
): Promise<void> {
  if (options.format !== "wfdb") throw new CliError("ERR_USAGE", "--format is not wfdb");
  const output = outputFor(options);
  const client = await signIn(options);
  const recording = await client.recording(id);
  mkdirSync(options.out, { recursive: true });
  const exported = await exportWfdb(client, recording, options.out, (frame) =>
    output.progress(`exporting ${Math.floor((100 * frame) / Math.max(1, recording.frameCount))} %`),
  );
  output.result(exported, [`wrote ${exported.headerPath} and ${bytesText(exported.signalBytes)} of samples`]);
}
