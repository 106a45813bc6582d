/** One file system of three fails under load: no receipt without its copies, the others go on, its state shows, it comes back. */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { defaultSettings, writeSettings } from "@pericard/server";
import { describe, test } from "vitest";
import { checkStore } from "../src/crash/check-store.ts";
import { PoorDisk } from "../src/crash/poor-disk.ts";
import { diskRemedy } from "../src/crash/power-disk.ts";
import { Site } from "../src/crash/site.ts";

import { LOAD_CLIENT, startLoad } from "../src/crash/site-load.ts";
import { LabError } from "../src/errors.ts";
import { tell } from "./support/tell.ts";

const WATCH_MS = 3000;
const LANES = 16;
/** Far below what three volumes take, so that what is measured is the waiting. */
const PER_SECOND = 40;
/** A volume has ten seconds for an answer, and is asked again every five. */
const NOTICED_MS = 30_000;

interface Fault {
  readonly name: string;
  /** What /healthz says of it then; undefined for a volume that works and is only slow. */
  readonly state: "down" | "full" | undefined;
  /** How long the load is watched from its beginning on. */
  readonly watchMs: number;
  begin(disk: PoorDisk): void | Promise<void>;
  end(disk: PoorDisk): void | Promise<void>;
}

function run(command: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new LabError("ERR_CHILD_FAILED", `${command} ${args.join(" ")} failed: ${stderr}`);
}

/** Errors of a disk make a file system stop or turn read-only, until it is mounted again. */
async function mend(disk: PoorDisk): Promise<void> {
  disk.repair();
  await disk.unmount();
  disk.mount();
}

const FAULTS: readonly Fault[] = [
  {
    name: "is full",
    state: "full",
    watchMs: WATCH_MS,
    begin: ({ path }) => {
      mkdirSync(join(path, "ballast"));
      spawnSync("fallocate", ["-l", "2G", join(path, "ballast", "one")]);
      spawnSync("sh", ["-c", 'dd if=/dev/zero of="$1" bs=1M', "sh", join(path, "ballast", "two")]);
    },
    end: ({ path }) => rmSync(join(path, "ballast"), { recursive: true }),
  },
  {
    name: "is read-only",
    state: "down",
    watchMs: WATCH_MS,
    // As the kernel does after an error of the disk, with files open for writing.
    begin: ({ path }) => {
      run("mount", "-o", "remount,errors=remount-ro", path);
      const { stdout } = spawnSync("findmnt", ["-n", "-o", "SOURCE", path], { encoding: "utf8" });
      writeFileSync(join("/sys/fs/ext4", basename(stdout.trim()), "trigger_fs_error"), "x");
    },
    end: async (disk) => {
      await disk.unmount();
      disk.mount();
    },
  },
  {
    name: "hangs",
    state: "down",
    watchMs: 13_000,
    begin: ({ path }) => run("fsfreeze", "-f", path),
    end: ({ path }) => run("fsfreeze", "-u", path),
  },
  {
    name: "gives EIO",
    state: "down",
    watchMs: WATCH_MS,
    begin: (disk) => disk.break(),
    end: mend,
  },
  {
    name: "is gone",
    state: "down",
    watchMs: WATCH_MS,
    begin: (disk) => {
      disk.break();
      return disk.unmount();
    },
    end: (disk) => {
      disk.repair();
      disk.mount();
    },
  },
];

const remedy = diskRemedy();
const without = remedy === undefined ? "" : ` (skipped: ${remedy})`;
const skipped = remedy !== undefined && process.env["CI"] !== "true";

async function healthOf(site: Site): Promise<string> {
  const { url } = await site.station("server").ready;
  const response = await fetch(`${String(url)}/healthz`);
  return JSON.stringify(await response.json());
}

async function until(site: Site, what: string, holds: (health: string) => boolean): Promise<number> {
  const startedMs = performance.now();
  for (;;) {
    const health = await healthOf(site);
    const tookMs = performance.now() - startedMs;
    if (holds(health)) return tookMs;
    if (tookMs > NOTICED_MS) throw new LabError("ERR_CHILD_FAILED", `${what} is not seen: ${health}`);
    await sleep(100);
  }
}

const VOLUMES = ["volumes/one", "volumes/two", "volumes/three"] as const;

function openSite(): Promise<Site> {
  return Site.open(({ server }) => {
    writeSettings(server, { ...defaultSettings([LOAD_CLIENT]), port: 0, volumes: VOLUMES });
  });
}

describe.skipIf(skipped)(`one of three file systems${without}`, () => {
  test.for(FAULTS)("$name", async (fault, { expect, onTestFinished }) => {
    const startedMs = performance.now();
    const site = await openSite();
    const disk = await PoorDisk.open(join(site.paths.server, VOLUMES[2]), { writeDelayMs: 0 });
    onTestFinished(async () => {
      await site.stopRunning();
      await disk.remove();
      await site.remove();
    });
    await site.start("server").ready;
    const load = startLoad(site, { lanes: LANES, perSecondMax: PER_SECOND });
    await load.watch(2000);
    const before = await load.watch(WATCH_MS);
    const failing = load.watch(fault.watchMs);
    await fault.begin(disk);
    const noticedMs = await until(site, fault.name, (health) => health.includes(`"state":"${fault.state}"`));
    const whileFailing = await failing;
    const during = await load.watch(WATCH_MS);
    await fault.end(disk);
    const backMs = await until(site, "its end", (health) => !/"state":"(down|full|recovering)"/.test(health));
    const after = await load.watch(WATCH_MS);
    await load.stop();
    await site.station("server").stop();

    const { faults, ...counts } = checkStore(site);
    expect(faults).toEqual([]);
    expect(site.receipts.copies.size).toBeGreaterThan(0);
    expect([...site.receipts.copies.values()].every((copies) => copies === 2)).toBe(true);
    expect(whileFailing.latencyMs.max).toBeLessThan(6000);
    expect(during.perSecond).toBeGreaterThan(0.5 * before.perSecond);
    expect(after.perSecond).toBeGreaterThan(0.5 * before.perSecond);
    tell(`one volume ${fault.name}`, { before, noticedMs, whileFailing, during, backMs, after, ...counts }, startedMs);
  });

  test("takes 200 ms for a sync", async ({ expect, onTestFinished }) => {
    const startedMs = performance.now();
    const site = await openSite();
    const slow = await PoorDisk.open(join(site.paths.server, VOLUMES[2]), { writeDelayMs: 60 });
    onTestFinished(async () => {
      await site.stopRunning();
      await slow.remove();
      await site.remove();
    });
    await site.start("server").ready;
    const load = startLoad(site, { lanes: LANES, perSecondMax: PER_SECOND });
    await load.watch(2000);
    const during = await load.watch(2 * WATCH_MS);
    await load.stop();
    await site.station("server").stop();
    const { faults, ...counts } = checkStore(site);
    expect(faults).toEqual([]);
    expect(during.perSecond).toBeGreaterThan(0.5 * PER_SECOND);
    tell("one volume slow", { during, ...counts }, startedMs);
  });
});
