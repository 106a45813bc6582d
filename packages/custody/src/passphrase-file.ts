/** The passphrase of the key-encryption key, or the PIN of its token, from a file. */
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { relative, resolve, sep } from "node:path";
import { CustodyError } from "./errors.ts";

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
