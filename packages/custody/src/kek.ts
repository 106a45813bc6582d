/**
 * Custody of the key-encryption key by passphrase.
 *
 * Source: docs/keys.md; docs/format.md §4.5.
 */
import { CryptoError, openWithPassphrase, sealWithPassphrase, type RandomSource } from "@pericard/crypto";
import { openDiskFolder } from "@pericard/framelog";
import { readFileSync } from "node:fs";
import { relative, resolve } from "node:path";
import { CustodyError } from "./errors.ts";

const KEK_FILE = "kek.sealed";
const PURPOSE = "kek";
const KEK_BYTES = 32;

/**
 * Reads a passphrase from a file: its bytes without one line end.
 *
 * @param forbiddenFolder a folder that the file must not lie in, since a copy of the one would be a copy of the other.
 * @throws {CustodyError} ERR_KEK_PASSPHRASE_FILE when the file lies there, cannot be read, or is empty.
 */
export function readPassphraseFile(path: string, forbiddenFolder: string | undefined): Uint8Array {
  const inside = forbiddenFolder === undefined ? ".." : relative(resolve(forbiddenFolder), resolve(path));
  if (!inside.startsWith("..")) {
    throw new CustodyError("ERR_KEK_PASSPHRASE_FILE", "passphrase file lies in the data folder that it protects");
  }
  let text: string;
  try {
    text = readFileSync(path, "utf8").replace(/\r?\n$/, "");
  } catch (cause) {
    throw new CustodyError("ERR_KEK_PASSPHRASE_FILE", "passphrase file cannot be read", { cause });
  }
  if (text.length === 0) throw new CustodyError("ERR_KEK_PASSPHRASE_FILE", "passphrase file is empty");
  return new TextEncoder().encode(text);
}

/** Draws a KEK and seals it into each folder. @throws {CustodyError} ERR_KEYSTORE_EXISTS when a folder has one. */
export function createKek(folderPaths: readonly string[], passphrase: Uint8Array, random: RandomSource): Uint8Array {
  const folders = folderPaths.map((path) => openDiskFolder(path));
  if (folders.some((folder) => folder.read(KEK_FILE))) {
    throw new CustodyError("ERR_KEYSTORE_EXISTS", "folder has a key-encryption key");
  }
  const kek = random(KEK_BYTES);
  const sealed = sealWithPassphrase(passphrase, PURPOSE, kek, random);
  for (const folder of folders) folder.replace(KEK_FILE, sealed);
  return kek;
}

/**
 * Opens the KEK from the first folder that has it, and puts it back where it is missing.
 *
 * @throws {CustodyError} ERR_KEYSTORE_MISSING when no folder has one, ERR_KEK_PASSPHRASE when the passphrase is wrong,
 * ERR_KEK_FILE when the file is not a sealed KEK.
 */
export function openKek(folderPaths: readonly string[], passphrase: Uint8Array): Uint8Array {
  const folders = folderPaths.map((path) => openDiskFolder(path));
  const sealed = folders.map((folder) => folder.read(KEK_FILE)).find((bytes) => bytes !== undefined);
  if (!sealed) throw new CustodyError("ERR_KEYSTORE_MISSING", "no folder has a key-encryption key");
  const kek = unsealKek(passphrase, sealed);
  for (const folder of folders) if (!folder.read(KEK_FILE)) folder.replace(KEK_FILE, sealed);
  return kek;
}

function unsealKek(passphrase: Uint8Array, sealed: Uint8Array): Uint8Array {
  try {
    return openWithPassphrase(passphrase, PURPOSE, sealed);
  } catch (cause) {
    const wrong = cause instanceof CryptoError && cause.code === "ERR_PASSPHRASE_WRONG";
    throw wrong
      ? new CustodyError("ERR_KEK_PASSPHRASE", "passphrase does not open the key-encryption key", { cause })
      : new CustodyError("ERR_KEK_FILE", "key-encryption key file is damaged", { cause });
  }
}
