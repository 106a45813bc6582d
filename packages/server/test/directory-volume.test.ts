/** Directories as volumes: real threads and files. */
import { systemRandom } from "@pericard/crypto";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { openInProcessChannel } from "../src/channels/in-process-channel.ts";
import { openDirectoryVolume } from "../src/volumes/directory-volume.ts";
import { STORED_KIND, type StoredItem, type Volume } from "../src/volumes/volume.ts";
import { packsOf, temporaryFolder } from "./support/test-server.ts";
import { describeVolumeContract, scanned } from "./volume-contract.ts";

const clock = { nowMs: 0 };
const timing = { deadlineMs: 10_000 };
const cleaning: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  timing.deadlineMs = 10_000;
  for (const clean of cleaning.splice(0).toReversed()) await clean();
});

function folder(): string {
  const path = temporaryFolder();
  cleaning.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const now = (): number => clock.nowMs;

async function open(path: string): Promise<Volume> {
  const volume = await openDirectoryVolume(path, {
    monotonicMs: now,
    nowUnixMs: now,
    retryMs: 5000,
    random: systemRandom,
    get deadlineMs() {
      return timing.deadlineMs;
    },
  });
  cleaning.push(() => volume.close());
  return volume;
}

const item = (sizeBytes: number): StoredItem => ({ kind: STORED_KIND.package, bytes: systemRandom(sizeBytes) });

/** Damages the pack of a copy while no volume is open. */
function harmPack(path: string, harm: (bytes: Uint8Array) => Uint8Array): void {
  const [pack = ""] = packsOf(path);
  writeFileSync(pack, harm(readFileSync(pack)));
}

describeVolumeContract("a directory", clock, async () => {
  const path = join(folder(), "volume");
  return {
    open: async () => open(path),
    harm: async (_, harm) => harmPack(path, harm),
    takeAway: async () => renameSync(path, `${path}.gone`),
    bringBack: async () => renameSync(`${path}.gone`, path),
  };
});

test("what is more than a pack holds goes to a new one", async () => {
  const path = folder();
  const volume = await open(path);
  const copies = await volume.append(Array.from({ length: 5 }, () => item(15 * 1024 * 1024)));
  expect(new Set(copies.map(({ fileNumber }) => fileNumber)).size).toBeGreaterThan(1);
  expect(packsOf(path)).toHaveLength(2);
  await volume.close();
  const again = await open(path);
  const [more] = await again.append([item(5)]);
  expect(more?.fileNumber).toBe(2);
});

describe("a volume that misses its deadline", () => {
  test("is down, refuses at once what waited behind it, and is probed after a pause", async () => {
    const volume = await open(folder());
    const channel = openInProcessChannel(volume);
    timing.deadlineMs = 1;
    const large = channel.send(item(20 * 1024 * 1024));
    await Promise.resolve();
    await Promise.resolve();
    const behind = channel.send(item(10));
    await expect(large).rejects.toMatchObject({ code: "ERR_VOLUME_DOWN", retryable: true });
    const failedAt = performance.now();
    await expect(behind).rejects.toMatchObject({ code: "ERR_VOLUME_DOWN" });
    expect(performance.now() - failedAt).toBeLessThan(50);
    expect([volume.state, channel.state]).toEqual(["down", "down"]);
    expect(volume.report).toMatchObject({ reason: "did not answer within 1 ms", sinceUnixMs: clock.nowMs });
    timing.deadlineMs = 10_000;
    await expect(volume.append([item(1)])).rejects.toMatchObject({ code: "ERR_VOLUME_DOWN" });
    clock.nowMs += 5001;
    await expect.poll(() => channel.state, { timeout: 10_000 }).toBe("idle");
    expect(volume.report).toMatchObject({ reason: null, sinceUnixMs: clock.nowMs });
    const one = item(30);
    const [copy] = await volume.append([one]);
    expect(copy && (await volume.read(copy))).toEqual(one.bytes);
    expect((await scanned(volume)).map(({ bytes }) => bytes.length)).toContain(30);
  });

  test("gets nothing while its probe is under way, and none when that fails", async () => {
    const path = folder();
    const volume = await open(path);
    timing.deadlineMs = 1;
    await expect(volume.append([item(20 * 1024 * 1024)])).rejects.toMatchObject({ code: "ERR_VOLUME_DOWN" });
    timing.deadlineMs = 3000;
    // Whoever opens a pipe to write waits for its reader.
    execFileSync("mkfifo", [join(path, "probe.tmp")]);
    clock.nowMs += 5001;
    await expect.poll(() => volume.state).toBe("recovering");
    expect(openInProcessChannel(volume).state).toBe("recovering");
    await expect(volume.append([item(1)])).rejects.toMatchObject({ code: "ERR_VOLUME_DOWN" });
    await expect.poll(() => volume.state, { timeout: 10_000 }).toBe("down");
    expect(volume.report.reason).toMatch(/did not answer within 3000 ms/);
    expect(readFileSync(join(path, "probe.tmp"))).toBeDefined();
    rmSync(join(path, "probe.tmp"));
    timing.deadlineMs = 10_000;
    await expect
      .poll(
        () => {
          clock.nowMs += 5001;
          return volume.state;
        },
        { timeout: 20_000 },
      )
      .toBe("up");
  });

  test("when it is opened is refused", async () => {
    const path = folder();
    execFileSync("mkfifo", [join(path, "volume.json")]);
    timing.deadlineMs = 500;
    await expect(open(path)).rejects.toMatchObject({ code: "ERR_VOLUME_DOWN" });
    writeFileSync(join(path, "volume.json"), "");
  });
});

test("another folder in the place of a volume's is not taken for it, nor made a new one", async () => {
  const path = join(folder(), "volume");
  const volume = await open(path);
  const [first] = await volume.append([item(1)]);
  renameSync(path, `${path}.gone`);
  await expect(volume.append([item(1)])).rejects.toMatchObject({ code: "ERR_VOLUME_DOWN" });
  expect(first && (await volume.read(first))).toHaveLength(1);
  mkdirSync(path);
  clock.nowMs += 5001;
  await expect.poll(() => volume.report.reason).toContain("is its file system mounted?");
  expect(readdirSync(path)).toEqual([]);
  renameSync(path, `${path}.empty`);
  renameSync(`${path}.gone`, path);
  clock.nowMs += 5001;
  await expect.poll(() => volume.state).toBe("up");
});

test("a folder is one volume's at a time", async () => {
  const path = folder();
  const volume = await open(path);
  await expect(open(path)).rejects.toMatchObject({ code: "ERR_FOLDER_LOCKED" });
  await volume.close();
  await open(path);
});

test("an append is acknowledged when every byte of it was synced", () => {
  const trace = join(folder(), "trace");
  const [tracer = "", program = ""] = ["trace-disk.ts", "append-once.ts"].map((name) =>
    join(import.meta.dirname, "support", name),
  );
  execFileSync(process.execPath, ["--import", tracer, program, folder()], {
    env: { ...process.env, PERICARD_TRACE: trace },
  });
  const unsynced = new Set<string>();
  let acknowledged = 0;
  for (const line of readFileSync(trace, "utf8").trim().split("\n")) {
    const [what, descriptor = ""] = line.split(" ");
    if (what === "write") unsynced.add(descriptor);
    if (what === "sync") unsynced.delete(descriptor);
    if (what !== "acknowledged") continue;
    expect([...unsynced]).toEqual([]);
    acknowledged += 1;
  }
  expect(acknowledged).toBe(2);
});

test.each(["{}", '{"id":"../../etc"}', '{"id":7}', "null", "not json", ""])(
  "an identity of %s is refused",
  async (text) => {
    const path = folder();
    writeFileSync(join(path, "volume.json"), text);
    await expect(open(path)).rejects.toMatchObject({ code: "ERR_VOLUME_IDENTITY" });
  },
);

/** Whether this process may make a file system of a few megabytes. */
function mountSmall(path: string): boolean {
  try {
    mkdirSync(path, { recursive: true });
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=24m", "tmpfs", path], { stdio: "ignore" });
    cleaning.push(() => void execFileSync("umount", ["-l", path]));
    return true;
  } catch {
    return false;
  }
}

test("a full file system makes the volume full, and room makes it up again", async (context) => {
  const path = join(folder(), "small");
  if (!mountSmall(path)) return context.skip("needs root, to mount a tmpfs of 24 MB");
  const volume = await open(path);
  const [copy] = await volume.append([item(4 * 1024 * 1024)]);
  const filler = join(path, "filler");
  writeFileSync(filler, new Uint8Array(3 * 1024 * 1024));
  await expect(volume.append([item(3 * 1024 * 1024)])).rejects.toMatchObject({ code: "ERR_VOLUME_FULL" });
  expect(volume.state).toBe("full");
  await expect(volume.append([item(1)])).rejects.toMatchObject({ code: "ERR_VOLUME_FULL" });
  expect(copy && (await volume.read(copy))).toHaveLength(4 * 1024 * 1024);
  rmSync(filler);
  clock.nowMs += 5001;
  await expect.poll(() => volume.state).toBe("up");
  await volume.append([item(1024)]);
});
