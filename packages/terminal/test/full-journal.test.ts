import { toHex } from "@pericard/protocol";
import { beforeEach, describe, expect, test } from "vitest";
import { fileSource, PushSource, samplesOf } from "./support/array-source.ts";
import { NEVER, openBench, record, until } from "./support/bench.ts";
import { Installation } from "./support/deployed.ts";
import { deployBench, recorded, SECOND, upload, type UploadBench } from "./support/uploads.ts";

const shared = new Installation();
let bench: UploadBench;

beforeEach(() => {
  bench = deployBench(shared);
});

const small = { segmentLengthMs: 1000, journalLimitBytes: 16_384 };

/** Flips a byte inside one sealed segment of the newest journal file. */
function flipItem(which: number): void {
  const name = bench.folder.list().findLast((file) => file.startsWith("journal-")) ?? "";
  const bytes = bench.folder.bytesOf(name);
  const starts: number[] = [];
  for (let at = 0; at < bytes.length - 4; at += 1) {
    if (toHex(bytes.subarray(at, at + 4)) === "d9d9f784") starts.push(at);
  }
  const at = (starts[which + 1] ?? 0) + 300;
  bytes[at] = (bytes[at] ?? 0) ^ 4;
}

describe("a full journal", () => {
  test("stops a live source, keeps what is there, and says so", async () => {
    const { terminal } = openBench(bench.folder, bench.server, { profile: small });
    const source = new PushSource();
    source.push(10_000);
    await expect(record(terminal, source)).rejects.toMatchObject({ code: "ERR_JOURNAL_FULL", retryable: true });
    const { items, bytes, limitBytes } = terminal.status().journal;
    expect(items).toBeGreaterThan(5);
    expect(bytes).toBeLessThanOrEqual(limitBytes);
    await upload({ terminal });
    expect(bench.server.samplesOf(bench.server.recordings[0] ?? "")[0]).toEqual(samplesOf(0, 0, 100 * items));
  });

  test("makes a file wait for receipts while uploads run", async () => {
    const { terminal, events } = openBench(bench.folder, bench.server, { profile: small });
    await terminal.record(fileSource(10_000), { signal: NEVER, upload: true });
    expect(events.some(({ type }) => type === "waiting-for-room")).toBe(true);
    expect(bench.server.samplesOf(bench.server.recordings[0] ?? "")[0]).toEqual(samplesOf(0, 0, 10_000));
  });

  test("stops a file without uploads, which goes on later where it stopped", async () => {
    const { terminal } = openBench(bench.folder, bench.server, { profile: small });
    await expect(record(terminal, fileSource(10_000))).rejects.toMatchObject({ code: "ERR_JOURNAL_FULL" });
    await upload({ terminal });
    await terminal.record(fileSource(10_000), { signal: NEVER, upload: true });
    expect(bench.server.recordings).toHaveLength(1);
    expect(bench.server.samplesOf(bench.server.recordings[0] ?? "")[0]).toEqual(samplesOf(0, 0, 10_000));
  });

  test("a file that waits for room can be aborted", async () => {
    const { terminal, events } = openBench(bench.folder, bench.server, { profile: small });
    bench.server.judge = () => "silent";
    const stop = new AbortController();
    const recording = terminal.record(fileSource(10_000), { signal: stop.signal, upload: true, graceMs: 10 });
    await until(() => events.some(({ type }) => type === "waiting-for-room"), "full");
    stop.abort();
    expect((await recording).pendingItems).toBeGreaterThan(0);
  });
});

describe("a failing disk", () => {
  test("a full one stops the recording, uploads free it, and a new run goes on", async () => {
    const { terminal } = openBench(bench.folder, bench.server, { profile: SECOND });
    terminal.onEvent((event) => {
      if (event.type === "segment" && event.sequence === 40) {
        bench.folder.failWith((operation) =>
          operation === "append" ? Object.assign(new Error("full"), { code: "ENOSPC" }) : undefined,
        );
      }
    });
    await expect(record(terminal, fileSource(10_000))).rejects.toMatchObject({ code: "ERR_JOURNAL_DISK_FULL" });
    expect(terminal.status().journal.failure).toBe("ERR_JOURNAL_DISK_FULL");
    await upload({ terminal });
    bench.folder.failWith(undefined);
    terminal.close();
    const again = openBench(bench.folder, bench.server, { profile: SECOND });
    await again.terminal.record(fileSource(10_000), { signal: NEVER, upload: true });
    expect(bench.server.recordings).toHaveLength(1);
    expect(bench.server.samplesOf(bench.server.recordings[0] ?? "")[0]).toEqual(samplesOf(0, 0, 10_000));
  });
});

/** The bench's folder, on a disk that replaces no file while `full` says so. */
function fillable(): { folder: UploadBench["folder"]; disk: { full: boolean } } {
  const disk = { full: true };
  const { folder } = bench;
  const replace = (name: string, contents: Uint8Array): void => {
    if (disk.full) throw Object.assign(new Error("full"), { code: "ENOSPC" });
    folder.replace(name, contents);
  };
  return { folder: { ...folder, replace }, disk };
}

describe("a disk that takes no counters", () => {
  test("stops a recording with a code of its own, and a new run goes on", async () => {
    const { folder, disk } = fillable();
    const { terminal } = openBench(folder, bench.server, { profile: SECOND });
    await expect(record(terminal, fileSource(1000))).rejects.toMatchObject({
      code: "ERR_TRSM_DISK_FULL",
      retryable: true,
    });
    expect(terminal.status().keyUse).toMatchObject({ cycle: 0, index: 0, use: 0 });
    disk.full = false;
    terminal.close();
    const again = openBench(folder, bench.server, { profile: SECOND });
    await again.terminal.record(fileSource(1000), { signal: NEVER, upload: true });
    expect(bench.server.samplesOf(bench.server.recordings[0] ?? "")[0]).toEqual(samplesOf(0, 0, 1000));
  });

  test("stops an upload with that code, which goes on when there is room", async () => {
    const { folder, disk } = fillable();
    disk.full = false;
    const first = openBench(folder, bench.server, { profile: SECOND });
    await record(first.terminal, fileSource(1000));
    first.terminal.close();
    disk.full = true;
    const { terminal } = openBench(folder, bench.server, { profile: SECOND });
    await expect(upload({ terminal })).rejects.toMatchObject({ code: "ERR_TRSM_DISK_FULL" });
    disk.full = false;
    await upload({ terminal });
    expect(terminal.status().journal.items).toBe(0);
  });
});

describe("a decayed journal", () => {
  test("becomes gaps when it is opened", async () => {
    const { terminal } = await recorded(bench, 6);
    terminal.close();
    flipItem(2);
    const again = openBench(bench.folder, bench.server);
    expect(again.terminal.status()).toMatchObject({ gapsStated: 1, journal: { items: 7 } });
    await upload(again);
    expect(bench.server.gaps).toMatchObject([{ sequence: 2, cause: "unreadable" }]);
    expect(bench.server.segmentsOf(bench.server.recordings[0] ?? "").map(({ header }) => header.sequence)).toEqual([
      0, 1, 3, 4, 5, 6,
    ]);
  });

  test("becomes gaps when it is read", async () => {
    const own = await recorded(bench, 6);
    flipItem(2);
    await upload(own);
    expect(bench.server.gaps).toMatchObject([{ sequence: 2, cause: "unreadable" }]);
    expect(bench.server.stored.size).toBe(6);
    expect(own.terminal.status().journal.items).toBe(0);
  });
});
