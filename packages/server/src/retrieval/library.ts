/**
 * Reading for people: role check, audit entry, then data. Every read goes through here.
 *
 * Source: paper B §5.2.
 */
import type { Account, Patient } from "@pericard/custody";
import { SUITE_NAME, type PatientId, type RecordingId, type TenantId, type TerminalId } from "@pericard/protocol";
import type { Audit } from "../access/audit.ts";
import { mayList, mayRead, type Action } from "../access/policy.ts";
import { actorOf } from "../access/sessions.ts";
import type { Catalog, RecordingRow } from "../catalog/catalog.ts";
import { codeOf, ServerError } from "../errors.ts";
import { describeKeyLife, type KeyLifeDescription } from "../keys/key-life.ts";
import type { KeyStorePort } from "../keys/key-store.ts";
import type { KeyWatch } from "../keys/key-watch.ts";
import type { RecordingKeys } from "../keys/recordings.ts";
import {
  describeRecording,
  findStream,
  shapeOf,
  stateOfAll,
  type RecordingDescription,
  type RecordingState,
  type SeenStream,
} from "./describe.ts";
import { readObservationPage, type ObservationPage, type ObservationQuery } from "./observations.ts";
import { clampStretch, readSamples, requireStretch, type MissingStyle, type Stretch } from "./samples.ts";
import type { SegmentReader } from "./segment-reader.ts";
import { readSummary } from "./summaries.ts";
import { readTrendPage, type TrendPage, type TrendQuery } from "./trends.ts";

/** A stretch of one stream; without one, of that which stands for the recording. */
export interface StreamStretch extends Stretch {
  readonly stream?: number | undefined;
}

const subjectOf = (recording: RecordingId, { stream, fromFrame, toFrame }: StreamStretch): string =>
  `${recording}${stream === undefined ? "" : ` stream ${stream}`} ${fromFrame}-${toFrame}`;

export interface LibraryParts {
  readonly catalog: Catalog;
  readonly keyStore: KeyStorePort;
  readonly reader: SegmentReader;
  readonly recordingKeys: RecordingKeys;
  readonly keyWatch: KeyWatch;
  readonly audit: Audit;
  readonly nowUnixMs: () => number;
}

/** Leads of a stretch and what the stretch became. */
export interface ReadAnswer {
  readonly header: Record<string, unknown>;
  readonly leads: readonly Int32Array[];
}

export class Library {
  readonly #parts: LibraryParts;

  constructor(parts: LibraryParts) {
    this.#parts = parts;
  }

  async listPatients(account: Account) {
    const { keyStore, catalog } = this.#parts;
    const allowed = mayList(account, "list patients", account.tenant);
    await this.#audit(account, "list patients", account.tenant, allowed);
    const patients = await keyStore.patients(account.tenant);
    const rows = await catalog.summarisePatients(
      account.tenant,
      patients.map(({ id }) => id),
    );
    const summaries = new Map(rows.map((row) => [row.patient, row]));
    return Promise.all(
      patients.map(async ({ id, name }) => ({
        id,
        name,
        recordingCount: summaries.get(id)?.recordingCount ?? 0,
        latestReceivedAtUnixMs: summaries.get(id)?.latestReceivedUnixMs ?? null,
        live: await this.#isLive(summaries.get(id)?.newestRecording),
      })),
    );
  }

  async listRecordings(account: Account, patient: PatientId): Promise<readonly RecordingDescription[]> {
    const known = await this.#findPatient(account, patient);
    const allowed = known !== undefined && mayRead(account, "list recordings", { tenant: account.tenant, patient });
    await this.#audit(account, "list recordings", patient, allowed);
    const rows = await this.#parts.catalog.listRecordings(account.tenant, patient);
    return Promise.all(rows.map((row) => this.#describe(row, known?.name ?? "")));
  }

  async getRecording(account: Account, recording: RecordingId): Promise<RecordingDescription> {
    const row = await this.#open(account, "read recording", recording, recording);
    const patient = row.patient && (await this.#findPatient(account, row.patient));
    return this.#describe(row, patient ? patient.name : "");
  }

  async readSamples(
    account: Account,
    recording: RecordingId,
    asked: StreamStretch,
    style: MissingStyle,
  ): Promise<ReadAnswer> {
    requireStretch(asked);
    const row = await this.#open(account, "read samples", recording, subjectOf(recording, asked));
    const stream = findStream(row, asked.stream);
    const stretch = clampStretch(stream, shapeOf(stream), asked);
    const { catalog, reader } = this.#parts;
    return { header: { ...stretch }, leads: await readSamples(catalog, reader, row, stream, stretch, style) };
  }

  async readSummary(
    account: Account,
    recording: RecordingId,
    asked: StreamStretch,
    buckets: number,
  ): Promise<ReadAnswer> {
    requireStretch(asked);
    const row = await this.#open(account, "read samples", recording, `${subjectOf(recording, asked)} summary`);
    const stream = findStream(row, asked.stream);
    const stretch = { fromFrame: asked.fromFrame, toFrame: Math.min(asked.toFrame, stream.endFrame) };
    const { leads, framesPerBucket } = await readSummary(this.#parts, row, stream, stretch, buckets);
    return { header: { ...stretch, framesPerBucket, buckets }, leads };
  }

  /** One page of a patient's observations. */
  async readObservations(account: Account, patient: PatientId, query: ObservationQuery): Promise<ObservationPage> {
    return readObservationPage(this.#parts, await this.#openObservations(account, patient), query);
  }

  /** One page of a patient's observations in few numbers. */
  async readTrends(account: Account, patient: PatientId, query: TrendQuery): Promise<TrendPage> {
    return readTrendPage(this.#parts, await this.#openObservations(account, patient), query);
  }

  /** Checks the role, writes the audit entry, and gives the recordings that may have observations. */
  async #openObservations(account: Account, patient: PatientId): Promise<readonly RecordingRow[]> {
    const known = await this.#findPatient(account, patient);
    const allowed = known !== undefined && mayRead(account, "read observations", { tenant: account.tenant, patient });
    await this.#audit(account, "read observations", patient, allowed);
    return this.#parts.catalog.listRecordings(account.tenant, patient);
  }

  /** How far a terminal's keys are used, and what became of them. */
  async getKeyLife(account: Account, serial: TerminalId): Promise<KeyLifeDescription> {
    const { keyStore, keyWatch, nowUnixMs } = this.#parts;
    const tenant = await this.#findTenant(serial);
    const allowed = tenant !== undefined && mayList(account, "read key life", tenant);
    await this.#audit(account, "read key life", serial, allowed);
    const life = await keyWatch.withNewest(serial, await keyStore.keyLife(serial));
    return describeKeyLife(serial, life, nowUnixMs());
  }

  /** The row of a recording that an account may follow. */
  async follow(account: Account, recording: RecordingId): Promise<RecordingRow> {
    return this.#open(account, "follow live", recording, recording);
  }

  /** Extent and state of a recording that an account follows already. */
  async extentOf(recording: RecordingId) {
    const row = await this.#parts.catalog.findRecording(recording);
    if (!row) throw new ServerError("ERR_NOT_FOUND", "recording does not exist");
    const streams = row.streams.map(({ stream, endFrame }) => ({ stream, frameCount: endFrame }));
    return { frameCount: findStream(row, undefined).endFrame, state: await this.#stateOf(row), streams };
  }

  /** Finds a recording, checks the role, and writes the audit entry. What is not allowed looks like what is not there. */
  async #open(account: Account, action: Action, recording: RecordingId, subject: string): Promise<RecordingRow> {
    const row = await this.#parts.catalog.findRecording(recording);
    const allowed = row !== null && mayRead(account, action, row);
    await this.#audit(account, action, subject, allowed);
    return row as RecordingRow;
  }

  async #audit(account: Account, action: Action, subject: string, allowed: boolean): Promise<void> {
    const outcome = allowed ? "allowed" : "denied";
    await this.#parts.audit.record({ actor: actorOf(account), action, subject, outcome });
    if (!allowed) throw new ServerError("ERR_NOT_FOUND", "there is nothing here that you may see");
  }

  async #findPatient(account: Account, patient: PatientId): Promise<Patient | undefined> {
    return (await this.#parts.keyStore.patients(account.tenant)).find(({ id }) => id === patient);
  }

  async #findTenant(serial: TerminalId): Promise<TenantId | undefined> {
    try {
      return (await this.#parts.keyStore.getTerminal(serial)).tenant;
    } catch (error) {
      if (codeOf(error) === "ERR_TERMINAL_UNKNOWN") return undefined;
      throw error;
    }
  }

  async #isLive(newest: RecordingId | undefined): Promise<boolean> {
    const row = newest && (await this.#parts.catalog.findRecording(newest));
    return row ? (await this.#stateOf(row)) === "live" : false;
  }

  async #stateOf(row: RecordingRow): Promise<RecordingState> {
    return stateOfAll(await this.#see(row), this.#parts.nowUnixMs());
  }

  #see({ key, streams }: RecordingRow): Promise<readonly SeenStream[]> {
    const { catalog } = this.#parts;
    return Promise.all(streams.map(async (row) => ({ row, missing: await catalog.findMissing(key, row.stream) })));
  }

  async #describe(row: RecordingRow, patientName: string): Promise<RecordingDescription> {
    const { keyStore, nowUnixMs } = this.#parts;
    const tenants = await keyStore.tenants();
    const { suite } = await keyStore.getTerminal(row.terminal);
    return describeRecording(row, {
      patientName,
      synthetic: tenants.find(({ id }) => id === row.tenant)?.synthetic ?? false,
      suite: SUITE_NAME[suite],
      streams: await this.#see(row),
      nowUnixMs: nowUnixMs(),
    });
  }
}
