/** Several live sources as the streams of one recording: begun and ended together, each with its own chain. */
import type { MemoryFolder } from "@pericard/framelog";
import { toHex } from "@pericard/protocol";
import type { Source, TerminalReport } from "@pericard/terminal";
import { beforeEach, describe, expect, test } from "vitest";
import { fileSource, formatOf, PushSource, samplesOf } from "./support/array-source.ts";
import { NEVER, openBench, type Bench } from "./support/bench.ts";
import { Installation } from "./support/deployed.ts";
import { TestClock, turns } from "./support/test-clock.ts";
import { TestServer, type Received } from "./support/test-server.ts";

const shared = new Installation();
let folder: MemoryFolder;
let server: TestServer;
let clock: TestClock;
let ecg: PushSource;
let pleth: PushSource;

beforeEach(() => {
  folder = shared.deployInMemory();
  server = new TestServer(shared);
  clock = new TestClock();
  ecg = new PushSource(formatOf(2, 100));
  pleth = new PushSource(formatOf(1, 50));
});

const bench = (of: MemoryFolder = folder): Bench =>
  openBench(of, server, { clock, profile: { segmentLengthMs: 1000 } });

function begin({ terminal }: Bench, signal: AbortSignal = NEVER): Promise<TerminalReport> {
  const report = terminal.recordStreams([ecg, pleth], { signal, upload: false });
  report.catch(() => undefined);
  return report;
}

/** Everything that the server has, in the order in which it was sealed. */
async function uploaded({ terminal }: Bench): Promise<readonly Received[]> {
  const uploads = terminal.upload({ signal: NEVER });
  await clock.advance(1000);
  await uploads;
  return server.envelopes.flat().toSorted((a, b) => a.header.use - b.header.use);
}

const streamOf = (segments: readonly Received[], stream: number): readonly Received[] =>
  segments.filter(({ header }) => header.stream === stream);

const samplesIn = (segments: readonly Received[], lead = 0): readonly number[] =>
  segments.flatMap(({ leads }) => [...(leads[lead] ?? [])]);

/** That each segment of a stream names the one before it. */
function expectChain(segments: readonly Received[], before: Uint8Array | null): void {
  let prev = before;
  for (const [i, { header, hash }] of segments.entries()) {
    expect(header.sequence).toBe(i);
    expect(header.prev && toHex(header.prev)).toBe(prev && toHex(prev));
    prev = hash;
  }
}

describe("streams of one recording", () => {
  test("have chains, frames and shapes of their own, and end together, the first one last", async () => {
    const opened = bench();
    const report = begin(opened);
    for (let second = 0; second < 3; second += 1) {
      ecg.push(100);
      await turns();
      pleth.push(50);
      await clock.advance(1000);
    }
    ecg.push(30);
    await turns();
    ecg.end();
    expect(await report).toMatchObject({ segmentCount: 8, frameCount: 480, recordings: [expect.any(String)] });
    const segments = await uploaded(opened);
    const [first, second] = [streamOf(segments, 0), streamOf(segments, 1)];
    expect(new Set(segments.map(({ header }) => header.recording)).size).toBe(1);
    expect(first.map(({ body }) => body.descriptor.frameCount)).toEqual([100, 100, 100, 30]);
    expect(second.map(({ body }) => body.descriptor.frameCount)).toEqual([50, 50, 50, 0]);
    expect(samplesIn(first)).toEqual(samplesOf(0, 0, 330));
    expect(samplesIn(first, 1)).toEqual(samplesOf(1, 0, 330));
    expect(samplesIn(second)).toEqual(samplesOf(0, 0, 150));
    expectChain(first, null);
    expectChain(second, null);
    expect(segments.slice(-2).map(({ header }) => [header.stream, header.final])).toEqual([
      [1, true],
      [0, true],
    ]);
    const boots = segments.map(({ body }) => body.descriptor.boot?.bootId);
    expect(new Set(boots).size).toBe(1);
  });

  test("end with a gap, another format or a command in one of them, and another recording follows", async () => {
    const opened = bench();
    const report = begin(opened);
    ecg.push(100);
    pleth.push(50);
    await turns();
    pleth.push(50, { gapBefore: true });
    await turns();
    ecg.push(100);
    await turns();
    ecg.push(100, { format: formatOf(3, 100) });
    pleth.push(50);
    await turns();
    pleth.end();
    await report;
    const segments = await uploaded(opened);
    const recordings = [...new Set(segments.map(({ header }) => header.recording))];
    const causes = recordings.map((id) => {
      const of = segments.filter(({ header }) => header.recording === id);
      for (const stream of [0, 1]) expect(streamOf(of, stream).at(-1)?.header.final).toBe(true);
      return of[0]?.body.descriptor.predecessor?.cause ?? null;
    });
    expect(causes).toEqual([null, "gap", "format"]);
    const [, before] = recordings.map((id) => segments.findLast(({ header }) => header.recording === id));
    for (const stream of [0, 1]) {
      const third = streamOf(segments, stream).filter(({ header }) => header.recording === recordings[2]);
      expectChain(third, before?.hash ?? null);
      expect(third[0]?.body.descriptor.predecessor).toEqual({ recording: recordings[1], cause: "format" });
    }
    const all = samplesIn(streamOf(segments, 0));
    expect(all).toEqual(samplesOf(0, 0, 300));
  });

  test("are told of in statuses, each by its head", async () => {
    const opened = bench();
    const stop = new AbortController();
    const report = opened.terminal.recordStreams([ecg, pleth], { signal: stop.signal, upload: true, graceMs: 0 });
    ecg.push(100);
    pleth.push(50);
    await clock.advance(60_000);
    const heads = server.statuses.flatMap((status) => status.heads);
    expect(new Set(heads.filter(({ open }) => open).map(({ stream }) => stream))).toEqual(new Set([0, 1]));
    stop.abort();
    await clock.advance(10_000);
    await report;
  });

  test("of a run that was killed are followed by a recording with cause restart, and lose their open windows alone", async () => {
    const opened = bench();
    void begin(opened);
    ecg.push(150);
    pleth.push(75);
    await turns();
    const again = bench(folder.afterPowerCut(0));
    [ecg, pleth] = [new PushSource(formatOf(2, 100)), new PushSource(formatOf(1, 50))];
    const report = begin(again);
    ecg.push(10);
    await turns();
    ecg.end();
    await report;
    const segments = await uploaded(again);
    expect(segments.map(({ header, body }) => [header.stream, header.sequence, body.descriptor.frameCount])).toEqual([
      [0, 0, 100],
      [1, 0, 50],
      [0, 0, 10],
    ]);
    expect(segments[2]?.body.descriptor.predecessor).toEqual({
      recording: segments[0]?.header.recording,
      cause: "restart",
    });
    expect(segments[2]?.header.prev).toEqual(segments[1]?.hash);
  });

  test("that a damaged journal lost are each closed by a gap", async () => {
    const opened = bench();
    const report = begin(opened);
    for (let second = 0; second < 4; second += 1) {
      ecg.push(100);
      await turns();
      pleth.push(50);
      await turns();
    }
    ecg.end();
    await report;
    const name = folder.list().find((file) => file.startsWith("journal-")) ?? "";
    const bytes = folder.bytesOf(name);
    const starts = [...bytes.keys()].filter((at) => toHex(bytes.subarray(at, at + 4)) === "d9d9f784");
    // Frames: header, ECG 0, pleth 0, ECG 1, pleth 1, …: the second of each is spoilt.
    for (const frame of [3, 4]) bytes[(starts[frame] ?? 0) + 300] = (bytes[(starts[frame] ?? 0) + 300] ?? 0) ^ 4;
    await uploaded(bench(folder.afterPowerCut(0)));
    expect(server.gaps.map(({ stream, sequence, cause }) => [stream, sequence, cause]).toSorted()).toEqual([
      [0, 1, "unreadable"],
      [1, 1, "unreadable"],
    ]);
  });

  test("are one, or up to 16 that are live", async () => {
    const { terminal } = bench();
    const options = { signal: NEVER, upload: false };
    const many = Array.from({ length: 17 }, () => new PushSource()) as unknown as [Source, ...Source[]];
    await expect(terminal.recordStreams(many, options)).rejects.toThrow(RangeError);
    await expect(terminal.recordStreams([ecg, fileSource(10)], options)).rejects.toThrow(RangeError);
  });

  test("one that fails ends the others with what they have, and its error is thrown", async () => {
    const opened = bench();
    const report = begin(opened);
    ecg.push(120);
    pleth.push(20);
    await turns();
    pleth.fail(new Error("cable"));
    await expect(report).rejects.toThrow("cable");
    const segments = await uploaded(opened);
    expect(segments.map(({ header, body }) => [header.stream, body.descriptor.frameCount, header.final])).toEqual([
      [0, 100, false],
      [1, 20, true],
      [0, 20, true],
    ]);
  });
});
