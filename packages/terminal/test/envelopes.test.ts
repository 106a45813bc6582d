import { systemRandom } from "@pericard/crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { fileSource, PushSource } from "./support/array-source.ts";
import { NEVER, openBench, record, until } from "./support/bench.ts";
import { Installation } from "./support/deployed.ts";
import { TestClock } from "./support/test-clock.ts";
import { deployBench, recorded, SECOND, upload, type UploadBench } from "./support/uploads.ts";

const shared = new Installation();
let bench: UploadBench;

beforeEach(() => {
  bench = deployBench(shared);
});

describe("envelopes", () => {
  test("a backlog travels in full envelopes, oldest first", async () => {
    await upload(await recorded(bench, 150));
    expect(bench.server.envelopes.map((segments) => segments.length)).toEqual([64, 64, 23]);
    expect(bench.server.envelopes.flat().map(({ header }) => header.sequence)).toEqual([...Array(151).keys()]);
  });

  test("a file shares envelopes while it is recorded", async () => {
    const { terminal } = openBench(bench.folder, bench.server, { profile: SECOND });
    await terminal.record(fileSource(100 * 200), { signal: NEVER, upload: true });
    expect(bench.server.stored.size).toBe(201);
    expect(bench.server.envelopes.length).toBeLessThan(8);
  });

  test("no envelope is over 1 MiB of segments, and a larger segment travels alone", async () => {
    const noise = fileSource(3_000_000, { blockFrames: 500_000 });
    const { terminal } = openBench(bench.folder, bench.server, { profile: { segmentLengthMs: 60_000 } });
    await record(terminal, {
      ...noise,
      format: { ...noise.format, frameRateHz: { num: 10_000, den: 1 } },
      async *blocks() {
        for (let i = 0; i < 5; i += 1) {
          const leads = [0, 1].map(() => new Int32Array(systemRandom(4 * 500_000).buffer));
          yield { frameCount: 500_000, leads };
        }
      },
    });
    await terminal.upload({ signal: NEVER });
    expect(bench.server.envelopes.map((segments) => segments.length)).toEqual([1, 1, 1, 1, 1]);
    terminal.close();
  });
});

describe("lanes", () => {
  test("live data does not wait behind a backlog", async () => {
    const clock = new TestClock();
    await recorded(bench, 300, clock);
    const { terminal } = openBench(bench.folder, bench.server, { clock, profile: SECOND });
    let held = 0;
    bench.server.intercept = async (body) => {
      if (body.length < 20_000) return undefined;
      held += 1;
      await clock.sleep(20_000, NEVER);
      return undefined;
    };
    const source = new PushSource();
    const stop = new AbortController();
    const recording = terminal.record(source, { signal: stop.signal, upload: true, graceMs: 0 });
    await clock.advance(100);
    expect(held).toBe(1);
    source.push(100);
    await clock.advance(100);
    const live = [...bench.server.stored.values()].filter(({ body }) => body.descriptor.boot !== null);
    expect(live).toHaveLength(1);
    expect(bench.server.stored.size).toBe(1);
    stop.abort();
    await clock.advance(30_000);
    await recording;
  });
});

describe("polls", () => {
  test("one at the start, one at the end with the final heads, contacts rising", async () => {
    const own = await recorded(bench, 3);
    await upload(own);
    expect(bench.server.statuses.length).toBeGreaterThanOrEqual(2);
    const contacts = bench.server.statuses.map(({ contact }) => contact);
    expect(contacts).toEqual([...new Set(contacts)].toSorted((a, b) => a - b));
    const [recording = ""] = bench.server.recordings;
    const last = bench.server.segmentsOf(recording).at(-1);
    expect(bench.server.statuses.at(-1)).toMatchObject({
      journalItemCount: 0,
      heads: [{ recording, stream: 0, sequence: 3, final: true, open: false }],
    });
    expect(bench.server.statuses.at(-1)?.heads[0]?.hash).toEqual(last?.hash);
  });

  test("with nothing to upload, a status is still said", async () => {
    await upload(openBench(bench.folder, bench.server));
    expect(bench.server.statuses.length).toBeGreaterThan(0);
  });

  test("while a live source records they wait for mail", async () => {
    const clock = new TestClock();
    const waits: (number | undefined)[] = [];
    bench.server.intercept = async (body, { waitSeconds }) => {
      if (body.length > 600) return undefined;
      waits.push(waitSeconds);
      await clock.sleep((waitSeconds ?? 0) * 1000, NEVER);
      return undefined;
    };
    const { terminal } = openBench(bench.folder, bench.server, { clock });
    const stop = new AbortController();
    const recording = terminal.record(new PushSource(), { signal: stop.signal, upload: true, graceMs: 0 });
    await clock.advance(110_000);
    expect(waits).toEqual([undefined, 25, 25, 25, 25, 25]);
    stop.abort();
    await clock.advance(30_000);
    await recording;
  });

  test("a path that does not wait is not hammered", async () => {
    const clock = new TestClock();
    const { terminal } = openBench(bench.folder, bench.server, { clock });
    const stop = new AbortController();
    const recording = terminal.record(new PushSource(), { signal: stop.signal, upload: true, graceMs: 0 });
    await clock.advance(60_000);
    expect(bench.server.statuses.length).toBeLessThan(35);
    stop.abort();
    await clock.advance(10_000);
    await recording;
  });

  test("a status of many recordings names the open one and at most 63 others", async () => {
    const { terminal } = openBench(bench.folder, bench.server, { profile: SECOND });
    for (let i = 0; i < 70; i += 1) await record(terminal, fileSource(10, { name: `file ${i}` }));
    bench.server.judge = () => "silent";
    const stop = new AbortController();
    const uploading = terminal.upload({ signal: stop.signal });
    await until(() => bench.server.statuses.length > 0, "status");
    stop.abort();
    await uploading;
    expect(bench.server.statuses[0]?.heads).toHaveLength(64);
  });
});
