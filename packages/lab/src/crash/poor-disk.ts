/** A file system on a disk that may be slow or fail: filters of nbdkit below a loop device. Root may make one. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LabError } from "../errors.ts";
import { unmount } from "./unmount.ts";

const IMAGE_BYTES = 512 * 1024 * 1024;
const START_TRIES = 100;
/** The file that makes the disk fail while it is there. */
const BROKEN = "broken";

function run(command: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status === 0) return stdout.trim();
  throw new LabError("ERR_CHILD_FAILED", `${command} ${args.join(" ")} failed: ${stderr}`);
}

/** How a disk is poor. */
export interface Poverty {
  /** What each write of the disk takes, in milliseconds; a sync has several. */
  readonly writeDelayMs: number;
}

/** A mounted poor disk. */
export class PoorDisk {
  readonly path: string;
  readonly #folder: string;
  readonly #fuse: ChildProcess;
  readonly #loop: string;

  private constructor(path: string, folder: string, fuse: ChildProcess) {
    this.path = path;
    this.#folder = folder;
    this.#fuse = fuse;
    this.#loop = run("losetup", "-f", "--show", join(folder, "disk", "nbd"));
    mkdirSync(path, { recursive: true });
    this.mount();
  }

  /** Mounts one at `path`. */
  static async open(path: string, { writeDelayMs }: Poverty): Promise<PoorDisk> {
    const folder = mkdtempSync(join(tmpdir(), "pericard-poor-"));
    const image = join(folder, "image");
    writeFileSync(image, "");
    truncateSync(image, IMAGE_BYTES);
    run("mkfs.ext4", "-q", "-F", image);
    mkdirSync(join(folder, "disk"));
    const filters = ["--filter=error", "--filter=delay"];
    const settings = [`wdelay=${writeDelayMs}ms`, "error=EIO", `error-file=${join(folder, BROKEN)}`, "error-rate=100%"];
    const served = ["nbdkit", "-s", ...filters, "file", image, ...settings];
    const fuse = spawn("nbdfuse", [join(folder, "disk"), "--command", ...served], { stdio: "ignore" });
    for (let tries = 1; !existsSync(join(folder, "disk", "nbd")); tries += 1) {
      if (tries === START_TRIES) throw new LabError("ERR_CHILD_FAILED", "nbdfuse serves nothing");
      await sleep(50);
    }
    return new PoorDisk(path, folder, fuse);
  }

  /** From now on every request of the file system is answered with EIO. */
  break(): void {
    writeFileSync(join(this.#folder, BROKEN), "");
  }

  /** The disk works again; what the file system made of it is another matter: mount it anew. */
  repair(): void {
    rmSync(join(this.#folder, BROKEN));
  }

  mount(): void {
    run("mount", this.#loop, this.path);
  }

  /** Takes it down; waits up to ten seconds for those who still have a file open. */
  async unmount(): Promise<void> {
    await unmount(this.path);
  }

  async remove(): Promise<void> {
    spawnSync("umount", ["-l", this.path]);
    spawnSync("losetup", ["-d", this.#loop]);
    const ended = new Promise((resolve) => this.#fuse.once("exit", resolve));
    spawnSync("fusermount3", ["-u", "-z", join(this.#folder, "disk")]);
    this.#fuse.kill("SIGTERM");
    await ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
