/**
 * A file system on an image whose power can be cut: what was not synced is gone, as after a real cut. Root may make one.
 *
 * Source: xfs_io(8), `shutdown`: the file system stops at once, without its log being flushed; it works on ext4 too.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LabError } from "../errors.ts";
import { unmount } from "./unmount.ts";

/** Kinds of file systems that are tried, with the command that makes one on an image. */
export const POWER_DISK_KINDS = {
  ext4: ["mkfs.ext4", "-q", "-F"],
  xfs: ["mkfs.xfs", "-q", "-f"],
} as const;
export type PowerDiskKind = keyof typeof POWER_DISK_KINDS;

/** XFS takes no smaller one. */
const IMAGE_BYTES = 512 * 1024 * 1024;

function run(command: string, ...args: readonly string[]): { readonly worked: boolean; readonly said: string } {
  const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
  return { worked: status === 0, said: stderr ?? "" };
}

function require(command: string, ...args: readonly string[]): void {
  const { worked, said } = run(command, ...args);
  if (!worked) throw new LabError("ERR_CHILD_FAILED", `${command} ${args.join(" ")} failed: ${said}`);
}

/** A mounted image. */
export class PowerDisk {
  readonly path: string;
  readonly #image: string;

  /** Makes the image in a folder of its own and mounts it at `path`, which is made. @throws {LabError} ERR_CHILD_FAILED. */
  constructor(path: string, kind: PowerDiskKind) {
    this.path = path;
    this.#image = join(mkdtempSync(join(tmpdir(), "pericard-power-")), "image");
    writeFileSync(this.#image, "");
    truncateSync(this.#image, IMAGE_BYTES);
    const [command, ...args] = POWER_DISK_KINDS[kind];
    require(command, ...args, this.#image);
    mkdirSync(path, { recursive: true });
    this.mount();
  }

  /** Power is back. The file system's own log is replayed. */
  mount(): void {
    require("mount", "-o", "loop", this.#image, this.path);
  }

  /** Nothing reaches the disk any more, and programs get EIO. */
  cut(): void {
    require("xfs_io", "-x", "-c", "shutdown", this.path);
  }

  /** Takes it down; waits up to ten seconds for those who still have a file open. */
  async unmount(): Promise<void> {
    await unmount(this.path);
  }

  /** Takes everything away, also when it is in use. */
  remove(): void {
    run("umount", "-l", this.path);
    rmSync(join(this.#image, ".."), { recursive: true, force: true });
  }
}

/** Programs that disks which fail are made with, and the packages that have them. */
const PROGRAMS = {
  xfs_io: "xfsprogs",
  "mkfs.xfs": "xfsprogs",
  "mkfs.ext4": "e2fsprogs",
  nbdkit: "nbdkit",
  nbdfuse: "libnbd-bin",
  fusermount3: "fuse3",
} as const;

/** What a machine lacks for disks that fail, as a command that brings it; undefined when nothing is missing. */
export function diskRemedy(): string | undefined {
  const packages = Object.entries(PROGRAMS)
    .filter(([command]) => spawnSync(command, ["-V"]).error)
    .map(([, name]) => name);
  if (packages.length > 0) return `apt-get install ${[...new Set(packages)].join(" ")}`;
  const path = mkdtempSync(join(tmpdir(), "pericard-mount-"));
  try {
    new PowerDisk(path, "ext4").remove();
    return undefined;
  } catch {
    return "run it as root, with loop devices";
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}
