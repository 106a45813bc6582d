/**
 * The file beside the key store that leads to the key-encryption key: the key under a passphrase, or the name of a key in
 * a token.
 *
 * While the key is changed there are two files in a folder, and the key store itself says which counts.
 *
 * Source: docs/keys.md; docs/format.md §4.5, §12.3, §12.4.
 */
import { CryptoError, openWithPassphrase, sealWithPassphrase, type RandomSource } from "@pericard/crypto";
import { openDiskFolder, type Folder } from "@pericard/framelog";
import { decodeCanonical, encodeCbor, equalBytes, readBytes, readTuple } from "@pericard/protocol";
import { CustodyError } from "./errors.ts";
import type { KekAccess } from "./kek.ts";
import type { TokenKey } from "./kek-token.ts";

const KEK_FILE = "kek.sealed";
const NEXT_FILE = "kek-next.sealed";
const PURPOSE = "kek";
const KEK_BYTES = 32;
const TOKEN_FORMAT = "pericard/kek-token";
const TOKEN_FILE_BYTES_MAX = 4096;
const LABEL_MAX = 32;

/** What an operator gives to open the key-encryption key. */
export interface KekSecret {
  /** The passphrase, or the PIN of the token. */
  readonly secret: Uint8Array;
  /** PKCS#11 module of the token; undefined when there is none. */
  readonly modulePath: string | undefined;
}

/** Draws a KEK and seals it into each folder. @throws {CustodyError} ERR_KEYSTORE_EXISTS when a folder has one. */
export function createKek(folderPaths: readonly string[], passphrase: Uint8Array, random: RandomSource): Uint8Array {
  const folders = folderPaths.map((path) => openDiskFolder(path));
  if (folders.some((folder) => folder.read(KEK_FILE))) {
    throw new CustodyError("ERR_KEYSTORE_EXISTS", "folder has a key-encryption key");
  }
  const kek = random(KEK_BYTES);
  const file = passphraseFile(kek, passphrase, random);
  for (const folder of folders) folder.replace(KEK_FILE, file);
  return kek;
}

/** The file of a KEK under a passphrase. Source: docs/format.md §4.5. */
export function passphraseFile(kek: Uint8Array, passphrase: Uint8Array, random: RandomSource): Uint8Array {
  return sealWithPassphrase(passphrase, PURPOSE, kek, random);
}

/** The file of a KEK in a token. Source: docs/format.md §12.3. */
export function tokenFile({ tokenLabel, keyId }: TokenKey): Uint8Array {
  return encodeCbor([TOKEN_FORMAT, tokenLabel, keyId]);
}

/** Puts the next key's file beside the present one in every folder, durably. */
export function writeNextKek(folderPaths: readonly string[], file: Uint8Array): void {
  for (const path of folderPaths) openDiskFolder(path).replace(NEXT_FILE, file);
}

/** Makes a key's file the present one in every folder. May be done again. */
export function settleKek(folderPaths: readonly string[], file: Uint8Array): void {
  for (const path of folderPaths) {
    const folder = openDiskFolder(path);
    putKekFile(folder, file);
    const next = folder.read(NEXT_FILE);
    if (!next || !equalBytes(next, file)) continue;
    folder.remove(NEXT_FILE);
    folder.sync();
  }
}

/**
 * Gives every folder the file that leads to the key, and the one of a change that was begun, where another has it and it lacks
 * them. What is there is left as it is.
 */
export function spreadKekFile(folderPaths: readonly string[]): void {
  const folders = folderPaths.map((path) => openDiskFolder(path));
  for (const name of [KEK_FILE, NEXT_FILE]) {
    const file = folders.map((folder) => folder.read(name)).find((found) => found !== undefined);
    if (!file) continue;
    for (const folder of folders) if (!folder.read(name)) folder.replace(name, file);
  }
}

function putKekFile(folder: Folder, file: Uint8Array): void {
  const present = folder.read(KEK_FILE);
  if (!present || !equalBytes(present, file)) folder.replace(KEK_FILE, file);
}

/** A key-encryption key, and the file that leads to it. */
interface FoundKek {
  readonly access: KekAccess;
  readonly file: Uint8Array;
}

/**
 * Finds the KEK, and puts its file back where it is missing or another.
 *
 * @param isPresent whether the key store is sealed under a key. It is asked when files lead to several keys, and always
 * when a change of the key was begun: the file of a key that is not the store's must never take the place of the other.
 * @throws {CustodyError} ERR_KEYSTORE_MISSING when no folder has one, ERR_KEK_PASSPHRASE when passphrase or PIN are wrong,
 * ERR_KEK_FILE when the file is damaged or names a token and no module is given.
 */
export function findKek(
  folderPaths: readonly string[],
  secret: KekSecret,
  isPresent: (access: KekAccess) => boolean,
): KekAccess {
  const folders = folderPaths.map((path) => openDiskFolder(path));
  const filesOf = (name: string) => folders.map((folder) => folder.read(name)).filter((file) => file !== undefined);
  const next = filesOf(NEXT_FILE);
  const found = openAll(secret, distinct([...filesOf(KEK_FILE), ...next]));
  const isPlain = found.length === 1 && next.length === 0;
  const counted = found.find(({ access }) => isPlain || isPresent(access));
  if (!counted) throw new CustodyError("ERR_KEK_PASSPHRASE", "key-encryption key was changed: give its other secret");
  settleKek(folderPaths, counted.file);
  return counted.access;
}

function distinct(files: readonly Uint8Array[]): readonly Uint8Array[] {
  return files.filter((file, i) => !files.slice(0, i).some((earlier) => equalBytes(earlier, file)));
}

/** One damaged file must not stand for them all: each that opens is returned. */
function openAll(secret: KekSecret, files: readonly Uint8Array[]): readonly FoundKek[] {
  const failures: CustodyError[] = [];
  const found = files.flatMap((file) => {
    try {
      return [{ access: openFile(secret, file), file }];
    } catch (error) {
      if (!(error instanceof CustodyError)) throw error;
      failures.push(error);
      return [];
    }
  });
  if (found.length > 0) return found;
  const wrong = failures.find(({ code }) => code === "ERR_KEK_PASSPHRASE");
  throw wrong ?? failures[0] ?? new CustodyError("ERR_KEYSTORE_MISSING", "no folder has a key-encryption key");
}

function openFile({ secret, modulePath }: KekSecret, file: Uint8Array): KekAccess {
  const named = readTokenFile(file);
  if (!named) return unsealKek(secret, file);
  if (modulePath === undefined) {
    throw new CustodyError("ERR_KEK_FILE", "key-encryption key is in a token: name its PKCS#11 module");
  }
  return { modulePath, pin: secret, ...named };
}

/** What the file of a token's key names; undefined for every other file. */
function readTokenFile(file: Uint8Array): Pick<TokenKey, "tokenLabel" | "keyId"> | undefined {
  try {
    const [format, tokenLabel, keyId] = readTuple("token file", decodeCanonical(file, TOKEN_FILE_BYTES_MAX), 3);
    if (format !== TOKEN_FORMAT || typeof tokenLabel !== "string" || tokenLabel.length > LABEL_MAX) return undefined;
    return { tokenLabel, keyId: readBytes("key id", keyId, 16) };
  } catch {
    return undefined;
  }
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
