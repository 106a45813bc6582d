/**
 * The key store of a factory on another machine. It has custody of its own: passphrase or token, copies, tenant key.
 *
 * Source: docs/format.md §12.7; docs/keys.md.
 */
import type { RandomSource } from "@pericard/crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { JoinedIntake } from "./entities.ts";
import { CustodyError } from "./errors.ts";
import type { NewMembership } from "./handover.ts";
import { isInstalled } from "./key-store-place.ts";
import { createKek } from "./kek-file.ts";
import { KeyStore } from "./key-store.ts";
import { KEY_STORE_FILE } from "./schema.ts";

export interface FactoryPlan {
  /** Folders of the key store's copies. */
  readonly keyFolderPaths: readonly string[];
  readonly passphrase: Uint8Array;
  /** An intake whose signatures were verified. */
  readonly membership: NewMembership;
  readonly nowUnixMs: number;
  readonly random: RandomSource;
}

/**
 * Sets the key store of a factory up for one intake. What a set-up that was interrupted left behind is removed: nothing
 * depends on it.
 *
 * @throws {CustodyError} ERR_KEYSTORE_EXISTS when there is a finished one, ERR_KEYSTORE_DAMAGED when there may be.
 */
export function createFactoryInstallation(plan: FactoryPlan): JoinedIntake {
  const { keyFolderPaths, passphrase, membership, nowUnixMs, random } = plan;
  if (isInstalled(keyFolderPaths)) throw new CustodyError("ERR_KEYSTORE_EXISTS", "folder is set up already");
  for (const path of keyFolderPaths) rmSync(path, { recursive: true, force: true });
  const kek = createKek(keyFolderPaths, passphrase, random);
  // The root of this store goes nowhere: terminals are given the server's.
  const { store } = KeyStore.create(keyFolderPaths, kek, nowUnixMs, random);
  try {
    return store.handover.join(membership, nowUnixMs);
  } finally {
    store.close();
  }
}

/** Whether a finished key store is a factory's, which is no server's. Needs no passphrase. */
export function isFactoryInstallation(keyFolderPaths: readonly string[]): boolean {
  return isInstalled(keyFolderPaths) && keyFolderPaths.some(hasJoined);
}

function hasJoined(folderPath: string): boolean {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(join(folderPath, KEY_STORE_FILE), { readOnly: true });
    return database.prepare("SELECT 1 FROM joined_intake").get() !== undefined;
  } catch {
    // No such copy, or one of version 1, which knew no intakes.
    return false;
  } finally {
    database?.close();
  }
}
