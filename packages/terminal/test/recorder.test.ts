import { rational } from "@pericard/ecg";
import { CODECS, toHex } from "@pericard/protocol";
import { recordAgain } from "@pericard/terminal";
import { beforeEach, describe, expect, test } from "vitest";
import type { MemoryFolder } from "@pericard/framelog";
import { fileSource, formatOf, PushSource, samplesOf } from "./support/array-source.ts";
import { NEVER, openBench, record } from "./support/bench.ts";
import { Installation } from "./support/deployed.ts";
import { TestClock, turns } from "./support/test-clock.ts";
import { TestServer } from "./support/test-server.ts";

const installation = new Installation();
let folder: MemoryFolder;
let server: TestServer;

beforeEach(() => {
  folder = installation.deployInMemory();
  server = new TestServer(installation);
});

/** Uploads everything in the folder. */
async function uploadAll(): Promise<void> {
  const { terminal } = openBench(folder, server);
  await terminal.upload({ signal: NEVER });
  terminal.close();
}

/** Recordings as the server has them, with what links them. */
function chain() {
  return server.recordings.map((recording) => {
    const segments = server.segmentsOf(recording);
    const [first] = segments;
    return {
      recording,
      counts: segments.map(({ body }) => body.descriptor.frameCount),
      firstFrames: segments.map(({ body }) => body.descriptor.firstFrame),
      finals: segments.map(({ header }) => header.final),
      cause: first?.body.descriptor.predecessor?.cause ?? null,
      before: first?.body.descriptor.predecessor?.recording ?? null,
      prev: first?.header.prev ?? null,
      last: segments.at(-1)?.hash ?? null,
      segments,
    };
  });
}

describe("windows", () => {
  test("of the profile's length, the last final with what is left over", async () => {
    const { terminal } = openBench(folder, server, { profile: { segmentLengthMs: 2000 } });
    await record(terminal, fileSource(450));
    await uploadAll();
    const [only] = chain();
    expect(only).toMatchObject({ counts: [200, 200, 50], firstFrames: [0, 200, 400], finals: [false, false, true] });
    expect(server.samplesOf(only?.recording ?? "")).toEqual([samplesOf(0, 0, 450), samplesOf(1, 0, 450)]);
  });

  test("an empty final segment when nothing is left over", async () => {
    const { terminal } = openBench(folder, server, { profile: { segmentLengthMs: 2000 } });
    await record(terminal, fileSource(400));
    await uploadAll();
    expect(chain()[0]).toMatchObject({ counts: [200, 200, 0], finals: [false, false, true] });
  });

  test.each([
    { name: "360 Hz for 1 s", rate: rational(360, 1), lengthMs: 1000, frames: 360 },
    { name: "a rate that is no whole number", rate: rational(24_989, 400), lengthMs: 1000, frames: 62 },
    { name: "a frame every hundred seconds", rate: rational(1, 100), lengthMs: 1000, frames: 1 },
  ])("$name", async ({ rate, lengthMs, frames }) => {
    const { terminal } = openBench(folder, server, { profile: { segmentLengthMs: lengthMs } });
    await record(terminal, fileSource(2 * frames, { format: { ...formatOf(1, 1), frameRateHz: rate } }));
    await uploadAll();
    expect(chain()[0]?.counts).toEqual([frames, frames, 0]);
  });

  test("a source without frames makes no recording", async () => {
    const { terminal } = openBench(folder, server);
    expect(await record(terminal, fileSource(0))).toMatchObject({ segmentCount: 0, recordings: [] });
  });

  test.each(CODECS)("under the codec %s, each segment says so and gives its samples back", async (codec) => {
    const { terminal } = openBench(folder, server, { profile: { segmentLengthMs: 2000, codec } });
    await record(terminal, fileSource(450));
    await uploadAll();
    const [only] = chain();
    expect(only?.segments.map(({ body }) => body.codec)).toEqual([codec, codec, codec]);
    expect(server.samplesOf(only?.recording ?? "")).toEqual([samplesOf(0, 0, 450), samplesOf(1, 0, 450)]);
  });

  test("a length outside 1 to 60 s is refused", () => {
    expect(() => openBench(folder, server, { profile: { segmentLengthMs: 999 } })).toThrow(RangeError);
    expect(() => openBench(folder, server, { profile: { segmentLengthMs: 60_001 } })).toThrow(RangeError);
  });

  test("more samples than a sealed segment takes make shorter windows", async () => {
    const format = { ...formatOf(1, 1000), leads: formatOf(1, 1000).leads.map((l) => ({ ...l, samplesPerFrame: 64 })) };
    const frames = 60_000;
    const source = fileSource(frames, { format });
    const { terminal } = openBench(folder, server, { profile: { segmentLengthMs: 60_000 } });
    await record(terminal, {
      ...source,
      async *blocks() {
        yield { frameCount: frames, leads: [new Int32Array(frames * 64)] };
      },
    });
    await uploadAll();
    expect(chain()[0]?.counts).toEqual([46_875, 13_125]);
  });
});

describe("the chain", () => {
  test("names the segment before, over recordings, from null on", async () => {
    const { terminal } = openBench(folder, server, { profile: { segmentLengthMs: 1000 } });
    await record(terminal, fileSource(150, { name: "a" }));
    await record(terminal, fileSource(150, { name: "b" }));
    await uploadAll();
    const [first, second] = chain();
    expect(first).toMatchObject({ prev: null, cause: null, before: null });
    expect(second).toMatchObject({ prev: first?.last, cause: "start", before: first?.recording });
    const [one, two] = first?.segments ?? [];
    expect(two?.header.prev).toEqual(one?.hash);
    expect(two?.body.descriptor.predecessor).toBeNull();
  });

  test("a gap of the source ends a recording", async () => {
    const source = new PushSource();
    source.push(150);
    source.push(70, { gapBefore: true });
    source.end();
    const { terminal } = openBench(folder, server, { profile: { segmentLengthMs: 1000 } });
    await record(terminal, source);
    await uploadAll();
    const [first, second] = chain();
    expect(first).toMatchObject({ counts: [100, 50], finals: [false, true] });
    expect(second).toMatchObject({ counts: [70], firstFrames: [0], cause: "gap", prev: first?.last });
  });

  test("another format ends a recording", async () => {
    const source = new PushSource();
    source.push(150);
    source.push(250, { format: formatOf(3, 200) });
    source.end();
    const { terminal } = openBench(folder, server, { profile: { segmentLengthMs: 1000 } });
    await record(terminal, source);
    await uploadAll();
    const [, second] = chain();
    expect(second).toMatchObject({ counts: [200, 50], cause: "format" });
    expect(second?.segments[0]?.leads).toHaveLength(3);
  });

  test("24 hours are a recording, the next goes on", async () => {
    const day = 86_400;
    const clock = new TestClock();
    const source = new PushSource(formatOf(1, 1));
    for (let hour = 0; hour < 25; hour += 1) source.push(3600);
    source.end();
    const { terminal } = openBench(folder, server, { clock, profile: { segmentLengthMs: 60_000 } });
    await record(terminal, source);
    await uploadAll();
    const [first, second, third] = chain();
    expect(third).toBeUndefined();
    expect(first?.counts.reduce((sum, count) => sum + count, 0)).toBe(day);
    expect(first?.finals.filter(Boolean)).toHaveLength(1);
    expect(first?.finals.at(-1)).toBe(true);
    expect(second).toMatchObject({ cause: "duration", prev: first?.last });
    expect(server.samplesOf(second?.recording ?? "")).toEqual([samplesOf(0, day, 3600)]);
  });
});

describe("times", () => {
  test("of a live source: boot, monotonic and claimed time of the first frame", async () => {
    const clock = new TestClock();
    const source = new PushSource();
    const { terminal } = openBench(folder, server, { clock, profile: { segmentLengthMs: 1000 } });
    const recording = record(terminal, source);
    const startMs = clock.monotonicMs();
    const startUnixMs = clock.unixMs();
    await turns();
    for (let i = 0; i < 8; i += 1) {
      await clock.advance(250);
      source.push(25);
      await turns();
    }
    source.end();
    await recording;
    await uploadAll();
    const [first, second] = chain()[0]?.segments ?? [];
    expect(first?.body.descriptor.boot).toMatchObject({ monotonicMs: startMs });
    expect(first?.body.descriptor.claimed).toEqual({ unixMs: startUnixMs, zoneOffsetMinutes: 60 });
    expect(second?.body.descriptor.boot).toMatchObject({ monotonicMs: startMs + 1000 });
    expect(second?.body.descriptor.boot?.bootId).toBe(first?.body.descriptor.boot?.bootId);
  });

  test("of a file: what it claims for each window, no boot", async () => {
    const claimedStart = { unixMs: 1_000_000, zoneOffsetMinutes: null };
    const { terminal } = openBench(folder, server, { profile: { segmentLengthMs: 1000 } });
    await record(terminal, fileSource(150, { claimedStart }));
    await uploadAll();
    const segments = chain()[0]?.segments.map(({ body }) => body.descriptor) ?? [];
    expect(segments.map(({ boot }) => boot)).toEqual([null, null]);
    expect(segments.map(({ claimed }) => claimed)).toEqual([claimedStart, { ...claimedStart, unixMs: 1_001_000 }]);
  });

  test("of a file that claims nothing: none", async () => {
    const { terminal } = openBench(folder, server);
    await record(terminal, fileSource(150));
    await uploadAll();
    expect(chain()[0]?.segments[0]?.body.descriptor.claimed).toBeNull();
  });
});

describe("stopping and going on", () => {
  test("an aborted live source is closed with what it has", async () => {
    const stop = new AbortController();
    const source = new PushSource();
    source.push(130);
    const { terminal } = openBench(folder, server, { profile: { segmentLengthMs: 1000 } });
    const recording = record(terminal, source, stop.signal);
    await turns();
    stop.abort();
    await recording;
    await uploadAll();
    expect(chain()[0]).toMatchObject({ counts: [100, 30], finals: [false, true] });
  });

  test("a live source that fails is closed with what it has, and its error is thrown", async () => {
    const source = new PushSource();
    source.push(130);
    source.fail(new Error("cable"));
    const { terminal } = openBench(folder, server, { profile: { segmentLengthMs: 1000 } });
    await expect(record(terminal, source)).rejects.toThrow("cable");
    await uploadAll();
    expect(chain()[0]).toMatchObject({ counts: [100, 30], finals: [false, true] });
  });

  test("an aborted file goes on in the same recording at the next sample", async () => {
    const stop = new AbortController();
    const first = openBench(folder, server, { profile: { segmentLengthMs: 1000 } }).terminal;
    first.onEvent((event) => event.type === "segment" && event.sequence >= 2 && stop.abort());
    await record(first, fileSource(5000), stop.signal);
    first.close();
    const second = openBench(folder, server, { profile: { segmentLengthMs: 1000 } }).terminal;
    expect(await record(second, fileSource(5000))).toMatchObject({ alreadyRecorded: false });
    second.close();
    await uploadAll();
    expect(server.recordings).toHaveLength(1);
    expect(server.samplesOf(server.recordings[0] ?? "")).toEqual([samplesOf(0, 0, 5000), samplesOf(1, 0, 5000)]);
    expect(chain()[0]?.finals.filter(Boolean)).toHaveLength(1);
  });

  test.each(["before", "after"])(
    "a file that was recorded whole is not recorded again, %s its upload",
    async (when) => {
      const first = openBench(folder, server).terminal;
      await record(first, fileSource(1500));
      first.close();
      if (when === "after") await uploadAll();
      const second = openBench(folder, server).terminal;
      expect(await record(second, fileSource(1500))).toMatchObject({ alreadyRecorded: true, segmentCount: 0 });
    },
  );

  test("recordAgain makes another recording of the same samples", async () => {
    const { terminal } = openBench(folder, server);
    await record(terminal, fileSource(1500));
    const again = recordAgain(fileSource(1500), Uint8Array.of(1, 2, 3));
    expect(await record(terminal, again)).toMatchObject({ alreadyRecorded: false, frameCount: 1500 });
    expect(await record(terminal, again)).toMatchObject({ alreadyRecorded: true });
    await uploadAll();
    expect(server.recordings).toHaveLength(2);
    expect(chain()[1]?.cause).toBe("start");
  });

  test("a live recording that was killed is followed by one with cause restart", async () => {
    const killed = openBench(folder, server, { profile: { segmentLengthMs: 1000 } }).terminal;
    const source = new PushSource();
    source.push(230);
    void record(killed, source);
    await turns();
    folder = folder.afterPowerCut(0);
    const next = openBench(folder, server, { profile: { segmentLengthMs: 1000 } }).terminal;
    const live = new PushSource();
    live.push(50);
    live.end();
    await record(next, live);
    next.close();
    await uploadAll();
    const [first, second] = chain();
    expect(first).toMatchObject({ counts: [100, 100], finals: [false, false] });
    expect(second).toMatchObject({ cause: "restart", before: first?.recording, prev: first?.last });
  });

  test("another file after an unfinished one begins a recording with cause restart", async () => {
    const stop = new AbortController();
    const { terminal } = openBench(folder, server, { profile: { segmentLengthMs: 1000 } });
    const unlisten = terminal.onEvent(() => stop.abort());
    await record(terminal, fileSource(5000, { name: "a" }), stop.signal);
    unlisten();
    await record(terminal, fileSource(100, { name: "b" }));
    await uploadAll();
    expect(chain()[1]).toMatchObject({ cause: "restart", counts: [100, 0] });
  });

  test("a file longer than a recording may be is gone on with after the end of one", async () => {
    const source = fileSource(100_000, { format: formatOf(1, 1), blockFrames: 5000 });
    const stop = new AbortController();
    const first = openBench(folder, server, { profile: { segmentLengthMs: 60_000 } }).terminal;
    first.onEvent((event) => event.type === "segment" && event.final && stop.abort());
    await record(first, source, stop.signal);
    first.close();
    const second = openBench(folder, server, { profile: { segmentLengthMs: 60_000 } }).terminal;
    await record(second, source);
    expect(await record(second, source)).toMatchObject({ alreadyRecorded: true });
    second.close();
    await uploadAll();
    const all = server.recordings.flatMap((recording) => server.samplesOf(recording)[0] ?? []);
    expect(all).toEqual(samplesOf(0, 0, 100_000));
    expect(chain().map(({ cause }) => cause)).toEqual([null, "duration"]);
  });

  test("only one recording at a time", async () => {
    const { terminal } = openBench(folder, server);
    const stop = new AbortController();
    const running = record(terminal, new PushSource(), stop.signal);
    await expect(record(terminal, fileSource(1))).rejects.toMatchObject({ code: "ERR_TERMINAL_BUSY" });
    stop.abort();
    await running;
  });
});

test("every segment has its own key use, rising", async () => {
  const { terminal } = openBench(folder, server, { profile: { segmentLengthMs: 1000 } });
  await record(terminal, fileSource(1000));
  await uploadAll();
  const uses = chain()[0]?.segments.map(({ header }) => header.use) ?? [];
  expect(uses).toEqual(uses.toSorted((a, b) => a - b));
  expect(new Set(uses).size).toBe(uses.length);
  expect(new Set(chain()[0]?.segments.map(({ header }) => toHex(header.salt))).size).toBe(uses.length);
});
