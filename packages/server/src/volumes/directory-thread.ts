/** The thread of one directory volume: synchronous writes, one sync for a group. */
import {
  FrameError,
  FrameLog,
  lockFolder,
  openDiskFolder,
  type FolderLock,
  type FramePosition,
} from "@pericard/framelog";
import { equalBytes } from "@pericard/protocol";
import { statfsSync } from "node:fs";
import { workerData } from "node:worker_threads";
import { ServerError } from "../errors.ts";
import { handOver, serveThread } from "../threads/serve.ts";
import type { PackFile, StoredItem, StoredKind, VolumeSpace } from "./volume.ts";
import { describeIdentity, IDENTITY_FILE, parseIdentity } from "./volume-identity.ts";

const PACK_BYTES_MAX = 64 * 1024 * 1024;
/** Space that is left for the file system's own needs and for deletions. */
const RESERVE_BYTES = 16 * 1024 * 1024;
const SCAN_ITEMS = 32;
const SCAN_BYTES = 8 * 1024 * 1024;

/** What a volume's thread is started with. */
export interface DirectoryThreadData {
  readonly path: string;
  /** Where the bytes of a staged group lie while it is appended. */
  readonly staging: SharedArrayBuffer;
}

/** An item of a group by its place in the staging memory. */
export interface StagedItem {
  readonly kind: StoredKind;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

const PROBE_FILE = "probe";

const { path, staging } = workerData as DirectoryThreadData;
let lock: FolderLock | undefined;
let current: FrameLog | undefined;
let scanning: Generator<ScannedFrame> | undefined;

interface ListedFrame {
  readonly kind: StoredKind;
  readonly position: FramePosition;
}

interface ScannedFrame {
  readonly kind: StoredKind;
  readonly bytes: Uint8Array;
  readonly position: FramePosition;
}

/**
 * Takes the folder, which is made when it is not there.
 *
 * @param freshId becomes the volume's id when the folder is new.
 * @returns the volume's id.
 */
function open(freshId: string): string {
  const folder = openDiskFolder(path);
  takeFolder();
  const known = folder.read(IDENTITY_FILE);
  if (known) return parseIdentity(known);
  folder.replace(IDENTITY_FILE, describeIdentity(freshId));
  return freshId;
}

/** Takes the folder of a volume that was open before: nothing is made, and it is no other's. */
function reopen(id: string): void {
  statfsSync(path);
  const known = openDiskFolder(path).read(IDENTITY_FILE);
  if (!known || parseIdentity(known) !== id) {
    throw new ServerError("ERR_VOLUME_IDENTITY", `${path} holds another volume, or none: is its file system mounted?`);
  }
  takeFolder();
}

/** Not even a thread that was left behind in a hung call may go on writing beside its successor. */
function takeFolder(): void {
  lock ??= lockFolder(path);
  current ??= openLog();
}

function openLog(): FrameLog {
  return FrameLog.open(openDiskFolder(path), { name: "pack", fileBytesMax: PACK_BYTES_MAX });
}

function logOf(): FrameLog {
  current ??= openLog();
  return current;
}

/** Writes something, has it synced, and reads it back. */
function probe(content: Uint8Array): void {
  requireSpace([]);
  const folder = openDiskFolder(path);
  folder.replace(PROBE_FILE, content);
  const back = folder.read(PROBE_FILE);
  if (!back || !equalBytes(back, content)) {
    throw new ServerError("ERR_VOLUME_DOWN", "disk gives back other bytes than were written");
  }
  folder.remove(PROBE_FILE);
}

function space(): VolumeSpace {
  const { bavail, bsize } = statfsSync(path);
  return { packBytes: logOf().sizeBytes, freeBytes: bavail * bsize };
}

function requireSpace(items: readonly StoredItem[]): void {
  const wantedBytes = items.reduce((sum, item) => sum + item.bytes.length, 0);
  const { bavail, bsize } = statfsSync(path);
  if (bavail * bsize < wantedBytes + RESERVE_BYTES) {
    throw new ServerError("ERR_VOLUME_FULL", `volume has ${bavail * bsize} bytes left`);
  }
}

/** After a disk error nothing about the open file may be believed: a new log goes on in a new file. */
function startOver(): void {
  current?.close();
  current = undefined;
}

function append(items: readonly StoredItem[]): readonly FramePosition[] {
  requireSpace(items);
  try {
    const log = logOf();
    const positions = items.map((item) => log.append(item.kind, item.bytes).position);
    log.sync();
    return positions;
  } catch (cause) {
    startOver();
    const full = cause instanceof FrameError && cause.code === "ERR_LOG_DISK_FULL";
    throw new ServerError(full ? "ERR_VOLUME_FULL" : "ERR_VOLUME_DOWN", "volume could not append", { cause });
  }
}

/** As {@link append}, of items whose bytes lie in the staging memory: nothing is copied on the way. */
function appendStaged(items: readonly StagedItem[]): readonly FramePosition[] {
  return append(
    items.map(({ kind, offsetBytes, sizeBytes }) => ({ kind, bytes: new Uint8Array(staging, offsetBytes, sizeBytes) })),
  );
}

function read(position: FramePosition): Uint8Array {
  try {
    const { content } = logOf().read(position);
    return handOver(content, [content.buffer as ArrayBuffer]);
  } catch (cause) {
    throw new ServerError("ERR_DATA_UNREADABLE", "copy is damaged or gone", { cause });
  }
}

function* frames(): Generator<ScannedFrame> {
  for (const entry of logOf().replay()) {
    if (entry.kind !== "frame") continue;
    const kind = entry.frame.kind as StoredKind;
    yield { kind, bytes: entry.frame.content, position: entry.position };
  }
}

/** Begins a scan. What lies in the folder is synced first, so that nothing is believed that a power cut could take. */
function beginScan(): void {
  const folder = openDiskFolder(path);
  for (const name of folder.list()) {
    if (!name.endsWith(".cbor")) continue;
    const file = folder.open(name);
    file.sync();
    file.close();
  }
  scanning = frames();
}

/** The next items of the scan; none at its end. */
function nextScanned(): readonly ScannedFrame[] {
  const items: ScannedFrame[] = [];
  for (let sizeBytes = 0; items.length < SCAN_ITEMS && sizeBytes < SCAN_BYTES;) {
    const next = scanning?.next();
    if (!next || next.done) break;
    items.push(next.value);
    sizeBytes += next.value.bytes.length;
  }
  return items;
}

/** Ends the pack that is being written. */
function endPack(): void {
  try {
    logOf().endFile();
  } catch (cause) {
    startOver();
    throw new ServerError("ERR_VOLUME_DOWN", "volume could not sync", { cause });
  }
}

function listPacks(): readonly PackFile[] {
  const log = logOf();
  const complete = log.fileNumbers.filter((fileNumber) => fileNumber !== log.currentFileNumber);
  return complete.map((fileNumber) => ({ fileNumber, sizeBytes: log.sizeOfFile(fileNumber) }));
}

function listPack(fileNumber: number): readonly ListedFrame[] {
  return Array.from(logOf().replayFile(fileNumber)).flatMap((entry) =>
    entry.kind === "frame" ? [{ kind: entry.frame.kind as StoredKind, position: entry.position }] : [],
  );
}

function removePack(fileNumber: number): void {
  try {
    logOf().removeFile(fileNumber);
  } catch (cause) {
    startOver();
    throw new ServerError("ERR_VOLUME_DOWN", "volume could not remove a pack", { cause });
  }
}

function close(): void {
  current?.close();
  lock?.release();
}

const methods = {
  open,
  reopen,
  probe,
  space,
  append,
  appendStaged,
  read,
  beginScan,
  nextScanned,
  endPack,
  listPacks,
  listPack,
  removePack,
  close,
};
export type DirectoryMethods = typeof methods;
serveThread(methods);
