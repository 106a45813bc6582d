import { sha256, systemRandom } from "@pericard/crypto";
import {
  createMemoryFolder,
  decodeFrame,
  encodeFrame,
  FrameLog,
  type LogFile,
  type MemoryFolder,
} from "@pericard/framelog";
import { concatBytes, RecordingId, type SegmentPlace } from "@pericard/protocol";
import { openTerminalModule } from "@pericard/trsm";
import { describe, expect, test } from "vitest";
import { systemClock } from "../src/clock-system.ts";
import { hashKeyOf } from "../src/hash-key.ts";
import { Journal, type JournalLimits } from "../src/journal/journal.ts";
import type { JournalEntry } from "../src/journal/journal-index.ts";
import { findLostPlaces } from "../src/journal/lost-segments.ts";
import { formatOf } from "./support/array-source.ts";
import { Installation } from "./support/deployed.ts";

const module = openTerminalModule(new Installation().deployInMemory(), systemRandom, () => 0);
const RECORDING = RecordingId.fromBytes(new Uint8Array(16).fill(7));
const LIMITS: JournalLimits = { limitBytes: 1024 * 1024, fileBytesMax: 8192 };
const NO_SPACE = Object.assign(new Error("no space"), { code: "ENOSPC" });
const BROKEN = Object.assign(new Error("input/output error"), { code: "EIO" });

/** Sealed segments of one recording, chained, of about 1,300 bytes each. */
function sealChain(count: number): readonly { readonly sealed: Uint8Array; readonly place: SegmentPlace }[] {
  let prev: Uint8Array | null = null;
  return Array.from({ length: count }, (_, sequence) => {
    const place = { recording: RECORDING, stream: 0, sequence };
    const descriptor = {
      kind: 1,
      boot: null,
      claimed: null,
      firstFrame: sequence * 100,
      frameCount: 100,
      shape: formatOf(1, 100),
      predecessor: null,
    } as const;
    const body = { descriptor, codec: "lead-residual", encoded: systemRandom(1000) } as const;
    const sealed = module.sealSegment({ ...place, prev, final: false }, body);
    prev = sha256(sealed);
    return { sealed, place };
  });
}

const CHAIN = sealChain(130);

function open(folder: MemoryFolder, limits: JournalLimits = LIMITS): Journal {
  return new Journal(folder, limits, systemClock);
}

/** Appends segments `from` to `to` of the chain and syncs. */
function fill(journal: Journal, from: number, to: number): readonly JournalEntry[] {
  const entries = CHAIN.slice(from, to).map(({ sealed, place }) =>
    journal.append({ sealed, nextFrame: (place.sequence + 1) * 100, sourceId: null }, place, "file"),
  );
  journal.sync();
  return entries;
}

function sequences(journal: Journal): readonly number[] {
  return [...journal.pending].map(({ place }) => place.sequence);
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

describe("appending", () => {
  test("gives back exactly what was sealed, also after reopening", () => {
    const folder = createMemoryFolder();
    const entries = fill(open(folder), 0, 20);
    const again = open(folder.afterPowerCut(0));
    expect(sequences(again)).toEqual(range(0, 20));
    for (const [index, entry] of entries.entries()) {
      const found = again.find(entry.key);
      expect(found && again.read(found)).toEqual(CHAIN[index]?.sealed);
    }
  });

  test("nothing is pending before it is durable", () => {
    const folder = createMemoryFolder();
    const journal = open(folder);
    const [first] = CHAIN;
    if (!first) throw new Error("no segment");
    journal.append({ sealed: first.sealed, nextFrame: 100, sourceId: null }, first.place, "live");
    expect([journal.pending.size, journal.unsyncedCount]).toEqual([0, 1]);
    expect(open(folder.afterPowerCut(0)).pending.size).toBe(0);
    journal.sync();
    expect([journal.pending.size, journal.unsyncedCount]).toEqual([1, 0]);
    expect(open(folder.afterPowerCut(0)).pending.size).toBe(1);
  });

  test("what a killed process left unsynced is synced before it is pending", () => {
    const folder = createMemoryFolder();
    const journal = open(folder);
    for (const { sealed, place } of CHAIN.slice(0, 3)) {
      journal.append({ sealed, nextFrame: 100, sourceId: null }, place, "live");
    }
    expect(open(folder).pending.size).toBe(3);
    expect(open(folder.afterPowerCut(0)).pending.size).toBe(3);
  });
});

describe("limits", () => {
  test("a full journal takes nothing, writes nothing and drops nothing", () => {
    const folder = createMemoryFolder();
    const journal = open(folder, { limitBytes: 8000, fileBytesMax: 4096 });
    expect(() => fill(journal, 0, 10)).toThrow(expect.objectContaining({ code: "ERR_JOURNAL_FULL" }));
    journal.sync();
    const kept = journal.pending.size;
    expect(kept).toBeGreaterThan(3);
    expect(journal.sizeBytes).toBeLessThanOrEqual(8000);
    expect(journal.failure).toBeUndefined();
    expect(open(folder.afterPowerCut(0)).pending.size).toBe(kept);
  });

  test("receipts make room again", () => {
    const journal = open(createMemoryFolder(), { limitBytes: 8000, fileBytesMax: 2048 });
    expect(() => fill(journal, 0, 10)).toThrow();
    journal.sync();
    journal.markDone([...journal.pending].slice(0, 3));
    expect(fill(journal, 10, 11)).toHaveLength(1);
  });

  test.each([
    { error: NO_SPACE, code: "ERR_JOURNAL_DISK_FULL" },
    { error: BROKEN, code: "ERR_JOURNAL_DISK" },
  ])("after $code nothing is written, everything synced is kept", ({ error, code }) => {
    for (const operation of ["append", "sync"] as const) {
      const folder = createMemoryFolder();
      const journal = open(folder);
      fill(journal, 0, 3);
      folder.failWith((called) => (called === operation ? error : undefined));
      expect(() => fill(journal, 3, 4)).toThrow(expect.objectContaining({ code }));
      folder.failWith(undefined);
      expect(() => fill(journal, 4, 5)).toThrow(expect.objectContaining({ code }));
      expect(sequences(journal)).toEqual([0, 1, 2]);
      const again = open(folder.afterPowerCut(0));
      expect(sequences(again)).toEqual([0, 1, 2]);
      fill(again, 3, 5);
      expect(sequences(again)).toEqual([0, 1, 2, 3, 4]);
    }
  });

  test("a full disk still lets receipted files go", () => {
    const folder = createMemoryFolder();
    const journal = open(folder);
    fill(journal, 0, 20);
    folder.failWith((operation) => (operation === "append" ? NO_SPACE : undefined));
    const before = journal.sizeBytes;
    journal.markDone([...journal.pending].slice(0, 15));
    expect(journal.sizeBytes).toBeLessThan(before);
    expect(sequences(journal)).toEqual(range(15, 20));
    expect(sequences(open(folder.afterPowerCut(0)))).toEqual(expect.arrayContaining([...range(15, 20)]));
  });
});

describe("marks", () => {
  test("a file goes when all of it is done, and not before", () => {
    const folder = createMemoryFolder();
    const journal = open(folder);
    const entries = fill(journal, 0, 20);
    const files = (): number => folder.list().length;
    const before = files();
    const firstFile = entries.filter((entry) => entry.position.fileNumber === 0);
    journal.markDone(firstFile.slice(1));
    expect(files()).toBe(before);
    journal.markDone(firstFile.slice(0, 1));
    expect(files()).toBe(before - 1);
    expect(sequences(journal)).toEqual(range(firstFile.length, 20));
  });

  test("what the file is the last to tell is kept first", () => {
    const journal = open(createMemoryFolder());
    const told: number[] = [];
    journal.attach(
      (fileNumber) => void told.push(fileNumber),
      () => undefined,
    );
    journal.markDone(fill(journal, 0, 20));
    expect(told.length).toBeGreaterThan(1);
    expect(told).toEqual(range(0, told.length));
  });

  test("a file whose head cannot be kept stays", () => {
    const folder = createMemoryFolder();
    const journal = open(folder);
    const entries = fill(journal, 0, 20);
    journal.attach(
      () => {
        throw NO_SPACE;
      },
      () => undefined,
    );
    const before = folder.list().length;
    journal.markDone(entries);
    expect(folder.list()).toHaveLength(before);
    expect(journal.failure).toMatchObject({ code: "ERR_JOURNAL_DISK_FULL" });
  });

  test("lost marks cost a repeated upload, synced ones are kept", () => {
    const folder = createMemoryFolder();
    const journal = open(folder);
    const entries = fill(journal, 0, 4);
    journal.markDone(entries.slice(0, 2));
    expect(sequences(open(folder.afterPowerCut(0)))).toEqual([0, 1, 2, 3]);
    journal.sync();
    expect(sequences(open(folder.afterPowerCut(0)))).toEqual([2, 3]);
  });

  test("quarantined items are kept, counted and never pending again, however many files come and go", () => {
    const folder = createMemoryFolder();
    const journal = open(folder);
    const [first] = fill(journal, 0, 3);
    if (!first) throw new Error("no entry");
    journal.quarantine(first, "ERR_SHAPE");
    journal.sync();
    for (let from = 3; from < 128; from += 25) journal.markDone(fill(journal, from, from + 25));
    journal.settle();
    for (const opened of [journal, open(folder.afterPowerCut(0))]) {
      expect([...opened.quarantined].map(([entry, code]) => [entry.place.sequence, code])).toEqual([[0, "ERR_SHAPE"]]);
      expect(sequences(opened)).toEqual([1, 2]);
      expect([...opened.quarantined.keys()].map((entry) => opened.read(entry))).toEqual([CHAIN[0]?.sealed]);
    }
    expect(folder.list().length).toBeLessThanOrEqual(4);
  });

  test("marks of items elsewhere outlive the file that they stand in", () => {
    const folder = createMemoryFolder();
    const journal = open(folder);
    const entries = fill(journal, 0, 4);
    journal.markDone(entries.slice(1));
    for (let from = 4; from < 129; from += 25) journal.markDone(fill(journal, from, from + 25));
    journal.settle();
    expect(sequences(open(folder.afterPowerCut(0)))).toEqual([0]);
  });
});

/** A journal of two files with one byte of one item flipped. */
function flipped(sequence: number, prepare: (journal: Journal, entries: readonly JournalEntry[]) => void) {
  const folder = createMemoryFolder();
  const journal = open(folder);
  const entries = fill(journal, 0, 12);
  prepare(journal, entries);
  const entry = entries[sequence];
  if (!entry) throw new Error("no entry");
  const name = `journal-${String(entry.position.fileNumber).padStart(8, "0")}.cbor`;
  const bytes = folder.bytesOf(name);
  bytes[entry.position.offsetBytes + 500] = (bytes[entry.position.offsetBytes + 500] ?? 0) ^ 1;
  return { folder, journal, entry };
}

describe("a damaged journal", () => {
  test.each(range(1, 11))("names the segment that item %i held", (sequence) => {
    const { folder } = flipped(sequence, () => undefined);
    const again = open(folder);
    expect(again.replay.damagedFileNumbers.size).toBe(1);
    expect(findLostPlaces(folder, again).map((place) => place.sequence)).toEqual([sequence]);
    expect(sequences(again)).toEqual(range(0, 12).filter((other) => other !== sequence));
  });

  test("the first segment of all is named too", () => {
    const { folder } = flipped(0, () => undefined);
    expect(findLostPlaces(folder, open(folder)).map((place) => place.sequence)).toEqual([0]);
  });

  test("a segment that was receipted is not missing", () => {
    const { folder } = flipped(3, (journal, entries) => {
      journal.markDone(entries.slice(3, 4));
      journal.sync();
    });
    expect(findLostPlaces(folder, open(folder))).toEqual([]);
  });

  test("the last item is followed by nothing that would tell; nothing goes on after it", () => {
    const { folder } = flipped(11, () => undefined);
    const again = open(folder);
    expect(findLostPlaces(folder, again)).toEqual([]);
    expect(again.replay.tailDamaged).toBe(true);
  });

  test("an unfinished append is no damage", () => {
    const folder = createMemoryFolder();
    const journal = open(folder);
    fill(journal, 0, 3);
    const [, , , next] = CHAIN;
    if (!next) throw new Error("no segment");
    journal.append({ sealed: next.sealed, nextFrame: 1, sourceId: null }, next.place, "live");
    for (const keptBytes of [0, 1, 4, 20, 500, 1200]) {
      const again = open(folder.afterPowerCut(keptBytes));
      expect(sequences(again)).toEqual([0, 1, 2]);
      expect(again.replay).toMatchObject({ tailDamaged: false, damagedFileNumbers: new Set() });
    }
  });

  test("every flipped byte of a small journal costs one item at most, and no other is altered", () => {
    const folder = createMemoryFolder();
    fill(open(folder), 0, 3);
    const name = folder.list()[0] ?? "";
    const whole = folder.bytesOf(name).slice();
    const sealed = new Set(CHAIN.slice(0, 3).map((segment) => hashKeyOf(sha256(segment.sealed))));
    let cases = 0;
    for (let at = 0; at < whole.length; at += 7) {
      const bytes = whole.with(at, (whole[at] ?? 0) ^ 0x10);
      const again = open(createMemoryFolder(new Map([[name, bytes]])));
      const keys = [...again.pending].map(({ key }) => key);
      expect(keys.length).toBeGreaterThanOrEqual(2);
      expect(keys.every((key) => sealed.has(key))).toBe(true);
      cases += 1;
    }
    expect(cases).toBeGreaterThan(400);
  });

  test("an item that decays while the journal is open is said to be unreadable", () => {
    const { journal, entry } = flipped(5, () => undefined);
    expect(() => journal.read(entry)).toThrow(expect.objectContaining({ code: "ERR_JOURNAL_ITEM_UNREADABLE" }));
  });
});

/** A folder whose files cannot be read while `isBroken` says so. */
function unreadableWhile(folder: MemoryFolder, isBroken: () => boolean): MemoryFolder {
  const wrap = (file: LogFile): LogFile => ({
    get sizeBytes() {
      return file.sizeBytes;
    },
    append: (parts) => file.append(parts),
    sync: () => file.sync(),
    close: () => file.close(),
    read: (offsetBytes, sizeBytes) => {
      if (isBroken()) throw BROKEN;
      return file.read(offsetBytes, sizeBytes);
    },
  });
  return { ...folder, open: (name) => wrap(folder.open(name)), create: (name) => wrap(folder.create(name)) };
}

test("a disk that does not answer for a while loses nothing", () => {
  let isBroken = false;
  const journal = open(unreadableWhile(createMemoryFolder(), () => isBroken));
  const [entry] = fill(journal, 0, 1);
  if (!entry) throw new Error("no entry");
  isBroken = true;
  expect(() => journal.read(entry)).toThrow(expect.objectContaining({ code: "ERR_JOURNAL_DISK" }));
  isBroken = false;
  expect(journal.read(entry)).toEqual(CHAIN[0]?.sealed);
});

test("bytes that are whole and other ones are unreadable too", () => {
  const folder = createMemoryFolder();
  const journal = open(folder);
  const [entry] = fill(journal, 0, 1);
  const file = folder.bytesOf("journal-00000000.cbor");
  const at = entry?.position.offsetBytes ?? 0;
  const found = decodeFrame(file.subarray(at));
  if (!entry || found.state !== "frame") throw new Error("no frame");
  const content = found.frame.content.with(600, (found.frame.content[600] ?? 0) ^ 1);
  file.set(concatBytes(...encodeFrame({ ...found.frame, content })), at);
  expect(() => journal.read(entry)).toThrow(expect.objectContaining({ code: "ERR_JOURNAL_ITEM_UNREADABLE" }));
});

test("a file of another log is refused", () => {
  const folder = createMemoryFolder();
  FrameLog.open(folder, { name: "spool", fileBytesMax: 1000 }).append(1, Uint8Array.of(1));
  const disguised = new Map([["journal-00000000.cbor", folder.bytesOf("spool-00000000.cbor")]]);
  expect(() => open(createMemoryFolder(disguised))).toThrow(expect.objectContaining({ code: "ERR_LOG_FORMAT" }));
});
