/** The key store behind promises, in a thread of its own. */
import { isShared, type KekAccess, type KeyStorePlace } from "@pericard/custody";
import { ServerError } from "../errors.ts";
import { startThread, type ThreadCalls } from "../threads/thread.ts";
import type { KeyStoreMethods } from "./key-store-thread.ts";

const MODULE = new URL("./key-store-thread.ts", import.meta.url);
const HEAP_MEGABYTES_MAX = 256;
/** Longer than SQLite waits for another process's lock on each copy. */
const DEADLINE = {
  deadlineMs: 30_000,
  late: () =>
    new ServerError("ERR_KEYSTORE_UNAVAILABLE", "key store does not answer: look at its disks or its database"),
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
  "checkCopies",
  "takeDamages",
  "close",
];

/** The key store as the other rooms use it. */
export type KeyStorePort = ThreadCalls<KeyStoreMethods>;

/** A running key store, whose copies may be moved while it is used. */
export interface KeyStoreRoom {
  readonly keyStore: KeyStorePort;
  /** Folders that hold a copy; none where the store is in a database. */
  readonly folderPaths: readonly string[];
  /**
   * Goes on over other folders, where the store is in folders. A folder that has no copy gets one first, and the file that leads to the key-encryption key.
   *
   * @throws as opening does; nothing is changed then.
   */
  moveTo(folderPaths: readonly string[]): Promise<void>;
  end(): void;
}

/** More than any number of changes that one thread sees: what was cached from one thread is not taken for another's. */
const VERSIONS_OF_A_THREAD = 2 ** 40;

/** Starts the key store's thread. */
export function openKeyStoreThread(first: KeyStorePlace, kek: KekAccess): KeyStoreRoom {
  const start = (at: KeyStorePlace) =>
    startThread<KeyStoreMethods>(MODULE, { place: at, kek }, METHODS, HEAP_MEGABYTES_MAX, DEADLINE);
  let [current, place, moves] = [start(first), first, 0];
  const call =
    (name: keyof KeyStoreMethods) =>
    (...args: readonly never[]) =>
      (current.calls[name] as (...given: readonly never[]) => Promise<unknown>)(...args);
  const calls = Object.fromEntries(METHODS.map((name) => [name, call(name)])) as unknown as KeyStorePort;
  const keyStore: KeyStorePort = {
    ...calls,
    dataVersion: async () => moves * VERSIONS_OF_A_THREAD + (await calls.dataVersion()),
  };
  return {
    keyStore,
    get folderPaths() {
      return isShared(place) ? [] : place;
    },
    moveTo: async (next) => {
      const thread = start(next);
      try {
        await thread.calls.copyCount();
      } catch (error) {
        thread.end();
        throw error;
      }
      const before = current;
      [current, place, moves] = [thread, next, moves + 1];
      // What was asked of the thread before is answered first; one that hangs is left behind.
      await before.calls.close().catch(() => undefined);
      before.end();
    },
    end: () => current.end(),
  };
}
