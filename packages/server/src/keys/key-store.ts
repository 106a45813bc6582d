/** The key store behind promises, in a thread of its own. */
import type { KekAccess } from "@pericard/custody";
import { ServerError } from "../errors.ts";
import { startThread, type ThreadCalls } from "../threads/thread.ts";
import type { KeyStoreMethods } from "./key-store-thread.ts";

const MODULE = new URL("./key-store-thread.ts", import.meta.url);
const HEAP_MEGABYTES_MAX = 256;
/** Longer than SQLite waits for another process's lock on each copy. */
const DEADLINE = {
  deadlineMs: 30_000,
  late: () => new ServerError("ERR_KEYSTORE_UNAVAILABLE", "key store does not answer: look at the disks of its copies"),
};
const METHODS: readonly (keyof KeyStoreMethods)[] = [
  "dataVersion",
  "copyCount",
  "serverKeyRecords",
  "destroyRetiredKeys",
  "serverKeys",
  "tenants",
  "patients",
  "terminals",
  "getTerminal",
  "findTerminal",
  "assignments",
  "obtainRecordingKey",
  "findRecordingKey",
  "erasePatient",
  "eraseRecordings",
  "erasures",
  "getErasure",
  "findTombstone",
  "tombstonesAfter",
  "setHold",
  "liftHold",
  "holds",
  "setRetention",
  "retention",
  "keyLife",
  "markKeyUse",
  "beginKeyChange",
  "openKeyChangeSecret",
  "orderKeyChange",
  "endKeyChange",
  "addKeyAlarm",
  "findAccount",
  "redeemSignInLink",
  "close",
];

/** The key store as the other rooms use it. */
export type KeyStorePort = ThreadCalls<KeyStoreMethods>;

/** Starts the key store's thread over its copies. */
export function openKeyStoreThread(
  folderPaths: readonly string[],
  kek: KekAccess,
): { readonly keyStore: KeyStorePort; end(): void } {
  const thread = startThread<KeyStoreMethods>(MODULE, { folderPaths, kek }, METHODS, HEAP_MEGABYTES_MAX, DEADLINE);
  return { keyStore: thread.calls, end: () => thread.end() };
}
