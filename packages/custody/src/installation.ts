/** The first start of an installation: its keys, its first tenant, and the root key that leaves. */
import { CryptoError, type RandomSource } from "@pericard/crypto";
import { openDiskFolder } from "@pericard/framelog";
import { rmSync } from "node:fs";
import type { Tenant } from "./entities.ts";
import { CustodyError } from "./errors.ts";
import { openKekAccess, type KekAccess } from "./kek.ts";
import { createKek, findKek, type KekSecret } from "./kek-file.ts";
import { KeyStore } from "./key-store.ts";
import { isInstalled, kekFoldersOf, openKeyDatabase, type KeyStorePlace } from "./key-store-place.ts";
import { readServerKey, sealRootKey } from "./server-keys.ts";
import { selectRows } from "./store-context.ts";

/** Name of the sealed root key's file. */
export const ROOT_KEY_FILE = "root-key.sealed";

export interface InstallationPlan {
  readonly keyStore: KeyStorePlace;
  readonly passphrase: Uint8Array;
  /** Where the sealed root key is put; the operator takes it off the server. */
  readonly rootFolderPath: string;
  readonly tenantName: string;
  /** Fixed for the tenant's life. */
  readonly synthetic: boolean;
  readonly nowUnixMs: number;
  readonly random: RandomSource;
}

/**
 * Sets an installation up. What a set-up that was interrupted left behind is removed: nothing depends on it.
 *
 * @throws {CustodyError} ERR_KEYSTORE_EXISTS when there is a finished one, ERR_KEYSTORE_DAMAGED when there may be.
 */
export function createInstallation(plan: InstallationPlan): { kek: Uint8Array; tenant: Tenant } {
  const { keyStore, passphrase, random, nowUnixMs } = plan;
  if (isInstalled(keyStore)) throw new CustodyError("ERR_KEYSTORE_EXISTS", "installation is set up already");
  for (const path of kekFoldersOf(keyStore)) rmSync(path, { recursive: true, force: true });
  const kek = createKek(kekFoldersOf(keyStore), passphrase, random);
  const { store, root } = KeyStore.create(keyStore, kek, nowUnixMs, random);
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
export function openKek(place: KeyStorePlace, secret: KekSecret, random: RandomSource): KekAccess {
  const access = findKek(kekFoldersOf(place), secret, (one) => sealsStore(place, one, random));
  // A token that is not there, or another PIN, is told now rather than by a thread.
  openKekAccess(access, random).close();
  return access;
}

/** Whether the key store is sealed under a key. */
function sealsStore(place: KeyStorePlace, access: KekAccess, random: RandomSource): boolean {
  const database = openKeyDatabase(place);
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
  place: KeyStorePlace,
  secret: KekSecret,
  random: RandomSource,
): { kek: KekAccess; store: KeyStore } {
  const kek = openKek(place, secret, random);
  return { kek, store: KeyStore.open(place, kek, random) };
}

/** A passphrase where no token is used. */
export function passphraseSecret(passphrase: Uint8Array): KekSecret {
  return { secret: passphrase, modulePath: undefined };
}
