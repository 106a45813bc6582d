/** A small file system of its own that can be filled to its last byte: tmpfs, which root may mount. */
import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, rmdirSync, statfsSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LabError } from "../errors.ts";

const BALLAST = "ballast";
const CHUNK = new Uint8Array(64 * 1024);

/** The command that mounts one. */
export function mountCommand(path: string, megabytes: number): readonly [string, ...string[]] {
  return ["mount", "-t", "tmpfs", "-o", `size=${megabytes}m,mode=700`, "tmpfs", path];
}

function run([command, ...args]: readonly [string, ...string[]]): boolean {
  return spawnSync(command, args).status === 0;
}

/** Whether this process may mount. */
export function mayMount(): boolean {
  const path = mkdtempSync(join(tmpdir(), "pericard-mount-"));
  const mounted = run(mountCommand(path, 1));
  if (mounted) run(["umount", path]);
  rmdirSync(path);
  return mounted;
}

/** A mounted disk. */
export class SmallDisk {
  readonly path: string;

  /** Mounts it at a folder, which is made. @throws {LabError} ERR_CHILD_FAILED when that is not permitted. */
  constructor(path: string, megabytes: number) {
    mkdirSync(path, { recursive: true });
    if (!run(mountCommand(path, megabytes))) throw new LabError("ERR_CHILD_FAILED", `mount of ${path} failed`);
    this.path = path;
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.path);
    return bavail * bsize;
  }

  /** Leaves that many bytes free, or a page more or less. */
  fill(leaveBytes: number): void {
    const descriptor = openSync(join(this.path, BALLAST), "a");
    try {
      for (let left = this.freeBytes - leaveBytes; left > 0; left -= CHUNK.length) {
        writeSync(descriptor, CHUNK, 0, Math.min(left, CHUNK.length));
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    } finally {
      closeSync(descriptor);
    }
  }

  /** Takes what filled it away. */
  empty(): void {
    rmSync(join(this.path, BALLAST), { force: true });
  }

  unmount(): void {
    run(["umount", "-l", this.path]);
  }
}
