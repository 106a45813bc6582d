/**
 * A folder that can still replace its small files when its disk is full: a file of its own holds some room, which is given
 * free when a replacement finds none and taken again after it.
 *
 * What else runs on the disk may take that room in between; then the disk is full as before, and the reserve grows again
 * with the next replacement that succeeds.
 */
import type { Folder, LogFile } from "./folder.ts";

/** Bytes of a whole reserve. A replacement needs its file a second time, in whole blocks of the file system. */
export const RESERVE_BYTES = 64 * 1024;
/** What is taken at once, so that a disk with less room gives what it has. */
const STEP_BYTES = 4096;

/**
 * Keeps a reserve in a folder for {@link Folder.replace}; everything else is the folder's own.
 *
 * @param name of the reserve's file, which nothing else uses.
 */
export function keepReserve(folder: Folder, name: string): Folder {
  fillReserve(folder, name);
  return {
    ...folder,
    replace: (file, contents) => {
      try {
        folder.replace(file, contents);
      } catch (error) {
        if (!isFull(error) || !folder.list().includes(name)) throw error;
        // The sync makes a file system that frees blocks late do it now.
        folder.remove(name);
        folder.sync();
        folder.replace(file, contents);
      }
      fillReserve(folder, name);
    },
  };
}

function codeOf(error: unknown): string {
  return String((error as { readonly code?: unknown }).code);
}

function isFull(error: unknown): boolean {
  return ["ENOSPC", "EDQUOT"].includes(codeOf(error));
}

/** Takes as much as the disk gives. What it refuses here is no failure of a replacement that was durable before. */
function fillReserve(folder: Folder, name: string): void {
  try {
    const file = folder.list().includes(name) ? folder.open(name) : folder.create(name);
    try {
      if (file.sizeBytes < RESERVE_BYTES) growReserve(folder, file);
    } finally {
      file.close();
    }
  } catch (error) {
    if (!/^E[A-Z0-9]+$/.test(codeOf(error))) throw error;
  }
}

function growReserve(folder: Folder, file: LogFile): void {
  const step = incompressible();
  try {
    while (file.sizeBytes < RESERVE_BYTES) file.append([step]);
  } finally {
    file.sync();
    folder.sync();
  }
}

/** Bytes that a file system which compresses does not make smaller: xorshift of 32 bits. Source: Marsaglia, 2003, §3. */
function incompressible(): Uint8Array {
  let word = 0x9e37_79b9;
  const words = Uint32Array.from({ length: STEP_BYTES / 4 }, () => {
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    return word >>> 0;
  });
  return new Uint8Array(words.buffer);
}
