/** `pericard erase` and its kin: asked of the running server through its operator's socket. */
import {
  verifyCertificateFile,
  type CertificateFile,
  type CompactionProgress,
  type RetentionReport,
} from "@pericard/server";
import { readFileSync, writeFileSync } from "node:fs";
import { CliError } from "../errors.ts";
import { operatorOf, type OperatorOptions } from "../operator.ts";
import { outputFor, table } from "../output.ts";

interface ReasonOptions extends OperatorOptions {
  readonly reason: string;
  readonly by: string;
}

interface Hold {
  readonly id: string;
  readonly patient: string | null;
  readonly recording: string | null;
  readonly reason: string;
  readonly atUnixMs: number;
  readonly lifted: { readonly reason: string; readonly atUnixMs: number } | null;
}

interface Erasure {
  readonly id: string;
  readonly patient: string | null;
  readonly reason: string;
  readonly by: string;
  readonly atUnixMs: number;
}

interface Rules {
  readonly rules: readonly { readonly tenant: string; readonly type: string; readonly days: number }[];
}

const dateOf = (unixMs: number): string => new Date(unixMs).toISOString();

function linesOf({ summary }: CertificateFile): readonly string[] {
  const { erasure, patient, recordingCount, segmentCount, erasedAt, backupsExpireAt, whatMayStillExist } = summary;
  return [
    `erasure ${erasure} of ${patient === null ? "" : `patient ${patient}, `}${recordingCount} recordings, ${segmentCount} segments`,
    `at ${erasedAt}, in ${summary.keyStoreCopies} copies of the key store: ${summary.reason} (${summary.by})`,
    `backups of the key store from before expire on ${backupsExpireAt}`,
    "what may still exist:",
    ...whatMayStillExist.map((one) => `  - ${one}`),
  ];
}

function writeCertificateFile(path: string, certificate: CertificateFile): void {
  writeFileSync(path, `${JSON.stringify(certificate, null, 2)}\n`, { flag: "wx" });
}

/** @throws {CliError} ERR_USAGE unless exactly one of the two is given. */
function requireOne(patient: unknown, recording: unknown): void {
  if ((patient === undefined) !== (recording === undefined)) return;
  throw new CliError("ERR_USAGE", "give either --patient or --recording");
}

export async function erase(
  options: ReasonOptions & {
    readonly patient?: string;
    readonly recording?: readonly string[];
    readonly certificate?: string;
  },
): Promise<void> {
  const { patient, recording: recordings, reason, by } = options;
  requireOne(patient, recordings);
  const body = { ...(patient === undefined ? { recordings } : { patient }), reason, by };
  const certificate = await operatorOf(options).send<CertificateFile>("POST", "/v1/erasures", body);
  if (options.certificate !== undefined) writeCertificateFile(options.certificate, certificate);
  outputFor(options).result(certificate, linesOf(certificate));
}

export async function listErasures(options: OperatorOptions): Promise<void> {
  const answer = await operatorOf(options).get<{ erasures: readonly Erasure[] }>("/v1/erasures");
  const rows = answer.erasures.map((one) => [one.id, dateOf(one.atUnixMs), one.patient ?? "-", one.by, one.reason]);
  outputFor(options).result(answer, table(["erasure", "at", "patient", "by", "reason"], rows));
}

export async function writeCertificate(
  erasure: string,
  options: OperatorOptions & { readonly out: string },
): Promise<void> {
  const path = `/v1/erasures/${encodeURIComponent(erasure)}/certificate`;
  const certificate = await operatorOf(options).get<CertificateFile>(path);
  writeCertificateFile(options.out, certificate);
  outputFor(options).result(certificate, linesOf(certificate));
}

export async function setHold(
  options: ReasonOptions & { readonly patient?: string; readonly recording?: string },
): Promise<void> {
  const { patient, recording, reason, by } = options;
  requireOne(patient, recording);
  const body = { ...(patient === undefined ? { recording } : { patient }), reason, by };
  const hold = await operatorOf(options).send<Hold>("POST", "/v1/holds", body);
  outputFor(options).result(hold, [`legal hold ${hold.id} is set`]);
}

export async function liftHold(id: string, options: ReasonOptions): Promise<void> {
  const { reason, by } = options;
  const hold = await operatorOf(options).send<Hold>("DELETE", `/v1/holds/${encodeURIComponent(id)}`, { reason, by });
  outputFor(options).result(hold, [`legal hold ${hold.id} is lifted`]);
}

export async function listHolds(options: OperatorOptions): Promise<void> {
  const answer = await operatorOf(options).get<{ holds: readonly Hold[] }>("/v1/holds");
  const rows = answer.holds.map((hold) => [
    hold.id,
    hold.patient === null ? `recording ${hold.recording ?? ""}` : `patient ${hold.patient}`,
    dateOf(hold.atUnixMs),
    hold.lifted ? `lifted ${dateOf(hold.lifted.atUnixMs)}` : "in force",
    hold.reason,
  ]);
  outputFor(options).result(answer, table(["hold", "of", "set", "state", "reason"], rows));
}

function daysOf(text: string): { readonly days?: number } {
  if (text === "forever") return {};
  const days = Number(text);
  if (/^\d+$/.test(text) && days > 0) return { days };
  throw new CliError("ERR_USAGE", `days: expected a number of days or "forever", got ${text}`);
}

function rulesTable({ rules }: Rules): readonly string[] {
  if (rules.length === 0) return ["everything is kept for ever"];
  return table(
    ["tenant", "type", "days"],
    rules.map((rule) => [rule.tenant, rule.type, String(rule.days)]),
  );
}

export async function setRetention(
  type: string,
  days: string,
  options: OperatorOptions & { readonly tenant?: string },
): Promise<void> {
  const { tenant } = options;
  const body = { type, ...daysOf(days), ...(tenant === undefined ? {} : { tenant }) };
  const answer = await operatorOf(options).send<Rules>("PUT", "/v1/retention", body);
  outputFor(options).result(answer, rulesTable(answer));
}

export async function listRetention(options: OperatorOptions): Promise<void> {
  const answer = await operatorOf(options).get<Rules>("/v1/retention");
  outputFor(options).result(answer, rulesTable(answer));
}

export async function runRetention(options: OperatorOptions & { readonly dryRun?: true }): Promise<void> {
  const operator = operatorOf(options);
  const report = options.dryRun
    ? await operator.get<RetentionReport>("/v1/retention/plan")
    : await operator.send<RetentionReport>("POST", "/v1/retention/run");
  const verb = options.dryRun ? "would go" : "erased";
  const lines = report.tenants.map(
    ({ tenant, recordingCount, heldCount }) =>
      `tenant ${tenant}: ${recordingCount} recordings ${verb}, ${heldCount} kept by legal hold`,
  );
  outputFor(options).result(report, lines.length > 0 ? lines : ["no rule: everything is kept for ever"]);
}

const textOf = ({ packsSeen, packsWrittenAnew, packsRemoved, freedBytes }: CompactionProgress): string =>
  `${packsSeen} packs seen, ${packsWrittenAnew} written anew, ${packsRemoved} removed, ${freedBytes} bytes freed`;

export async function compact(options: OperatorOptions): Promise<void> {
  const output = outputFor(options);
  const report = await operatorOf(options).follow<CompactionProgress, CompactionProgress>("/v1/compaction", {}, (one) =>
    output.progress(textOf(one)),
  );
  const left = report.left.map(({ volumeId, reason }) => `volume ${volumeId} was left: ${reason}`);
  output.result(report, [textOf(report), ...left]);
}

export async function verifyCertificate(
  path: string,
  options: { readonly pin: string; readonly json?: boolean },
): Promise<void> {
  const verified = verifyCertificateFile(
    readFileSync(path, "utf8"),
    options.pin.replaceAll(/[\s-]/g, "").toLowerCase(),
  );
  outputFor(options).result(verified, [
    "the certificate is the installation's, whole and unchanged",
    ...linesOf(verified),
    ...verified.recordings.map(({ recording, segmentCount }) => `recording ${recording}: ${segmentCount} segments`),
  ]);
}
