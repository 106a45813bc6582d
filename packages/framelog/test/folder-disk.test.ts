/** What only a real disk does: short writes, a file at its limit, a folder that cannot be written. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { FrameLog, openDiskFolder } from "@pericard/framelog";

const root = mkdtempSync(join(tmpdir(), "pericard-disk-"));
afterAll(() => rmSync(root, { recursive: true }));

/** Appends frames until the operating system refuses, in a process that may write files of 8 KiB at most. */
const WRITER = `
  import { FrameLog, openDiskFolder } from "@pericard/framelog";
  process.on("SIGXFSZ", () => undefined);
  const log = FrameLog.open(openDiskFolder(process.argv[1]), { name: "test", fileBytesMax: 2 ** 20 });
  const codes = [];
  let appended = 0;
  while (codes.length < 2) {
    try {
      log.append(1, new Uint8Array(1000).fill(appended));
      appended += 1;
    } catch (error) {
      codes.push(error.code);
    }
  }
  console.log(JSON.stringify({ appended, codes }));
`;

describe.runIf(process.platform === "linux")("a disk that takes a part of an append", () => {
  test("breaks the log, and what was appended before is whole", () => {
    const path = join(root, "limited");
    const script = `ulimit -f 16; exec "$0" --input-type=module -e "$1" "$2"`;
    const output = execFileSync("sh", ["-c", script, process.execPath, WRITER, path], {
      cwd: import.meta.dirname,
      encoding: "utf8",
    });
    const { appended, codes } = JSON.parse(output) as { appended: number; codes: string[] };
    expect(codes).toEqual(["ERR_LOG_DISK", "ERR_LOG_BROKEN"]);
    expect(statSync(join(path, "test-00000000.cbor")).size % 1024, "the file ends at its limit").toBe(0);
    const log = FrameLog.open(openDiskFolder(path), { name: "test", fileBytesMax: 2 ** 20 });
    const entries = [...log.replay()];
    expect(entries.map((entry) => entry.kind)).toEqual([...Array<string>(appended).fill("frame"), "cut"]);
    log.append(1, Uint8Array.of(7));
    log.close();
    expect(readFileSync(join(path, "test-00000001.cbor")).length).toBeGreaterThan(0);
  });
});

test("a folder that is gone is ERR_LOG_DISK with its cause", () => {
  const path = join(root, "gone");
  const log = FrameLog.open(openDiskFolder(path), { name: "test", fileBytesMax: 1000 });
  rmSync(path, { recursive: true });
  expect(() => log.append(1, new Uint8Array(1))).toThrow(
    expect.objectContaining({ code: "ERR_LOG_DISK", cause: expect.objectContaining({ code: "ENOENT" }) as Error }),
  );
});

test("a file that somebody else cuts while it is written breaks the log: nothing is acknowledged at a wrong place", () => {
  const path = join(root, "cut");
  const log = FrameLog.open(openDiskFolder(path), { name: "test", fileBytesMax: 2 ** 20 });
  log.append(1, new Uint8Array(1000));
  log.sync();
  truncateSync(join(path, "test-00000000.cbor"), 100);
  log.append(1, new Uint8Array(10));
  expect(() => log.sync()).toThrow(expect.objectContaining({ code: "ERR_LOG_DISK" }));
  expect(() => log.append(1, new Uint8Array(10))).toThrow(expect.objectContaining({ code: "ERR_LOG_BROKEN" }));
});

test("files and folders are for their owner alone", () => {
  const path = join(root, "private");
  const folder = openDiskFolder(path);
  folder.create("a").close();
  folder.replace("b", new Uint8Array(1));
  expect(statSync(path).mode & 0o777).toBe(0o700);
  for (const name of ["a", "b"]) expect(statSync(join(path, name)).mode & 0o777).toBe(0o600);
});
