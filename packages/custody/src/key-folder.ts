/** The end of a folder that held a copy of the key store. */
import { openDiskFolder } from "@pericard/framelog";
import { closeSync, existsSync, fstatSync, fsyncSync, openSync, readdirSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { KEY_STORE_FILE } from "./schema.ts";

const BLOCK_BYTES = 64 * 1024;

/**
 * Overwrites and removes a copy of the key store that is not kept up any more: it would keep keys that are erased later. What a
 * medium that does not write in place makes of that stands in docs/keys.md.
 *
 * @returns whether there was one.
 */
export function destroyKeyFolder(path: string): boolean {
  if (!existsSync(join(path, KEY_STORE_FILE))) return false;
  for (const name of readdirSync(path)) {
    overwrite(join(path, name));
    rmSync(join(path, name));
  }
  openDiskFolder(path).sync();
  return true;
}

function overwrite(path: string): void {
  const descriptor = openSync(path, "r+");
  try {
    const { size } = fstatSync(descriptor);
    const zeros = new Uint8Array(BLOCK_BYTES);
    for (let at = 0; at < size; at += BLOCK_BYTES)
      writeSync(descriptor, zeros, 0, Math.min(BLOCK_BYTES, size - at), at);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
