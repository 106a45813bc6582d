/**
 * Getting disk space back, by whole files.
 *
 * A file without waiting items goes, once the done marks in it that are still needed were copied to the end of the log.
 * A mark is needed as long as its item's frame is in another file that is there. So that a few items that the upstream
 * never answers cannot hold whole files, a file that is mostly done items has its waiting ones copied to the end too,
 * when the spool is more than half full.
 *
 * Every copy is durable before its original goes. A crash in between leaves both, which a replay takes as one.
 */
import { FrameError } from "@pericard/framelog";
import { ProtocolError } from "@pericard/protocol";
import type { SpoolItem, SpoolLedger } from "./spool-ledger.ts";
import type { SpoolLog } from "./spool-log.ts";
import { decodeDone, decodeItem, encodeItem, RECORD } from "./spool-record.ts";

/** The current file, without waiting items, goes when it has grown to this. */
const CURRENT_BYTES_MAX = 1024 * 1024;

/** Largest part of a file that may wait when its waiting items are copied out. */
const WAITING_PART_MAX = 0.5;

/** Whether a frame's content is a mark for an item in another file that is there. */
function isNeededMark(content: Uint8Array, fileNumber: number, fileNumbers: ReadonlySet<number>): boolean {
  try {
    const mark = decodeDone(content);
    return mark.fileNumber !== fileNumber && fileNumbers.has(mark.fileNumber);
  } catch (error) {
    if (error instanceof ProtocolError) return false;
    throw error;
  }
}

function removeFile(log: SpoolLog, fileNumber: number): void {
  // Marks are copied to another file than the one that goes.
  if (fileNumber === log.currentFileNumber) log.endFile();
  const fileNumbers = new Set(log.fileNumbers);
  for (const entry of log.replayFile(fileNumber)) {
    if (entry.kind !== "frame" || entry.frame.kind !== RECORD.done) continue;
    if (isNeededMark(entry.frame.content, fileNumber, fileNumbers)) log.append(RECORD.done, entry.frame.content);
  }
  log.sync();
  log.removeFile(fileNumber);
}

function removeDeadFiles(log: SpoolLog, ledger: SpoolLedger, currentBytesMax: number): void {
  for (const fileNumber of log.fileNumbers) {
    const isGrowing = fileNumber === log.currentFileNumber && log.sizeOfFile(fileNumber) < currentBytesMax;
    if (!isGrowing && ledger.bytesInFile(fileNumber) === 0) removeFile(log, fileNumber);
  }
}

/** An item's copy at the end of the log, or undefined when its bytes are damaged: it is found to be so when it is sent. */
function copyItem(log: SpoolLog, item: SpoolItem): SpoolItem | undefined {
  try {
    const record = decodeItem(log.read(item.position).content);
    return { ...item, position: log.append(RECORD.item, encodeItem({ ...record, order: item.order })).position };
  } catch (error) {
    if (error instanceof FrameError && error.code === "ERR_FRAME_DAMAGED") return undefined;
    throw error;
  }
}

function copyWaiting(log: SpoolLog, ledger: SpoolLedger, fileNumber: number): void {
  const waiting = [...ledger.items()].filter((item) => item.position.fileNumber === fileNumber);
  const copies = waiting.flatMap((item) => copyItem(log, item) ?? []);
  log.sync();
  for (const copy of copies) ledger.add(copy);
}

/** The file that gives back most when its waiting items are copied out of it, if any gives back enough. */
function findMostlyDone(log: SpoolLog, ledger: SpoolLedger): number | undefined {
  const files = log.fileNumbers
    .filter((fileNumber) => fileNumber !== log.currentFileNumber)
    .map((fileNumber) => ({ fileNumber, part: ledger.bytesInFile(fileNumber) / log.sizeOfFile(fileNumber) }))
    .sort((a, b) => a.part - b.part);
  const [best] = files;
  return best && best.part <= WAITING_PART_MAX ? best.fileNumber : undefined;
}

/**
 * Gives back what disk space it can without long work: dead files, and one that is mostly done items.
 *
 * @throws {GatewayError} ERR_SPOOL_DISK_FULL or ERR_SPOOL_DISK; nothing is lost, and the next call goes on.
 * @throws {FrameError} ERR_LOG_DISK when a file cannot be read.
 */
export function sweepSpool(log: SpoolLog, ledger: SpoolLedger, spoolBytesMax: number): void {
  const currentBytesMax = Math.min(CURRENT_BYTES_MAX, spoolBytesMax / 4);
  removeDeadFiles(log, ledger, currentBytesMax);
  if (log.sizeBytes <= spoolBytesMax / 2) return;
  const fileNumber = findMostlyDone(log, ledger);
  if (fileNumber === undefined) return;
  copyWaiting(log, ledger, fileNumber);
  removeDeadFiles(log, ledger, currentBytesMax);
}
