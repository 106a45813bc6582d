import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { utf8 } from "@pericard/protocol";
import { createMemoryFolder, FrameLog, openDiskFolder, type Folder, type LogEntry } from "@pericard/framelog";
import { damaged, frameBytes, pattern } from "./support/bytes.ts";

const root = mkdtempSync(join(tmpdir(), "pericard-log-"));
afterAll(() => rmSync(root, { recursive: true }));

const OPTIONS = { name: "test", fileBytesMax: 300 };

function reopened(folder: Folder, options = OPTIONS): { log: FrameLog; entries: readonly LogEntry[] } {
  const log = FrameLog.open(folder, options);
  return { log, entries: [...log.replay()] };
}

function numbersOf(entries: readonly LogEntry[]): readonly number[] {
  return entries.flatMap((entry) => (entry.kind === "frame" ? [entry.frame.number] : []));
}

function append(log: FrameLog, count: number, contentBytes = 50): void {
  for (let i = 0; i < count; i += 1) log.append(1, pattern(contentBytes, log.nextNumber));
}

let made = 0;
const adapters: readonly [name: string, make: () => Folder][] = [
  ["memory", () => createMemoryFolder()],
  ["disk", () => openDiskFolder(join(root, String(made++)))],
];

describe.each(adapters)("a log in %s", (_, make) => {
  test("gives back what was appended, over several files, in order", () => {
    const folder = make();
    const { log } = reopened(folder);
    append(log, 20);
    log.sync();
    expect(log.fileNumbers.length).toBeGreaterThan(3);
    for (const number of log.fileNumbers) expect(log.sizeOfFile(number)).toBeLessThanOrEqual(300);
    log.close();
    const { log: again, entries } = reopened(folder);
    expect(numbersOf(entries)).toEqual(Array.from({ length: 20 }, (__, i) => i));
    for (const entry of entries) {
      if (entry.kind !== "frame") throw new Error(`unexpected ${entry.kind}`);
      expect(entry.frame.content).toEqual(pattern(50, entry.frame.number));
      expect(again.read(entry.position)).toEqual(entry.frame);
    }
    again.close();
  });

  test("goes on in a new file, with the next number, after it is opened again", () => {
    const folder = make();
    const { log } = reopened(folder);
    append(log, 2);
    log.close();
    const { log: again } = reopened(folder);
    expect(again.currentFileNumber).toBeUndefined();
    const { number, position } = again.append(1, new Uint8Array(1));
    expect([number, position.fileNumber]).toEqual([2, 1]);
    again.close();
    expect(numbersOf(reopened(folder).entries)).toEqual([0, 1, 2]);
  });

  test("ends a file when it is told to", () => {
    const { log } = reopened(make());
    log.endFile();
    append(log, 1);
    log.endFile();
    log.endFile();
    expect(log.currentFileNumber).toBeUndefined();
    expect(log.append(1, new Uint8Array(1))).toMatchObject({ number: 1, position: { fileNumber: 1 } });
    log.close();
  });

  test("puts a frame that is larger than a file into one of its own", () => {
    const { log } = reopened(make());
    append(log, 1);
    append(log, 1, 1000);
    append(log, 1);
    expect(log.fileNumbers).toEqual([0, 1, 2]);
    log.close();
  });

  test("removes whole files; later frames keep their places and numbers", () => {
    const folder = make();
    const { log } = reopened(folder);
    append(log, 12);
    const last = log.append(2, Uint8Array.of(9));
    log.removeFile(0);
    log.removeFile(77);
    expect(log.fileNumbers).not.toContain(0);
    expect(log.read(last.position).content).toEqual(Uint8Array.of(9));
    log.close();
    const { log: again, entries } = reopened(folder);
    expect(numbersOf(entries).at(-1)).toBe(12);
    expect(numbersOf(entries)[0]).toBeGreaterThan(0);
    again.close();
  });

  test("never uses a file's number twice, also after the newest was removed", () => {
    const { log } = reopened(make());
    const { position } = log.append(1, Uint8Array.of(1));
    log.removeFile(0);
    expect(log.fileNumbers).toEqual([]);
    expect(log.sizeBytes).toBe(0);
    expect(log.append(1, Uint8Array.of(2)).position.fileNumber).toBe(1);
    expect(() => log.read(position)).toThrow(expect.objectContaining({ code: "ERR_FRAME_DAMAGED" }));
    log.close();
  });

  test("continues its numbers from a file in which no frame is left", () => {
    const folder = make();
    const { log } = reopened(folder, { ...OPTIONS, fileBytesMax: 50 });
    append(log, 3);
    for (const number of log.fileNumbers.slice(0, -1)) log.removeFile(number);
    log.close();
    const name = folder.list()[0] ?? "";
    const bytes = folder.read(name) ?? new Uint8Array(0);
    folder.replace(name, damaged(bytes));
    const { log: again, entries } = reopened(folder);
    expect(entries.map((entry) => entry.kind)).toEqual(["damaged"]);
    expect(again.nextNumber).toBe(2);
    again.close();
  });

  test("leaves the files of other logs alone", () => {
    const folder = make();
    folder.replace("other-00000000.cbor", Uint8Array.of(1));
    folder.replace("test-1.cbor", Uint8Array.of(1));
    const { log, entries } = reopened(folder);
    expect(entries).toEqual([]);
    expect(log.fileNumbers).toEqual([]);
  });
});

describe("a log refuses", () => {
  const contents: readonly [string, Uint8Array][] = [
    ["another format", frameBytes({ kind: 0, number: 0, content: Uint8Array.of(0x82, 0x61, 0x61, 0x01) })],
    [
      "another version",
      frameBytes({ kind: 0, number: 0, content: Uint8Array.of(0x82, 0x6d, ...utf8("pericard/test"), 2) }),
    ],
    ["a header that is no CBOR", frameBytes({ kind: 0, number: 0, content: Uint8Array.of(0xff) })],
  ];
  test.each(contents)("a file with %s", (_, bytes) => {
    const folder = createMemoryFolder(new Map([["test-00000000.cbor", bytes]]));
    expect(() => reopened(folder)).toThrow(expect.objectContaining({ code: "ERR_LOG_FORMAT" }));
  });

  test("to append a header", () => {
    expect(() => reopened(createMemoryFolder()).log.append(0, new Uint8Array(1))).toThrow(RangeError);
  });

  test("appends and syncs after it was closed", () => {
    const { log } = reopened(createMemoryFolder());
    append(log, 1);
    log.close();
    for (const work of [() => append(log, 1), () => log.sync()]) {
      expect(work).toThrow(expect.objectContaining({ code: "ERR_LOG_BROKEN" }));
    }
  });
});

test("a header in the middle of a file is damage and decides nothing", () => {
  const folder = createMemoryFolder();
  const { log } = reopened(folder);
  append(log, 1);
  folder.open("test-00000000.cbor").append([frameBytes({ kind: 0, number: 2 ** 40, content: Uint8Array.of(0xff) })]);
  log.close();
  const { log: again, entries } = reopened(folder);
  expect(entries.map((entry) => entry.kind)).toEqual(["frame", "damaged"]);
  expect(again.nextNumber).toBe(1);
});

describe("a disk that fails", () => {
  const noSpace = Object.assign(new Error("no space"), { code: "ENOSPC" });
  const ioError = Object.assign(new Error("input/output"), { code: "EIO" });
  const cases = [
    ["create", noSpace, "ERR_LOG_DISK_FULL"],
    ["create", ioError, "ERR_LOG_DISK"],
    ["append", noSpace, "ERR_LOG_DISK_FULL"],
    ["append", Object.assign(new Error("quota"), { code: "EDQUOT" }), "ERR_LOG_DISK_FULL"],
    ["append", ioError, "ERR_LOG_DISK"],
    ["sync", ioError, "ERR_LOG_DISK"],
  ] as const;

  test.each(cases)("at %s with %s gives %s and breaks the log", (operation, error, code) => {
    const folder = createMemoryFolder();
    const { log } = reopened(folder, { ...OPTIONS, fileBytesMax: 100 });
    append(log, 1);
    log.sync();
    folder.failWith((now) => (now === operation ? error : undefined));
    expect(() => {
      append(log, 1);
      log.sync();
    }).toThrow(expect.objectContaining({ code, cause: error, retryable: code === "ERR_LOG_DISK_FULL" }));
    folder.failWith(undefined);
    expect(() => append(log, 1)).toThrow(expect.objectContaining({ code: "ERR_LOG_BROKEN", cause: error }));
    expect(() => log.sync()).toThrow(expect.objectContaining({ code: "ERR_LOG_BROKEN" }));
    log.close();
    expect(numbersOf(reopened(folder).entries)[0]).toBe(0);
  });

  test.each(["append", "sync"] as const)("at the %s of a header leaves no file behind", (operation) => {
    const folder = createMemoryFolder();
    folder.failWith((now) => (now === operation ? noSpace : undefined));
    for (let i = 0; i < 3; i += 1) {
      expect(() => append(reopened(folder).log, 1)).toThrow(expect.objectContaining({ code: "ERR_LOG_DISK_FULL" }));
    }
    expect(folder.list()).toEqual([]);
  });

  test("can still be read, and a new log goes on with the numbers of the broken one", () => {
    const folder = createMemoryFolder();
    const { log } = reopened(folder);
    const first = log.append(1, Uint8Array.of(1));
    log.sync();
    folder.failWith(() => ioError);
    expect(() => append(log, 1)).toThrow();
    folder.failWith(undefined);
    expect(log.read(first.position).content).toEqual(Uint8Array.of(1));
    const numberMin = log.nextNumber;
    log.close();
    const next = FrameLog.open(folder, { ...OPTIONS, numberMin });
    expect(next.append(1, Uint8Array.of(2))).toMatchObject({ number: 1, position: { fileNumber: 1 } });
  });

  test("at a read is ERR_LOG_DISK, also while replaying", () => {
    const folder = createMemoryFolder();
    const { log } = reopened(folder);
    const { position } = log.append(1, Uint8Array.of(1));
    log.close();
    const unreadable: Folder = {
      ...folder,
      open: (name) => ({
        ...folder.open(name),
        sizeBytes: 10,
        read: () => {
          throw ioError;
        },
      }),
    };
    const broken = FrameLog.open(unreadable, OPTIONS);
    expect(() => [...broken.replay()]).toThrow(expect.objectContaining({ code: "ERR_LOG_DISK", cause: ioError }));
    expect(() => broken.read(position)).toThrow(expect.objectContaining({ code: "ERR_LOG_DISK", cause: ioError }));
  });

  test("at a removal breaks the log, which keeps its other files", () => {
    const folder = createMemoryFolder();
    const { log } = reopened(folder);
    append(log, 8);
    log.sync();
    folder.failWith((now) => (now === "sync" ? ioError : undefined));
    expect(() => log.removeFile(0)).toThrow(expect.objectContaining({ code: "ERR_LOG_DISK" }));
    expect(() => append(log, 1)).toThrow(expect.objectContaining({ code: "ERR_LOG_BROKEN" }));
    expect(folder.afterPowerCut(0).list()).toContain("test-00000000.cbor");
  });
});

test("a content of any size up to the limit is refused only above it, and the log goes on", () => {
  const { log } = reopened(createMemoryFolder());
  expect(() => log.append(1, new Uint8Array(20 * 1024 * 1024 + 4097))).toThrow(
    expect.objectContaining({ code: "ERR_FRAME_TOO_LARGE" }),
  );
  expect(log.append(1, new Uint8Array(1)).number).toBe(0);
});
