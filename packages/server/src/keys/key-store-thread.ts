/** The thread of the key store: every call waits for every copy. */
import { KeyStore } from "@pericard/custody";
import { systemRandom } from "@pericard/crypto";
import type { PatientId, RecordingId, RoutingId, TenantId, TerminalId } from "@pericard/protocol";
import { workerData } from "node:worker_threads";
import { serveThread } from "../threads/serve.ts";

const { folderPaths, kek } = workerData as { readonly folderPaths: readonly string[]; readonly kek: Uint8Array };
const store = KeyStore.open(folderPaths, kek, systemRandom);

/** A terminal with its opened block, for the registry. */
function findTerminal(routing: RoutingId) {
  const terminal = store.findTerminalByRouting(routing);
  return terminal && { terminal, block: store.openBlock(terminal.serial) };
}

const methods = {
  dataVersion: () => store.dataVersion,
  copyCount: () => store.copyCount,
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
  findAccount: (id: string) => store.findAccount(id),
  redeemSignInLink: (token: string, nowUnixMs: number) => store.redeemSignInLink(token, nowUnixMs),
  close: () => store.close(),
};
export type KeyStoreMethods = typeof methods;
serveThread(methods);
