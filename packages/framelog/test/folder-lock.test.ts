import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { FrameLog, lockFolder, openDiskFolder } from "@pericard/framelog";

const root = mkdtempSync(join(tmpdir(), "pericard-lock-"));
afterAll(() => rmSync(root, { recursive: true }));

const LOCKED = expect.objectContaining({ code: "ERR_FOLDER_LOCKED", retryable: false }) as Error;

test("a folder is locked once, until it is released", () => {
  const path = join(root, "once");
  const lock = lockFolder(path);
  expect(() => lockFolder(path)).toThrow(LOCKED);
  lock.release();
  lock.release();
  lockFolder(path).release();
});

test("folders are locked one by one, and a lock is in no log's way", () => {
  const first = lockFolder(join(root, "first"));
  const second = lockFolder(join(root, "second"));
  const log = FrameLog.open(openDiskFolder(join(root, "first")), { name: "test", fileBytesMax: 100 });
  expect(log.append(1, new Uint8Array(1)).number).toBe(0);
  log.close();
  first.release();
  second.release();
});

test("a killed process leaves its folder free", async () => {
  const path = join(root, "killed");
  const program = `
    import { lockFolder } from "@pericard/framelog";
    lockFolder(process.argv[1]);
    console.log("locked");
    setInterval(() => undefined, 1000);
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program, path], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  expect(() => lockFolder(path)).toThrow(LOCKED);
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
  lockFolder(path).release();
});

test("a folder that cannot be made is ERR_LOG_DISK", () => {
  writeFileSync(join(root, "file"), "");
  expect(() => lockFolder(join(root, "file"))).toThrow(expect.objectContaining({ code: "ERR_LOG_DISK" }));
});
