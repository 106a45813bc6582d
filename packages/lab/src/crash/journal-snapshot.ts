/** What lies in the journal of a terminal that was killed. Source: docs/format.md §10.3. */
import { sha256 } from "@pericard/crypto";
import { openDiskFolder, scanFrames } from "@pericard/framelog";
import { decodeCbor, readBytesUpTo, readTuple, SEALED_SEGMENT_BYTES_MAX, toHex } from "@pericard/protocol";

/** A journal as it lies on the disk. */
export interface JournalSnapshot {
  /** h of every sealed segment, hexadecimal. */
  readonly hashes: readonly string[];
  /** Runs of bytes that no kill may cause. */
  readonly damagedCount: number;
}

const ITEM_KIND = 1;

function hashOf(content: Uint8Array): string {
  const [sealed] = readTuple("journal item", decodeCbor(content), 3);
  return toHex(sha256(readBytesUpTo("sealed segment", sealed, SEALED_SEGMENT_BYTES_MAX)));
}

/** Reads the journal of a folder that no process has open. */
export function readJournal(folderPath: string): JournalSnapshot {
  const folder = openDiskFolder(folderPath);
  const hashes: string[] = [];
  let damagedCount = 0;
  for (const name of folder.list().filter((name) => /^journal-\d+\.cbor$/.test(name))) {
    const file = folder.open(name);
    for (const scanned of scanFrames(file)) {
      if (scanned.kind === "damaged") damagedCount += 1;
      if (scanned.kind === "frame" && scanned.frame.kind === ITEM_KIND) hashes.push(hashOf(scanned.frame.content));
    }
    file.close();
  }
  return { hashes, damagedCount };
}
