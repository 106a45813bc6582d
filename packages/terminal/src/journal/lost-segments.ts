/** Which places of a journal its medium no longer gives back. */
import { scanFrames, type Folder, type Scanned } from "@pericard/framelog";
import type { SegmentPlace } from "@pericard/protocol";
import type { HashKey } from "../hash-key.ts";
import { journalFileName } from "./guarded-log.ts";
import type { Journal } from "./journal.ts";
import { findMissing } from "./missing.ts";

/** Places that the damaged files of a journal held, and that are neither there nor known to be done. */
export function findLostPlaces(folder: Folder, journal: Journal): readonly SegmentPlace[] {
  const { damagedFileNumbers, orphanMarks } = journal.replay;
  if (damagedFileNumbers.size === 0) return [];
  const places = new Set([...journal.entries()].map(({ place }) => placeKey(place)));
  const known = {
    has: (place: SegmentPlace) => places.has(placeKey(place)),
    isDone: (key: HashKey) => orphanMarks.has(key),
  };
  return [...damagedFileNumbers].flatMap((fileNumber) => {
    const missing = findMissing(scanFrom(folder, fileNumber), known);
    for (const place of missing) places.add(placeKey(place));
    return missing;
  });
}

/** A file and the one right after it, whose first frame tells how much the end of the file held. */
function* scanFrom(folder: Folder, fileNumber: number): Generator<Scanned> {
  const names = new Set(folder.list());
  for (const number of [fileNumber, fileNumber + 1]) {
    const name = journalFileName(number);
    if (!names.has(name)) return;
    const file = folder.open(name);
    try {
      yield* scanFrames(file);
    } finally {
      file.close();
    }
  }
}

function placeKey(place: SegmentPlace): string {
  return `${place.recording}/${place.stream}/${place.sequence}`;
}
