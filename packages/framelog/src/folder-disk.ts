/** A folder of the file system. */
import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
  writevSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Folder, LogFile, PreparedFile } from "./folder.ts";

function fsyncFolder(path: string): void {
  syncAndClose(openSync(path, "r"));
}

/** Writes what a first, short write left over. */
function writeRest(descriptor: number, parts: readonly Uint8Array[], writtenBytes: number): void {
  let skipBytes = writtenBytes;
  for (const part of parts) {
    let offsetBytes = Math.min(skipBytes, part.length);
    skipBytes -= offsetBytes;
    while (offsetBytes < part.length) {
      const count = writeSync(descriptor, part, offsetBytes);
      if (count === 0) throw Object.assign(new Error("disk took no bytes"), { code: "EIO" });
      offsetBytes += count;
    }
  }
}

const APPEND = constants.O_RDWR | constants.O_APPEND;
const CREATE = APPEND | constants.O_CREAT | constants.O_EXCL;

class DiskFile implements LogFile {
  readonly #descriptor: number;
  #sizeBytes: number;
  #hasAppended = false;

  constructor(path: string, flags: typeof APPEND | typeof CREATE) {
    this.#descriptor = openSync(path, flags, 0o600);
    this.#sizeBytes = fstatSync(this.#descriptor).size;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  append(parts: readonly Uint8Array[]): void {
    const wantedBytes = parts.reduce((sum, part) => sum + part.length, 0);
    const writtenBytes = writevSync(this.#descriptor, parts as Uint8Array[]);
    if (writtenBytes < wantedBytes) writeRest(this.#descriptor, parts, writtenBytes);
    this.#sizeBytes += wantedBytes;
    this.#hasAppended = true;
  }

  sync(): void {
    fdatasyncSync(this.#descriptor);
    if (!this.#hasAppended) return;
    const { size } = fstatSync(this.#descriptor);
    if (size === this.#sizeBytes) return;
    // Somebody else cut or lengthened it: what was appended lies elsewhere than its writer thinks.
    throw Object.assign(new Error(`file has ${size} bytes, ${this.#sizeBytes} were written`), { code: "EIO" });
  }

  read(offsetBytes: number, sizeBytes: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, Math.min(sizeBytes, this.#sizeBytes - offsetBytes)));
    let readBytes = 0;
    while (readBytes < bytes.length) {
      const count = readSync(this.#descriptor, bytes, readBytes, bytes.length - readBytes, offsetBytes + readBytes);
      if (count === 0) break;
      readBytes += count;
    }
    return bytes.subarray(0, readBytes);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** Makes a folder and its missing parents, durably: each name is synced in the folder that has it. */
function makeFolder(path: string): void {
  const firstMade = mkdirSync(path, { recursive: true, mode: 0o700 });
  if (firstMade === undefined) return;
  const top = dirname(resolve(firstMade));
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    fsyncFolder(folder);
    if (folder === top || folder === dirname(folder)) return;
  }
}

/** Opens a folder, which is made, with its parents, when it is not there. */
export function openDiskFolder(path: string): Folder {
  makeFolder(path);
  return {
    list: () => readdirSync(path).sort(),
    open: (name) => new DiskFile(join(path, name), APPEND),
    create: (name) => new DiskFile(join(path, name), CREATE),
    remove: (name) => rmSync(join(path, name)),
    replace: (name, contents) => replaceFile(path, name, [contents]),
    replaceWithParts: (name, parts) => replaceFile(path, name, parts),
    prepare: (name, contents) => prepareFile(path, name, [contents]),
    read: (name) => readIfThere(join(path, name)),
    sync: () => fsyncFolder(path),
  };
}

function prepareFile(folder: string, name: string, parts: Iterable<Uint8Array>): PreparedFile {
  const temporary = join(folder, `${name}.tmp`);
  const descriptor = openSync(temporary, "w", 0o600);
  try {
    for (const part of parts) writeFileSync(descriptor, part);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  return { sync: () => syncAndClose(descriptor), rename: () => renameSync(temporary, join(folder, name)) };
}

function syncAndClose(descriptor: number): void {
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function replaceFile(folder: string, name: string, parts: Iterable<Uint8Array>): void {
  const prepared = prepareFile(folder, name, parts);
  prepared.sync();
  prepared.rename();
  fsyncFolder(folder);
}

function readIfThere(path: string): Uint8Array | undefined {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
