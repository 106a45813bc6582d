/** The thread of the key store: every call waits for every copy. */
import {
  type CheckPosition,
  type DataType,
  type ErasureOrder,
  type HoldOrder,
  type KekAccess,
  KeyStore,
  kekFoldersOf,
  spreadKekFile,
  type KeyStorePlace,
  type KeyAlarm,
  type KeyChangeEnd,
  type KeyMark,
  type NewKeyChange,
  type NewKeyOrder,
  type Terminal,
} from "@pericard/custody";
import { systemRandom } from "@pericard/crypto";
import {
  SUITE,
  type ErasureId,
  type PatientId,
  type RecordingId,
  type RoutingId,
  type TenantId,
  type TerminalId,
} from "@pericard/protocol";
import { workerData } from "node:worker_threads";
import type { PaperFacts } from "./paper-peer.ts";
import { serveThread } from "../threads/serve.ts";

const { place, kek } = workerData as { readonly place: KeyStorePlace; readonly kek: KekAccess };
spreadKekFile(kekFoldersOf(place));
const store = KeyStore.open(place, kek, systemRandom);

/** A terminal with its opened block, for the registry. */
function findTerminal(routing: RoutingId) {
  const terminal = store.findTerminalByRouting(routing);
  return terminal && { terminal, block: store.openBlock(terminal.serial), paper: findPaperFacts(terminal) };
}

/** null in suite pericard-1, and for a terminal whose tenant was not created synthetic. */
function findPaperFacts({ suite, serial, tenant }: Terminal): PaperFacts | null {
  if (suite !== SUITE.paper2018) return null;
  const envelopePublicDer = store.findEnvelopeKey(serial);
  const record = store.tenants().find(({ id }) => id === tenant);
  if (!envelopePublicDer || !record?.synthetic) return null;
  return { tenant: record, privateDer: store.getPaperTenant(tenant).privateDer, envelopePublicDer };
}

const methods = {
  dataVersion: () => store.dataVersion,
  copyCount: () => store.copyCount,
  serverKeyRecords: () => store.identity.records(),
  destroyRetiredKeys: (nowUnixMs: number) => store.identity.destroyRetired(nowUnixMs),
  serverKeys: (purpose: "hpke" | "receipt") => store.serverKeys(purpose),
  tenants: () => store.tenants(),
  patients: (tenant: TenantId) => store.patients(tenant),
  terminals: (tenant: TenantId) => store.terminals(tenant),
  getTerminal: (serial: TerminalId) => store.getTerminal(serial),
  findTerminal,
  assignments: (serial: TerminalId) => store.assignments(serial),
  obtainRecordingKey: (recording: RecordingId, serial: TerminalId, patient: PatientId | null, nowUnixMs: number) =>
    store.obtainRecordingKey(recording, serial, patient, nowUnixMs),
  findRecordingKey: (recording: RecordingId) => store.findRecordingKey(recording),
  erasePatient: (patient: PatientId, order: ErasureOrder) => store.erasePatient(patient, order),
  eraseRecordings: (recordings: readonly RecordingId[], order: ErasureOrder) =>
    store.eraseRecordings(recordings, order),
  erasures: () => store.erasures(),
  getErasure: (id: ErasureId) => store.getErasure(id),
  findTombstone: (recording: RecordingId) => store.findTombstone(recording),
  tombstonesAfter: (number: number, limit: number) => store.tombstonesAfter(number, limit),
  setHold: (hold: HoldOrder) => store.setHold(hold),
  liftHold: (id: string, order: ErasureOrder) => store.liftHold(id, order),
  holds: () => store.holds(),
  setRetention: (tenant: TenantId, type: DataType, days: number | null) => store.setRetention(tenant, type, days),
  retention: () => store.retention(),
  keyLife: (serial: TerminalId) => store.keyLife(serial),
  markKeyUse: (serial: TerminalId, mark: KeyMark) => store.markKeyUse(serial, mark),
  beginKeyChange: (serial: TerminalId, change: NewKeyChange) => store.beginKeyChange(serial, change),
  openKeyChangeSecret: (serial: TerminalId, version: number) => store.openKeyChangeSecret(serial, version),
  orderKeyChange: (serial: TerminalId, order: NewKeyOrder) => store.orderKeyChange(serial, order),
  endKeyChange: (serial: TerminalId, version: number, end: KeyChangeEnd) => store.endKeyChange(serial, version, end),
  addKeyAlarm: (serial: TerminalId, alarm: KeyAlarm) => store.addKeyAlarm(serial, alarm),
  findAccount: (id: string) => store.findAccount(id),
  redeemSignInLink: (token: string, nowUnixMs: number) => store.redeemSignInLink(token, nowUnixMs),
  checkCopies: (from: CheckPosition | undefined) => store.check(from),
  takeDamages: () => store.takeDamages(),
  close: () => store.close(),
};
export type KeyStoreMethods = typeof methods;
serveThread(methods);
