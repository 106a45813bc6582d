/** The first start of an installation: its keys, its first tenant, and the root key that leaves. */
import { CryptoError, type RandomSource } from "@pericard/crypto";
import { openDiskFolder } from "@pericard/framelog";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Tenant } from "./entities.ts";
import { CustodyError } from "./errors.ts";
import { openKekAccess, type KekAccess } from "./kek.ts";
import { createKek, findKek, type KekSecret } from "./kek-file.ts";
import { KeyStore } from "./key-store.ts";
import { KEY_STORE_FILE } from "./schema.ts";
import { readServerKey, sealRootKey } from "./server-keys.ts";
import { SqliteCopies } from "./sqlite-copies.ts";
import { selectRows } from "./store-context.ts";

/** Name of the sealed root key's file. */
export const ROOT_KEY_FILE = "root-key.sealed";

export interface InstallationPlan {
  /** Folders of the key store's copies. */
  readonly keyFolderPaths: readonly string[];
  readonly passphrase: Uint8Array;
  /** Where the sealed root key is put; the operator takes it off the server. */
  readonly rootFolderPath: string;
  readonly tenantName: string;
  /** Fixed for the tenant's life. */
  readonly synthetic: boolean;
  readonly nowUnixMs: number;
  readonly random: RandomSource;
}

/** What a folder has of an installation. A tenant is the last thing that a set-up writes. */
type FolderState = "nothing" | "unfinished" | "finished" | "unreadable";

function stateOf(folderPath: string): FolderState {
  const path = join(folderPath, KEY_STORE_FILE);
  if (!existsSync(path)) return "nothing";
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { readOnly: true });
    const table = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'tenants'").get();
    return table && database.prepare("SELECT 1 FROM tenants LIMIT 1").get() ? "finished" : "unfinished";
  } catch {
    return "unreadable";
  } finally {
    database?.close();
  }
}

/**
 * Whether any of the folders has the key store of a finished set-up.
 *
 * @throws {CustodyError} ERR_KEYSTORE_DAMAGED when none has, but one cannot be read: what it holds may be the only keys.
 */
export function isInstalled(keyFolderPaths: readonly string[]): boolean {
  const states = new Set(keyFolderPaths.map(stateOf));
  if (states.has("finished")) return true;
  if (!states.has("unreadable")) return false;
  throw new CustodyError("ERR_KEYSTORE_DAMAGED", "key store cannot be read, and no other folder has a copy of it");
}

/**
 * Sets an installation up. What a set-up that was interrupted left behind is removed: nothing depends on it.
 *
 * @throws {CustodyError} ERR_KEYSTORE_EXISTS when there is a finished one, ERR_KEYSTORE_DAMAGED when there may be.
 */
export function createInstallation(plan: InstallationPlan): { kek: Uint8Array; tenant: Tenant } {
  const { keyFolderPaths, passphrase, random, nowUnixMs } = plan;
  if (isInstalled(keyFolderPaths)) throw new CustodyError("ERR_KEYSTORE_EXISTS", "installation is set up already");
  for (const path of keyFolderPaths) rmSync(path, { recursive: true, force: true });
  const kek = createKek(keyFolderPaths, passphrase, random);
  const { store, root } = KeyStore.create(keyFolderPaths, kek, nowUnixMs, random);
  openDiskFolder(plan.rootFolderPath).replace(ROOT_KEY_FILE, sealRootKey(root, passphrase, random));
  const tenant = store.addTenant(plan.tenantName, plan.synthetic, nowUnixMs);
  store.close();
  return { kek, tenant };
}

/**
 * Opens the key-encryption key of an installation. A change of it that was interrupted is finished, or left to be begun
 * anew.
 *
 * @throws {CustodyError} as {@link findKek}; ERR_KEK_TOKEN.
 */
export function openKek(keyFolderPaths: readonly string[], secret: KekSecret, random: RandomSource): KekAccess {
  const access = findKek(keyFolderPaths, secret, (one) => sealsStore(keyFolderPaths, one, random));
  // A token that is not there, or another PIN, is told now rather than by a thread.
  openKekAccess(access, random).close();
  return access;
}

/** Whether the key store is sealed under a key. */
function sealsStore(keyFolderPaths: readonly string[], access: KekAccess, random: RandomSource): boolean {
  const database = SqliteCopies.open(keyFolderPaths, KEY_STORE_FILE);
  try {
    const [row] = selectRows({ database }, "SELECT * FROM server_keys WHERE LENGTH(sealed_private) > 0 LIMIT 1");
    const kek = openKekAccess(access, random);
    try {
      return row !== undefined && readServerKey(row, kek).privateBytes.length > 0;
    } finally {
      kek.close();
    }
  } catch (error) {
    if (error instanceof CryptoError && error.code === "ERR_SEAL_BROKEN") return false;
    throw error;
  } finally {
    database.close();
  }
}

/** Opens the key store of an installation. @throws {CustodyError} as {@link openKek} and KeyStore.open. */
export function openInstallation(
  keyFolderPaths: readonly string[],
  secret: KekSecret,
  random: RandomSource,
): { kek: KekAccess; store: KeyStore } {
  const kek = openKek(keyFolderPaths, secret, random);
  return { kek, store: KeyStore.open(keyFolderPaths, kek, random) };
}

/** A passphrase where no token is used. */
export function passphraseSecret(passphrase: Uint8Array): KekSecret {
  return { secret: passphrase, modulePath: undefined };
}
