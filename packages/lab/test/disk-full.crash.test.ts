/** Disks that fill up under a server, a gateway and a terminal: nothing is lost, and room alone makes it go on. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { defaultSettings, writeSettings } from "@pericard/server";
import { describe, test } from "vitest";
import { checkWhole, WHOLE } from "../src/crash/check-recording.ts";
import { checkStore } from "../src/crash/check-store.ts";
import type { Program } from "../src/crash/program.ts";
import { Site } from "../src/crash/site.ts";
import { mayMount, mountCommand, SmallDisk } from "../src/crash/small-disk.ts";
import { syntheticSource } from "../src/crash/sources.ts";
import { LabError } from "../src/errors.ts";
import { tell } from "./support/tell.ts";

const source = syntheticSource(31, 0.1);
const ARGS = [...source.args, "--segment-seconds", "1", "--json"];
const NOTHING_WRONG = { conflicts: 0, rejected: 0, gaps: 0, badMail: 0, waiting: 0, quarantined: 0 };
const VOLUMES = ["volume-1", "volume-2", "volume-3"] as const;
/** A volume keeps 16 MiB for itself: this leaves a few for packs. */
const VOLUME_MEGABYTES = 24;
/** Every program tries again after half a minute at most. */
const RECOVERY_MS = 90_000;

const skipped = !mayMount();
const command = mountCommand("/mnt", VOLUME_MEGABYTES).join(" ");
const without = skipped ? ` (skipped: this process may not "${command}"; run it as root)` : "";

interface Disks {
  readonly site: Site;
  disk(name: string, megabytes: number): SmallDisk;
}

/** A site whose disks are unmounted when the test is over. */
async function openSite(
  onTestFinished: (work: () => Promise<void>) => void,
  prepare: (disk: Disks["disk"], root: string) => void,
): Promise<Disks> {
  const disks: SmallDisk[] = [];
  let root = "";
  const disk = (name: string, megabytes: number): SmallDisk => {
    const mounted = new SmallDisk(join(root, name), megabytes);
    disks.push(mounted);
    return mounted;
  };
  const site = await Site.open((paths) => {
    root = paths.root;
    prepare(disk, paths.server);
  });
  onTestFinished(async () => {
    await site.stopRunning();
    for (const one of disks) one.unmount();
    await site.remove();
  });
  return { site, disk };
}

/** Writes a server's settings with volumes on disks of their own. */
function useVolumes(serverPath: string, volumes: readonly string[]): void {
  const clients = [{ name: "gateway", token: "token-of-the-gateway-of-a-test" }];
  writeSettings(serverPath, { ...defaultSettings(clients), port: 0, volumes });
}

/** Resolves once the terminal has that many segments without a receipt and none more comes for a while. */
async function untilStuck(folder: string, terminal: Program): Promise<number> {
  const items = (): number => {
    try {
      const status = JSON.parse(readFileSync(join(folder, "status.json"), "utf8")) as { journal: { items: number } };
      return status.journal.items;
    } catch {
      return -1;
    }
  };
  for (let last = -1, same = 0; ; last = items()) {
    if (!terminal.running) return 0;
    await sleep(500);
    same = items() === last && last > 0 ? same + 1 : 0;
    if (same >= 5) return last;
  }
}

/** Waits until the terminal has finished by itself. @returns the seconds that it took. @throws with what the server said. */
async function recovery(site: Site, terminal: Program): Promise<number> {
  const startedMs = performance.now();
  const waiting = new AbortController();
  const late = sleep(RECOVERY_MS, undefined, { signal: waiting.signal }).then(() => {
    const log = site.station("server").log.slice(-2).join(" | ");
    throw new LabError("ERR_CHILD_FAILED", `nothing went on ${RECOVERY_MS / 1000} s after there was room: ${log}`);
  });
  late.catch(() => undefined);
  await Promise.race([terminal.success(), late]).finally(() => waiting.abort());
  return Math.round((performance.now() - startedMs) / 1000);
}

/** Files of a terminal's journal. */
function journalOf(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => name.startsWith("journal-"));
}

describe.skipIf(skipped)(`disks that are full${without}`, () => {
  for (const fullCount of [1, 2] as const) {
    test.concurrent(`${fullCount} of 3 volumes of a server`, async ({ expect, onTestFinished }) => {
      const startedMs = performance.now();
      const volumes: SmallDisk[] = [];
      const { site } = await openSite(onTestFinished, (disk, serverPath) => {
        volumes.push(...VOLUMES.map((name) => disk(name, VOLUME_MEGABYTES)));
        useVolumes(
          serverPath,
          volumes.map(({ path }) => path),
        );
      });
      await site.startAll();
      const folder = site.deploy(1);
      for (const volume of volumes.slice(0, fullCount)) volume.fill(0);
      const terminal = site.spawn(["terminal", "record", "--data", folder, ...ARGS]);
      const waited = await untilStuck(folder, terminal);
      for (const volume of volumes) volume.empty();
      const recoverySeconds = await recovery(site, terminal);
      expect(terminal.lines.at(-1)).toMatchObject(NOTHING_WRONG);
      expect(await checkWhole(await site.signIn(), 1, source)).toEqual(WHOLE);
      await site.stopAll();
      expect(checkStore(site).faults).toEqual([]);
      tell(`${fullCount} volumes full`, { waited, recoverySeconds }, startedMs);
    });
  }

  test.concurrent("the spool of a gateway", async ({ expect, onTestFinished }) => {
    const startedMs = performance.now();
    const { site, disk } = await openSite(onTestFinished, () => undefined);
    const spool = disk("gateway", 4);
    await site.startAll();
    const folder = site.deploy(1);
    spool.fill(16 * 1024);
    const terminal = site.spawn(["terminal", "record", "--data", folder, ...ARGS]);
    const waited = await untilStuck(folder, terminal);
    expect(waited).toBe(Math.ceil(source.frameCount / 500) + 1);
    spool.empty();
    const recoverySeconds = await recovery(site, terminal);
    expect(terminal.lines.at(-1)).toMatchObject(NOTHING_WRONG);
    expect(await checkWhole(await site.signIn(), 1, source)).toEqual(WHOLE);
    await site.stopAll();
    expect(checkStore(site).faults).toEqual([]);
    tell("spool full", { waited, recoverySeconds }, startedMs);
  });

  test.concurrent("the journal of a terminal", async ({ expect, onTestFinished }) => {
    const startedMs = performance.now();
    const { site, disk } = await openSite(onTestFinished, () => undefined);
    const journal = disk("terminals", 3);
    await site.startAll();
    const folder = site.deploy(1);
    site.links.gateway.cut("refused");
    journal.fill(600 * 1024);
    const args = ["terminal", "record", "--data", folder, ...ARGS];
    const stopped = site.spawn(args);
    expect(await stopped.ended).toEqual({ code: 1, signal: null });
    expect(stopped.log.join("\n")).toContain("ERR_JOURNAL_DISK_FULL");
    site.links.gateway.heal();
    journal.empty();
    const again = site.spawn(args);
    await again.success();
    expect(again.lines.at(-1)).toMatchObject(NOTHING_WRONG);
    expect(await checkWhole(await site.signIn(), 1, source)).toEqual(WHOLE);
    await site.stopAll();
    expect(checkStore(site).faults).toEqual([]);
    tell("journal full", {}, startedMs);
  });

  test.concurrent("the disk of a terminal, to its last byte: an upload alone frees it", async ({
    expect,
    onTestFinished,
  }) => {
    const startedMs = performance.now();
    const { site, disk } = await openSite(onTestFinished, () => undefined);
    const terminals = disk("terminals", 3);
    await site.startAll();
    const folder = site.deploy(1);
    site.links.gateway.cut("refused");
    terminals.fill(600 * 1024);
    const stopped = site.spawn(["terminal", "record", "--data", folder, ...ARGS]);
    expect(await stopped.ended).toEqual({ code: 1, signal: null });
    expect(stopped.log.join("\n")).toContain("ERR_JOURNAL_DISK_FULL");
    terminals.fill(0);
    expect(terminals.freeBytes).toBe(0);
    site.links.gateway.heal();
    const waited = journalOf(folder).length;
    const upload = site.spawn(["terminal", "upload", "--data", folder, "--json"]);
    await upload.success();
    expect(upload.lines.at(-1)).toMatchObject(NOTHING_WRONG);
    expect(journalOf(folder).length).toBeLessThan(waited);
    expect(terminals.freeBytes).toBeGreaterThan(256 * 1024);
    expect(statSync(join(folder, "terminal.reserve")).size).toBeGreaterThanOrEqual(32 * 1024);
    terminals.empty();
    const again = site.spawn(["terminal", "record", "--data", folder, ...ARGS]);
    await again.success();
    expect(again.lines.at(-1)).toMatchObject(NOTHING_WRONG);
    expect(statSync(join(folder, "terminal.reserve")).size).toBe(64 * 1024);
    expect(await checkWhole(await site.signIn(), 1, source)).toEqual(WHOLE);
    await site.stopAll();
    expect(checkStore(site).faults).toEqual([]);
    tell("terminal full to the last byte", {}, startedMs);
  });
});
