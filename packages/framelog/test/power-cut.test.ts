/** The power is cut at every byte of every append: what was synced is there, in order, and the log goes on. */
import { describe, expect, test } from "vitest";
import { createMemoryFolder, FrameLog, sizeOfParts, type Folder, type MemoryFolder } from "@pericard/framelog";
import { pattern } from "./support/bytes.ts";

const OPTIONS = { name: "test", fileBytesMax: 400 };

/** What a writer did: appends of these sizes, a sync after every third. */
const CONTENT_BYTES = [0, 1, 30, 90, 24, 300, 5, 1000, 60, 61, 62, 63];

interface Recorded {
  readonly folder: MemoryFolder;
  readonly appendedCount: number;
  readonly syncedCount: number;
}

/** Every state of the disk between two calls: the cuts fall into each. */
function* history(): Generator<Recorded> {
  const folder = createMemoryFolder();
  const log = FrameLog.open(folder, OPTIONS);
  let syncedCount = 0;
  for (const [i, sizeBytes] of CONTENT_BYTES.entries()) {
    const filesBefore = log.fileNumbers.length;
    log.append(1, pattern(sizeBytes, i));
    // Beginning a file syncs the one before.
    if (log.fileNumbers.length > filesBefore) syncedCount = i;
    yield { folder, appendedCount: i + 1, syncedCount };
    if (i % 3 !== 2) continue;
    log.sync();
    syncedCount = i + 1;
    yield { folder, appendedCount: i + 1, syncedCount };
  }
}

function survivors(folder: Folder): { log: FrameLog; numbers: readonly number[]; kinds: ReadonlySet<string> } {
  const log = FrameLog.open(folder, OPTIONS);
  const entries = [...log.replay()];
  const numbers: number[] = [];
  for (const entry of entries) {
    if (entry.kind !== "frame") continue;
    expect(entry.frame.content).toEqual(pattern(CONTENT_BYTES[entry.frame.number] ?? -1, entry.frame.number));
    numbers.push(entry.frame.number);
  }
  return { log, numbers, kinds: new Set(entries.map((entry) => entry.kind)) };
}

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);

describe("after a power cut at any byte", () => {
  test("synced frames are there, unsynced ones whole or not at all, and nothing is called damaged", () => {
    let cutCount = 0;
    for (const { folder, appendedCount, syncedCount } of history()) {
      for (let kept = 0; kept <= 1100; kept += 1) {
        const { numbers, kinds } = survivors(folder.afterPowerCut(kept));
        expect(numbers.length).toBeGreaterThanOrEqual(syncedCount);
        expect(numbers.length).toBeLessThanOrEqual(appendedCount);
        expect(numbers).toEqual(upTo(numbers.length));
        expect(kinds).not.toContain("damaged");
        cutCount += 1;
      }
    }
    expect(cutCount).toBe(16 * 1101);
  });

  test("the log goes on in a new file, and a second cut takes nothing either", () => {
    for (const { folder } of history()) {
      for (const kept of [0, 1, 7, 40, 200]) {
        const once = folder.afterPowerCut(kept);
        const { log, numbers } = survivors(once);
        const { number } = log.append(1, pattern(CONTENT_BYTES[numbers.length] ?? 0, numbers.length));
        expect(number).toBe(numbers.length);
        log.sync();
        expect(survivors(once.afterPowerCut(0)).numbers).toEqual(upTo(numbers.length + 1));
      }
    }
  });
});

test("what is in a file that was ended is synced", () => {
  const folder = createMemoryFolder();
  const log = FrameLog.open(folder, OPTIONS);
  log.append(1, pattern(CONTENT_BYTES[0] ?? 0, 0));
  log.endFile();
  expect(survivors(folder.afterPowerCut(0)).numbers).toEqual([0]);
});

test("power that fails while a log begins its first file leaves a folder that opens", () => {
  for (const failing of ["create", "append", "sync"] as const) {
    const folder = createMemoryFolder();
    folder.failWith((operation) => (operation === failing ? new Error("power") : undefined));
    expect(() => FrameLog.open(folder, OPTIONS).append(1, new Uint8Array(1))).toThrow();
    const { log, numbers } = survivors(folder.afterPowerCut(10));
    expect(numbers).toEqual([]);
    expect(log.append(1, new Uint8Array(1)).number).toBe(0);
  }
  expect(sizeOfParts([new Uint8Array(1), new Uint8Array(2)])).toBe(3);
});
