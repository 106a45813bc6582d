/** Observations of sensors: durable before they are answered, sealed now and then, never lost or doubled. */
import { BYTE_CODECS } from "@pericard/ecg";
import type { MemoryFolder } from "@pericard/framelog";
import { decodeObservations, decimalText, OBSERVATIONS_PER_SEGMENT_MAX } from "@pericard/protocol";
import type { TakenObservation, TakeObservations, Terminal } from "@pericard/terminal";
import { beforeEach, describe, expect, test } from "vitest";
import { fileSource } from "./support/array-source.ts";
import { openBench, record, until, type Bench } from "./support/bench.ts";
import { Installation } from "./support/deployed.ts";
import { TestClock, turns } from "./support/test-clock.ts";
import { TestServer, type Received } from "./support/test-server.ts";
import { upload } from "./support/uploads.ts";

const shared = new Installation();
const TEN_SECONDS = 10_000;

let folder: MemoryFolder;
let server: TestServer;
let clock: TestClock;

beforeEach(() => {
  folder = shared.deployInMemory();
  server = new TestServer(shared);
  clock = new TestClock();
});

/** An observation whose value tells which one it is. */
const one = (value: number): TakenObservation => ({
  claimed: null,
  device: "oximeter",
  components: [{ code: "59408-5", unit: "%", value: { mantissa: value, exponent: 0 } }],
});

const numbered = (value: number): readonly TakenObservation[] => [one(value)];

interface Observing {
  readonly take: TakeObservations;
  readonly stop: () => Promise<Awaited<ReturnType<Terminal["observe"]>>>;
  readonly ended: Promise<unknown>;
}

/** Begins to observe. */
async function observe({ terminal }: Bench, wish: { readonly upload?: boolean } = {}): Promise<Observing> {
  const end = new AbortController();
  let take: TakeObservations | undefined;
  const report = terminal.observe({ signal: end.signal, upload: wish.upload ?? false, graceMs: 0 }, (given) => {
    take = given;
  });
  report.catch(() => undefined);
  await turns();
  if (!take) await report;
  const stop = () => {
    end.abort();
    return report;
  };
  return { take: take as TakeObservations, stop, ended: report };
}

const bench = (of: MemoryFolder = folder, profile = {}): Bench => openBench(of, server, { clock, profile });

/** What a segment holds. */
function contentsOf({ body }: Received) {
  const { codec, encoded, descriptor } = body;
  const bytes = codec === "gzip" ? BYTE_CODECS.gzip.decode(encoded, 1_000_000) : encoded;
  return decodeObservations(bytes, descriptor.frameCount);
}

/** Everything that the server has, in the order in which it was sealed. */
async function uploaded(of: Pick<Bench, "terminal">): Promise<readonly Received[]> {
  await upload(of);
  return server.envelopes.flat().toSorted((a, b) => a.header.use - b.header.use);
}

const valuesOf = (segments: readonly Received[]): readonly number[] =>
  segments
    .flatMap(contentsOf)
    .map(({ components: [one] }) => Number(decimalText(one?.value ?? { mantissa: -1, exponent: 0 })));

describe("an observation", () => {
  test("is durable when it is answered, and in a segment after the segment length", async () => {
    const opened = bench();
    const { take, stop } = await observe(opened);
    await take(numbered(97));
    expect(folder.afterPowerCut(0).list()).toContain("draft-00000000.cbor");
    await clock.advance(4000);
    await take(numbered(98));
    await clock.advance(5999);
    expect(opened.terminal.status().journal.items).toBe(0);
    await clock.advance(1);
    expect(opened.terminal.status().journal.items).toBe(1);
    const report = await stop();
    expect(report).toMatchObject({ segmentCount: 2, frameCount: 2, pendingItems: 2 });
    const [first, last] = await uploaded(opened);
    expect(valuesOf([first as Received])).toEqual([97, 98]);
    expect(contentsOf(first as Received).map(({ afterMs }) => afterMs)).toEqual([0, 4000]);
    expect(first?.body.descriptor).toMatchObject({
      kind: 2,
      firstFrame: 0,
      frameCount: 2,
      boot: { monotonicMs: 1000 },
    });
    expect(first?.body.descriptor.claimed).toEqual({ unixMs: Date.UTC(2026, 0, 1), zoneOffsetMinutes: 60 });
    expect(last?.header).toMatchObject({ stream: 0, sequence: 1, prev: first?.hash, final: true });
    expect(last?.body.descriptor).toMatchObject({ firstFrame: 2, frameCount: 0 });
  });

  test("costs nothing while none comes", async () => {
    const opened = bench();
    const { stop } = await observe(opened);
    await clock.advance(24 * 3_600_000);
    const before = opened.terminal.status().keyUse;
    expect(await stop()).toMatchObject({ segmentCount: 0, recordings: [] });
    expect(opened.terminal.status().keyUse).toEqual(before);
    expect(folder.list().filter((name) => name.startsWith("draft-"))).toEqual([]);
  });

  test("that is one of many shares its segments, each of 256 at most, and its syncs", async () => {
    const opened = bench();
    let syncs = 0;
    folder.failWith((operation) => {
      if (operation === "sync") syncs += 1;
      return undefined;
    });
    const { take, stop } = await observe(opened);
    await Promise.all(Array.from({ length: 300 }, (_, i) => take(numbered(i))));
    expect(syncs).toBeLessThan(10);
    await turns();
    expect(opened.terminal.status().journal.items).toBe(1);
    await stop();
    const segments = await uploaded(opened);
    expect(segments.map(({ body }) => body.descriptor.frameCount)).toEqual([OBSERVATIONS_PER_SEGMENT_MAX, 44]);
    expect(segments[0]?.body.codec).toBe("gzip");
    expect(valuesOf(segments)).toEqual(Array.from({ length: 300 }, (_, i) => i));
  });

  test("uploads while more come, and a clinician's segment length holds", async () => {
    const opened = bench(folder, { segmentLengthMs: 2000 });
    const { take, stop } = await observe(opened, { upload: true });
    for (let i = 0; i < 5; i += 1) {
      await take(numbered(i));
      await clock.advance(2000);
    }
    expect(valuesOf(server.envelopes.flat())).toEqual([0, 1, 2, 3, 4]);
    const stopped = stop();
    await clock.advance(5000);
    expect(await stopped).toMatchObject({ segmentCount: 6, pendingItems: 0 });
  });
});

describe("a recording of observations", () => {
  test("ends when nothing comes for a quarter of an hour, and the next follows it", async () => {
    const opened = bench();
    const { take, stop } = await observe(opened);
    await take(numbered(1));
    await clock.advance(15 * 60_000);
    expect(opened.terminal.status().recording).toBeNull();
    await take(numbered(2));
    await stop();
    const segments = await uploaded(opened);
    expect(segments.map(({ header }) => [header.sequence, header.final])).toEqual([
      [0, false],
      [1, true],
      [0, true],
    ]);
    const [first, end, second] = segments;
    expect(second?.header.recording).not.toBe(first?.header.recording);
    expect(second?.header.prev).toEqual(end?.hash);
    expect(second?.body.descriptor.predecessor).toEqual({ recording: first?.header.recording, cause: "start" });
  });

  test("lasts a day at most", async () => {
    const opened = bench();
    const { take, stop } = await observe(opened);
    for (let minutes = 0; minutes < 1460; minutes += 10) {
      await take(numbered(minutes));
      await clock.advance(600_000);
    }
    await stop();
    const segments = await uploaded(opened);
    const recordings = [...new Set(segments.map(({ header }) => header.recording))];
    expect(recordings).toHaveLength(2);
    const next = segments.find(({ header }) => header.recording === recordings[1]);
    expect(next?.body.descriptor.predecessor).toEqual({ recording: recordings[0], cause: "duration" });
    expect(valuesOf(segments)).toHaveLength(146);
  });

  test("ends at the server's command", async () => {
    const opened = bench();
    const { take, stop } = await observe(opened, { upload: true });
    await take(numbered(1));
    const { routing } = opened.terminal.status();
    server.mail = [server.command(routing, 5, "end-recording", 0)];
    await clock.advance(TEN_SECONDS);
    await until(() => server.envelopes.flat().some(({ header }) => header.final), "end").catch(() => undefined);
    await clock.advance(TEN_SECONDS);
    expect(server.envelopes.flat().some(({ header }) => header.final)).toBe(true);
    await take(numbered(2));
    const stopped = stop();
    await clock.advance(TEN_SECONDS);
    await stopped;
    const recordings = new Set(server.envelopes.flat().map(({ header }) => header.recording));
    expect(recordings.size).toBe(2);
  });
});

describe("a power cut", () => {
  test("at any moment loses nothing that was answered and doubles nothing", async () => {
    const opened = bench();
    const { take } = await observe(opened);
    const answered: number[] = [];
    const images: { readonly image: MemoryFolder; readonly answered: readonly number[] }[] = [];
    const shoot = (): void =>
      void images.push({ image: folder.afterPowerCut(images.length % 40), answered: [...answered] });
    folder.failWith(() => {
      shoot();
      return undefined;
    });
    for (let i = 0; i < 400; i += 1) {
      await take(numbered(i));
      answered.push(i);
      if (i % 25 === 24) await clock.advance(TEN_SECONDS);
    }
    expect(images.length).toBeGreaterThan(800);
    for (const { image, answered: sure } of images.filter((_, i) => i % 23 === 0)) {
      const own = new TestServer(shared);
      const again = openBench(image, own, { clock });
      const next = await observe(again);
      await next.take(numbered(1000));
      await next.stop();
      await upload(again);
      const segments = own.envelopes.flat().toSorted((a, b) => a.header.use - b.header.use);
      const values = valuesOf(segments);
      expect(values.slice(0, sure.length)).toEqual(sure);
      expect(values.at(-1)).toBe(1000);
      // One that was not answered yet may be there, once.
      expect(values.length - sure.length).toBeLessThanOrEqual(2);
      again.terminal.close();
    }
  });

  test("leaves a recording of the run that it ended, with that run's clock", async () => {
    const opened = bench();
    const { take } = await observe(opened);
    await take(numbered(1));
    await clock.advance(TEN_SECONDS);
    await take(numbered(2));
    const image = folder.afterPowerCut(0);
    await clock.advance(60_000);
    const again = bench(image);
    const next = await observe(again);
    await next.take(numbered(3));
    await next.stop();
    const segments = await uploaded(again);
    expect(segments.map((one) => valuesOf([one]))).toEqual([[1], [2], [3]]);
    const boots = segments.map(({ body }) => body.descriptor.boot);
    expect(boots[1]).toEqual({ bootId: boots[0]?.bootId, monotonicMs: 11_000 });
    expect(boots[2]?.bootId).not.toBe(boots[0]?.bootId);
    expect(segments[1]?.header).toMatchObject({ sequence: 0, final: true, prev: segments[0]?.hash });
    const of = segments.map(({ header }) => header.recording);
    expect(new Set(of).size).toBe(3);
    expect(segments.slice(1).map(({ body }) => body.descriptor.predecessor)).toEqual([
      { recording: of[0], cause: "restart" },
      { recording: of[1], cause: "restart" },
    ]);
  });

  test("lets a source be recorded after what waited", async () => {
    const opened = bench();
    const { take } = await observe(opened);
    await take(numbered(1));
    const again = bench(folder.afterPowerCut(0));
    await record(again.terminal, fileSource(500));
    const segments = await uploaded(again);
    expect(valuesOf(segments.slice(0, 1))).toEqual([1]);
    expect(segments.slice(1).every(({ body }) => body.descriptor.kind === 1)).toBe(true);
    const next = await observe(again);
    await next.take(numbered(2));
    await next.stop();
    const all = await uploaded(again);
    expect(valuesOf(all.filter(({ body }) => body.descriptor.kind === 2))).toEqual([1, 2]);
  });

  test("and a damaged medium lose what they lose, and say so", async () => {
    const opened = bench();
    const { take } = await observe(opened);
    for (let i = 0; i < 5; i += 1) await take(numbered(i));
    const image = folder.afterPowerCut(0);
    const bytes = image.bytesOf("draft-00000000.cbor");
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    const again = bench(image);
    const next = await observe(again);
    expect(again.events[0]).toEqual({ type: "observations-lost", count: 1 });
    await next.stop();
    expect(valuesOf(await uploaded(again))).toHaveLength(4);
  });
});

describe("a full journal", () => {
  test("takes no more than it has room to keep, uses up no keys, and goes on when there is room", async () => {
    const opened = bench(folder, { journalLimitBytes: 16_384 });
    const { take, stop } = await observe(opened);
    let taken = 0;
    let refusal: unknown;
    while (refusal === undefined && taken < 20_000) {
      const outcome = await take(numbered(taken)).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (outcome === undefined) taken += 1;
      else refusal = outcome;
      if (taken % 20 === 0) await clock.advance(TEN_SECONDS);
    }
    expect(refusal).toMatchObject({ code: "ERR_JOURNAL_FULL", retryable: true });
    const { use } = opened.terminal.status().keyUse;
    await clock.advance(3_600_000);
    expect(opened.terminal.status().keyUse.use).toBe(use);
    await expect(take(numbered(-1))).rejects.toMatchObject({ code: "ERR_JOURNAL_FULL" });
    const enough = new AbortController();
    const uploads = opened.terminal.upload({ signal: enough.signal });
    await clock.advance(TEN_SECONDS);
    enough.abort();
    await uploads;
    await take(numbered(taken));
    await stop();
    expect(valuesOf(await uploaded(opened))).toEqual(Array.from({ length: taken + 1 }, (_, i) => i));
  });
});

test("a disk that fails answers nobody, and ends the run", async () => {
  const opened = bench();
  const { take, ended } = await observe(opened);
  await take(numbered(1));
  folder.failWith((operation) => (operation === "sync" ? Object.assign(new Error("i/o"), { code: "EIO" }) : undefined));
  await expect(take(numbered(2))).rejects.toMatchObject({ code: "ERR_JOURNAL_DISK" });
  await expect(ended).rejects.toMatchObject({ code: "ERR_JOURNAL_DISK" });
  await expect(take(numbered(3))).rejects.toMatchObject({ code: "ERR_JOURNAL_DISK" });
});

test("a terminal that records one thing records no other", async () => {
  const opened = bench();
  const { stop } = await observe(opened);
  await expect(observe(opened)).rejects.toMatchObject({ code: "ERR_TERMINAL_BUSY" });
  await expect(record(opened.terminal, fileSource(10))).rejects.toMatchObject({ code: "ERR_TERMINAL_BUSY" });
  await stop();
});
