/** A file system whose disk takes its time for every write: nbdkit's delay filter below a loop device. Root may make one. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LabError } from "../errors.ts";

const IMAGE_BYTES = 512 * 1024 * 1024;
const START_TRIES = 100;

function run(command: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status === 0) return stdout.trim();
  throw new LabError("ERR_CHILD_FAILED", `${command} ${args.join(" ")} failed: ${stderr}`);
}

/** A mounted slow disk. */
export class SlowDisk {
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
    run("mount", this.#loop, path);
  }

  /** Mounts one at `path`. @param writeDelayMs what each write of the disk takes; a sync has several. */
  static async open(path: string, writeDelayMs: number): Promise<SlowDisk> {
    const folder = mkdtempSync(join(tmpdir(), "pericard-slow-"));
    const image = join(folder, "image");
    writeFileSync(image, "");
    truncateSync(image, IMAGE_BYTES);
    run("mkfs.ext4", "-q", "-F", image);
    mkdirSync(join(folder, "disk"));
    const served = ["nbdkit", "-s", "--filter=delay", "file", image, `wdelay=${writeDelayMs}ms`];
    const fuse = spawn("nbdfuse", [join(folder, "disk"), "--command", ...served], { stdio: "ignore" });
    for (let tries = 1; !existsSync(join(folder, "disk", "nbd")); tries += 1) {
      if (tries === START_TRIES) throw new LabError("ERR_CHILD_FAILED", "nbdfuse serves nothing");
      await sleep(50);
    }
    return new SlowDisk(path, folder, fuse);
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
