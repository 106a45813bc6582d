/**
 * Custody of the key-encryption key by passphrase.
 *
 * Source: docs/keys.md; docs/format.md §4.5.
 */
import { CryptoError, openWithPassphrase, sealWithPassphrase, type RandomSource } from "@pericard/crypto";
import { openDiskFolder } from "@pericard/framelog";
import { equalBytes } from "@pericard/protocol";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { relative, resolve, sep } from "node:path";
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
  if (forbiddenFolder !== undefined && liesIn(forbiddenFolder, path)) {
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

function isInside(outer: string, inner: string): boolean {
  return relative(outer, inner).split(sep)[0] !== "..";
}

/** Whether a path lies in a folder, by name or, links followed, in fact. */
function liesIn(folder: string, path: string): boolean {
  return isInside(resolve(folder), resolve(path)) || isInside(realPath(folder), realPath(path));
}

function realPath(path: string): string {
  return existsSync(path) ? realpathSync(path) : resolve(path);
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
 * Opens the KEK from the first folder whose file opens, and puts that file back where it is missing or another.
 *
 * @throws {CustodyError} ERR_KEYSTORE_MISSING when no folder has one, ERR_KEK_PASSPHRASE when the passphrase is wrong,
 * ERR_KEK_FILE when the file is not a sealed KEK.
 */
export function openKek(folderPaths: readonly string[], passphrase: Uint8Array): Uint8Array {
  const files = folderPaths.map((path) => {
    const folder = openDiskFolder(path);
    return { folder, sealed: folder.read(KEK_FILE) };
  });
  const candidates = files.map(({ sealed }) => sealed).filter((sealed) => sealed !== undefined);
  const { kek, sealed: good } = openFirst(passphrase, candidates);
  for (const { folder, sealed } of files) if (!sealed || !equalBytes(sealed, good)) folder.replace(KEK_FILE, good);
  return kek;
}

/** One damaged file must not stand for them all: the others are tried, each once. */
function openFirst(passphrase: Uint8Array, candidates: readonly Uint8Array[]): { kek: Uint8Array; sealed: Uint8Array } {
  const failures: CustodyError[] = [];
  for (const [i, sealed] of candidates.entries()) {
    if (candidates.slice(0, i).some((earlier) => equalBytes(earlier, sealed))) continue;
    try {
      return { kek: unsealKek(passphrase, sealed), sealed };
    } catch (error) {
      if (!(error instanceof CustodyError)) throw error;
      failures.push(error);
    }
  }
  const wrong = failures.find(({ code }) => code === "ERR_KEK_PASSPHRASE");
  throw wrong ?? failures[0] ?? new CustodyError("ERR_KEYSTORE_MISSING", "no folder has a key-encryption key");
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
