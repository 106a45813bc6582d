/** A folder in memory that knows what a power cut would leave of it. For tests and the simulator. */
import { concatBytes } from "@pericard/protocol";
import type { Folder, LogFile } from "./folder.ts";

interface Entry {
  bytes: Uint8Array;
  syncedBytes: number;
}

/** A folder that can lose its power. */
export interface MemoryFolder extends Folder {
  /**
   * The folder as a power cut leaves it: synced bytes of synced names, and of each file's unsynced tail the first
   * `keepUnsyncedBytes` bytes, as a torn write would. A file whose removal was not synced is there again.
   */
  afterPowerCut(keepUnsyncedBytes: number): MemoryFolder;
  /** Makes the given call fail from now on, as a full or broken disk does; undefined ends it. */
  failWith(fail: ((operation: "append" | "sync" | "create") => Error | undefined) | undefined): void;
  /** Bytes of one file, for a test to alter. */
  bytesOf(name: string): Uint8Array;
}

/** Makes an empty folder in memory. */
export function createMemoryFolder(initial: ReadonlyMap<string, Uint8Array> = new Map()): MemoryFolder {
  const entries = new Map<string, Entry>([...initial].map(([name, bytes]) => [name, entryOf(bytes)]));
  let synced = new Map(entries);
  let failure: ((operation: "append" | "sync" | "create") => Error | undefined) | undefined;
  const maybeFail = (operation: "append" | "sync" | "create"): void => {
    const error = failure?.(operation);
    if (error) throw error;
  };
  const get = (name: string): Entry => {
    const entry = entries.get(name);
    if (!entry) throw Object.assign(new Error(`no such file: ${name}`), { code: "ENOENT" });
    return entry;
  };
  const create = (name: string): LogFile => {
    maybeFail("create");
    if (entries.has(name)) throw Object.assign(new Error(`file exists: ${name}`), { code: "EEXIST" });
    entries.set(name, { bytes: new Uint8Array(0), syncedBytes: 0 });
    return memoryFile(get(name), maybeFail);
  };
  const replace = (name: string, contents: Uint8Array): void => {
    entries.set(name, entryOf(contents));
    synced = new Map(entries);
  };
  return {
    list: () => [...entries.keys()].sort(),
    open: (name) => memoryFile(get(name), maybeFail),
    create,
    remove: (name) => {
      get(name);
      entries.delete(name);
    },
    replace,
    replaceWithParts: (name, parts) => replace(name, concatBytes(...Array.from(parts, (part) => new Uint8Array(part)))),
    prepare: (name, contents) => {
      const entry = entryOf(contents);
      return { sync: () => maybeFail("sync"), rename: () => void entries.set(name, entry) };
    },
    read: (name) => entries.get(name)?.bytes.slice(),
    sync: () => {
      maybeFail("sync");
      synced = new Map(entries);
    },
    afterPowerCut: (keepUnsyncedBytes) =>
      createMemoryFolder(
        new Map(
          [...synced].map(([name, entry]) => [name, entry.bytes.slice(0, entry.syncedBytes + keepUnsyncedBytes)]),
        ),
      ),
    failWith: (fail) => {
      failure = fail;
    },
    bytesOf: (name) => get(name).bytes,
  };
}

function entryOf(bytes: Uint8Array): Entry {
  return { bytes: bytes.slice(), syncedBytes: bytes.length };
}

function memoryFile(entry: Entry, maybeFail: (operation: "append" | "sync") => void): LogFile {
  return {
    get sizeBytes() {
      return entry.bytes.length;
    },
    append: (parts) => {
      maybeFail("append");
      entry.bytes = concatBytes(entry.bytes, ...parts);
    },
    sync: () => {
      maybeFail("sync");
      entry.syncedBytes = entry.bytes.length;
    },
    read: (offsetBytes, sizeBytes) => entry.bytes.slice(offsetBytes, offsetBytes + sizeBytes),
    close: () => undefined,
  };
}
