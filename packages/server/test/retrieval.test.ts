/** Reading: exact samples, summaries against brute force, ranges, states, neighbours, times. */
import * as fc from "fast-check";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { CODECS } from "@pericard/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ApiClient } from "../src/client/api-client.ts";
import { NO_SAMPLE, SUMMARY_BUCKET_FRAMES } from "../src/retrieval/summary.ts";
import { everySample, readAll, readerOf, readFramed, signIn } from "./support/reading.ts";
import { createNoise, MIXED_SHAPE, PLAIN_SHAPE, TestRecording, type MadeSegment } from "./support/test-recording.ts";
import { TestInstallation } from "./support/test-server.ts";
import { drawBoot, drawRecording, type TestTerminal } from "./support/test-terminal.ts";

/** Time for what happens after the receipt. */
const SOON = { timeout: 20_000 };

let site: TestInstallation;
let terminal: TestTerminal;
let cookie: string;
let client: ApiClient;

beforeAll(async () => {
  site = await new TestInstallation().start();
  terminal = site.terminalOf("somebody").terminal;
  cookie = await signIn(site);
  client = await readerOf(site);
});
afterAll(() => site.remove());

async function upload(...segments: readonly MadeSegment[]): Promise<void> {
  for (let from = 0; from < segments.length; from += 64) {
    const some = segments.slice(from, from + 64);
    const { receipted } = await site.post(terminal.envelope(...some.map(({ sealed }) => sealed)));
    if (receipted.length !== some.length) throw new Error("not everything was taken");
  }
}

/** The same segments in an order that looks random. */
function shuffled(segments: readonly MadeSegment[]): readonly MadeSegment[] {
  const noise = createNoise(segments.length);
  return segments
    .map((segment) => ({ segment, key: noise() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ segment }) => segment);
}

/** Least and greatest sample of each bucket, looked up one by one. */
function bruteForce(recording: TestRecording, from: number, to: number, framesPerBucket: number, bucketCount: number) {
  const truth = recording.truth(from, to, recording.made, () => NO_SAMPLE);
  return recording.shape.leads.map(({ samplesPerFrame, missingCode }, i) => {
    const pairs = new Int32Array(2 * bucketCount).fill(NO_SAMPLE);
    for (const [at, value] of truth[i]?.entries() ?? []) {
      if (value === missingCode || value === NO_SAMPLE) continue;
      const bucket = Math.floor(Math.floor(at / samplesPerFrame) / framesPerBucket);
      const [min = NO_SAMPLE, max = NO_SAMPLE] = pairs.subarray(2 * bucket, 2 * bucket + 2);
      pairs[2 * bucket] = min === NO_SAMPLE ? value : Math.min(min, value);
      pairs[2 * bucket + 1] = max === NO_SAMPLE ? value : Math.max(max, value);
    }
    return pairs;
  });
}

describe("samples", () => {
  test.each([
    ["one rate", PLAIN_SHAPE],
    ["several rates, skew and codes for missing samples", MIXED_SHAPE],
  ])("of leads with %s read back as they were made, in whatever order they came", async (_, shape) => {
    const recording = new TestRecording(terminal, shape);
    await upload(...shuffled(recording.take(9, { frameCount: 111 })));
    expect(await readAll(client, recording)).toEqual(everySample(recording));
    expect((await client.recording(recording.id)).leads).toMatchObject(shape.leads);
  });

  test("read back exactly whatever codec each segment was encoded with", async () => {
    const recording = new TestRecording(terminal, MIXED_SHAPE);
    for (const codec of CODECS) recording.next({ frameCount: 111, body: { codec } });
    await upload(...recording.made);
    expect(await readAll(client, recording)).toEqual(everySample(recording));
  });

  test("of any stretch are exact, and what is not there is marked", async () => {
    const recording = new TestRecording(terminal, MIXED_SHAPE);
    recording.take(3, { frameCount: 70 });
    recording.next({ frameCount: 40, skipFrames: 33 });
    recording.take(3, { frameCount: 25 });
    recording.made.splice(5, 1);
    await upload(...recording.made);
    const end = recording.frameCount;
    const stretch = fc.tuple(fc.nat(end), fc.nat(end), fc.constantFrom("code", "sentinel"));
    await fc.assert(
      fc.asyncProperty(stretch, async ([a, b, style]) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const query = `fromFrame=${from}&toFrame=${to}&missing=${style}`;
        const answer = await readFramed(site, cookie, `recordings/${recording.id}/samples?${query}`);
        const codes = recording.shape.leads.map(({ missingCode }) => missingCode);
        const wanted = recording
          .truth(from, to, recording.made, (i) => (style === "code" ? (codes[i] ?? NO_SAMPLE) : NO_SAMPLE))
          .map((lead, i) => (style === "code" ? lead : lead.map((value) => (value === codes[i] ? NO_SAMPLE : value))));
        expect(answer.header).toMatchObject({ fromFrame: from, toFrame: to });
        expect(answer.leads).toEqual(wanted);
      }),
      { numRuns: 40 },
    );
  });

  test("are given for at most 60 s", async () => {
    const recording = new TestRecording(terminal);
    await upload(...recording.take(4, { frameCount: 5000 }));
    const answer = await client.samples(recording.id, 0, 20_000);
    expect(answer.toFrame).toBe(60 * 250 + 1);
    expect(answer.leads[0]).toHaveLength(answer.toFrame);
  });
});

describe("a summary", () => {
  let recording: TestRecording;
  beforeAll(async () => {
    recording = new TestRecording(terminal, MIXED_SHAPE);
    recording.take(5, { frameCount: 333 });
    recording.next({ frameCount: 200, skipFrames: 150 });
    recording.take(4, { frameCount: 401 });
    await upload(...shuffled(recording.made));
  });

  const ask = (from: number, to: number, buckets: number) =>
    readFramed(site, cookie, `recordings/${recording.id}/summary?fromFrame=${from}&toFrame=${to}&buckets=${buckets}`);

  test("of narrow buckets is what brute force gives", async () => {
    for (const [from, to, buckets] of [
      [0, 3619, 3619],
      [0, 3619, 200],
      [17, 999, 77],
      [1600, 2100, 8192],
      [330, 340, 1],
    ] as const) {
      const { header, leads } = await ask(from, to, buckets);
      expect(header.framesPerBucket).toBeLessThan(SUMMARY_BUCKET_FRAMES);
      expect(leads).toEqual(bruteForce(recording, from, to, header.framesPerBucket, buckets));
    }
  });

  test("of wide buckets has every extreme, and none from further away than a stored bucket", async () => {
    for (const [from, to, buckets] of [
      [0, 3619, 1],
      [0, 3619, 7],
      [100, 3000, 30],
      [5, 3619, 56],
    ] as const) {
      const { header, leads } = await ask(from, to, buckets);
      const { framesPerBucket } = header;
      expect(framesPerBucket).toBeGreaterThanOrEqual(SUMMARY_BUCKET_FRAMES);
      for (const [i, exact] of bruteForce(recording, from, to, framesPerBucket, buckets).entries()) {
        for (let bucket = 0; bucket < buckets; bucket += 1) {
          const [min = 0, max = 0] = (leads[i] ?? exact).subarray(2 * bucket, 2 * bucket + 2);
          const [least = 0, greatest = 0] = exact.subarray(2 * bucket, 2 * bucket + 2);
          const begin = from + bucket * framesPerBucket;
          const reach = SUMMARY_BUCKET_FRAMES - 1;
          const [wideFrom, wideTo] = [Math.max(0, begin - reach), begin + framesPerBucket + reach];
          const [wide] = bruteForce(recording, wideFrom, wideTo, wideTo - wideFrom, 1).slice(i, i + 1);
          if (least !== NO_SAMPLE) expect([min <= least, max >= greatest]).toEqual([true, true]);
          if (min !== NO_SAMPLE) expect([min >= (wide?.[0] ?? 0), max <= (wide?.[1] ?? 0)]).toEqual([true, true]);
        }
      }
    }
  });

  test("that was damaged in the catalog is made again", async () => {
    const before = await ask(0, 3619, 7);
    await expect.poll(() => storedSummaries(recording), SOON).toBe(recording.made.length);
    const database = openCatalogFile();
    database.exec("UPDATE summaries SET sealed = zeroblob(100)");
    database.close();
    expect((await ask(0, 3619, 7)).leads).toEqual(before.leads);
  });

  test("of a segment whose first copy was replaced by another package comes from the second", async () => {
    const one = new TestRecording(terminal);
    const other = new TestRecording(terminal);
    await upload(one.next());
    await upload(other.next());
    await expect.poll(() => storedSummaries(one), SOON).toBe(1);
    const database = openCatalogFile();
    database.exec("DELETE FROM summaries");
    const keyOf = "(SELECT s.package FROM segments s JOIN recordings r ON r.key = s.recording WHERE r.id = ?)";
    const copy = database.prepare(`SELECT * FROM copies WHERE package = ${keyOf} ORDER BY volume`).get(other.id);
    database
      .prepare(`UPDATE copies SET file = ?, offset = ?, size = ? WHERE volume = ? AND package = ${keyOf}`)
      .run(Number(copy?.["file"]), Number(copy?.["offset"]), Number(copy?.["size"]), String(copy?.["volume"]), one.id);
    database.close();
    const path = `recordings/${one.id}/summary?fromFrame=0&toFrame=250&buckets=2`;
    const exact = bruteForce(one, 0, 250, 125, 2);
    const { leads } = await readFramed(site, cookie, path);
    for (const [i, lead] of leads.entries()) expect(lead[0]).toBeLessThanOrEqual(exact[i]?.[0] ?? 0);
    expect(await readAll(client, one)).toEqual(everySample(one));
  });
});

function openCatalogFile(): DatabaseSync {
  return new DatabaseSync(join(site.config.dataPath, "catalog", "catalog.sqlite"), { timeout: 5000 });
}

async function storedSummaries(recording: TestRecording): Promise<number> {
  const { catalog } = site.server.context;
  const row = await catalog.findRecording(recording.id);
  return (await catalog.findSummaries(row?.key ?? 0, 0, 0, 1e6)).length;
}

test("a value that the converter cannot give is kept, marked and audited", async () => {
  const shape = { ...PLAIN_SHAPE, leads: PLAIN_SHAPE.leads.map((lead) => ({ ...lead, adcResolutionBits: 12 })) };
  const recording = new TestRecording(terminal, shape);
  const leads = [Int32Array.of(0, 2047, -2048), Int32Array.of(1, 2, 2048)];
  await upload(recording.next({ frameCount: 3, leads: [Int32Array.of(0, 1, 2), Int32Array.of(-2048, 2047, 0)] }));
  await upload(recording.next({ frameCount: 3, leads }));
  const row = await site.server.context.catalog.findRecording(recording.id);
  await expect
    .poll(
      async () => (await site.server.context.catalog.findSummaries(row?.key ?? 0, 0, 0, 9)).map((one) => one.suspect),
      SOON,
    )
    .toEqual([false, true]);
  expect(await readAll(client, recording)).toEqual(everySample(recording));
  const database = openCatalogFile();
  const wanted = database.prepare("SELECT COUNT(*) AS n FROM audit WHERE action = 'mark suspect' AND subject = ?");
  await expect.poll(() => wanted.get(`${recording.id} 0 1`)?.["n"], SOON).toBe(1);
  expect(wanted.get(`${recording.id} 0 0`)?.["n"]).toBe(0);
  database.close();
});

const extremes = (samples: Int32Array = new Int32Array(0)) => [Math.min(...samples), Math.max(...samples)];

test("samples that do not decode spoil no stretch but their own, and no overview", async () => {
  const recording = new TestRecording(terminal);
  const first = recording.next({ frameCount: 64 });
  const broken = recording.next({ frameCount: 64, body: { encoded: new Uint8Array(40).fill(0xee) } });
  const last = recording.next({ frameCount: 64 });
  await upload(first, broken, last);
  for (const good of [first, last]) {
    const { leads } = await client.samples(recording.id, good.firstFrame, good.firstFrame + 64);
    expect(leads).toEqual(good.leads);
  }
  await expect(client.samples(recording.id, 0, 192)).rejects.toThrow("500 ERR_DATA_UNREADABLE");
  const path = `recordings/${recording.id}/summary?fromFrame=0&toFrame=192&buckets=3`;
  const { leads } = await readFramed(site, cookie, path);
  for (const [i, lead] of leads.entries()) {
    const wanted = [...extremes(first.leads[i]), NO_SAMPLE, NO_SAMPLE, ...extremes(last.leads[i])];
    expect([...lead]).toEqual(wanted);
  }
});

describe("a request out of range is refused", () => {
  let recording: TestRecording;
  beforeAll(async () => {
    recording = new TestRecording(terminal);
    await upload(recording.next({ frameCount: 100 }));
  });

  test.each([
    ["samples", "fromFrame=0"],
    ["samples", "fromFrame=a&toFrame=1"],
    ["samples", "fromFrame=-1&toFrame=1"],
    ["samples", "fromFrame=5&toFrame=4"],
    ["samples", "fromFrame=101&toFrame=102"],
    ["samples", "fromFrame=1e300&toFrame=1e301"],
    ["samples", "fromFrame=0&toFrame=1&missing=zero"],
    ["summary", "fromFrame=0&toFrame=1"],
    ["summary", "fromFrame=0&toFrame=1&buckets=0"],
    ["summary", "fromFrame=0&toFrame=1&buckets=8193"],
    ["summary", "fromFrame=5&toFrame=5&buckets=1"],
    ["summary", "fromFrame=100&toFrame=200&buckets=1"],
    ["summary", "fromFrame=0&toFrame=Infinity&buckets=1"],
  ])("%s?%s", async (what, query) => {
    const url = `${site.server.url}/api/v1/recordings/${recording.id}/${what}?${query}`;
    const response = await fetch(url, { headers: { cookie } });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "ERR_REQUEST_RANGE" });
  });

  test.each(["", "x", "0".repeat(31), "0".repeat(33), "G".repeat(32), "..%2f..%2fetc", "0'%20OR%201=1--"])(
    "recordings/%s",
    async (id) => {
      const response = await fetch(`${site.server.url}/api/v1/recordings/${id}`, { headers: { cookie } });
      expect([400, 404]).toContain(response.status);
    },
  );
});

const stateOf = async ({ id }: TestRecording) => (await client.recording(id)).state;

describe("the state of a recording", () => {
  test("is live while it comes, interrupted when nothing was heard for 90 s, and live again", async () => {
    const recording = new TestRecording(terminal);
    await upload(recording.next());
    expect(await stateOf(recording)).toBe("live");
    site.pass(90_000);
    expect(await stateOf(recording)).toBe("interrupted");
    await upload(recording.next());
    expect(await stateOf(recording)).toBe("live");
  });

  test("is complete with its final segment and everything before", async () => {
    const recording = new TestRecording(terminal);
    const [first, second] = recording.take(2);
    await upload(recording.next({ final: true }), ...(first ? [first] : []));
    expect(await client.recording(recording.id)).toMatchObject({ state: "live", pendingCount: 1 });
    site.pass(90_000);
    expect(await stateOf(recording)).toBe("interrupted");
    if (second) await upload(second);
    expect(await client.recording(recording.id)).toMatchObject({ state: "complete", pendingCount: 0, segmentCount: 3 });
  });

  test("is complete when the terminal gave up what is missing", async () => {
    const recording = new TestRecording(terminal);
    recording.take(3);
    const [first] = recording.made;
    await upload(recording.next({ final: true }), ...(first ? [first] : []));
    await site.post(terminal.gap(recording.id, 1));
    expect(await stateOf(recording)).toBe("live");
    await site.post(terminal.gap(recording.id, 2, { cause: "quarantined" }));
    expect(await client.recording(recording.id)).toMatchObject({ state: "complete", pendingCount: 0 });
  });

  test("follows what the terminal tells of its newest segment", async () => {
    const recording = new TestRecording(terminal);
    await upload(recording.next());
    const head = {
      recording: recording.id,
      stream: 0,
      sequence: 3,
      hash: new Uint8Array(32),
      final: false,
    };
    await site.post(terminal.status({ heads: [{ ...head, open: true }] }));
    expect(await client.recording(recording.id)).toMatchObject({ state: "live", pendingCount: 3 });
    await site.post(terminal.status({ heads: [{ ...head, open: false }] }));
    expect(await stateOf(recording)).toBe("interrupted");
  });
});

describe("neighbours", () => {
  test("are told with their causes on both sides", async () => {
    const first = new TestRecording(terminal);
    await upload(first.next());
    const second = new TestRecording(terminal, PLAIN_SHAPE, { predecessor: { recording: first.id, cause: "gap" } });
    await upload(second.next());
    expect((await client.recording(first.id)).successor).toEqual({ recordingId: second.id, cause: "gap" });
    expect((await client.recording(second.id)).predecessor).toEqual({ recordingId: first.id, cause: "gap" });
  });

  test("are told once, although two recordings name one predecessor", async () => {
    const { terminal: own, patient } = site.terminalOf("with two successors");
    const first = new TestRecording(own);
    await site.post(own.envelope(first.next().sealed));
    const next = (cause: "conflict" | "restart") =>
      new TestRecording(own, PLAIN_SHAPE, { predecessor: { recording: first.id, cause } });
    const [second, third] = [next("conflict"), next("restart")];
    await site.post(own.envelope(second.next().sealed));
    await site.post(own.envelope(third.next().sealed));
    expect((await client.recordings(patient.id)).map(({ id }) => id).toSorted()).toEqual(
      [first.id, second.id, third.id].toSorted(),
    );
    expect((await client.recording(first.id)).successor).toEqual({ recordingId: second.id, cause: "conflict" });
  });

  test("of another terminal are not told", async () => {
    const first = new TestRecording(terminal);
    await upload(first.next());
    const stranger = site.terminalOf("a stranger").terminal;
    const claim = new TestRecording(stranger, PLAIN_SHAPE, { predecessor: { recording: first.id, cause: "gap" } });
    await site.post(stranger.envelope(claim.next().sealed));
    expect((await client.recording(first.id)).successor).toBeNull();
  });

  test("are told also when the first segment comes last", async () => {
    const predecessor = { recording: drawRecording(), cause: "duration" } as const;
    const recording = new TestRecording(terminal);
    const first = recording.next({ descriptor: { predecessor } });
    await upload(recording.next());
    expect((await client.recording(recording.id)).predecessor).toBeNull();
    await upload(first);
    expect((await client.recording(recording.id)).predecessor).toEqual({
      recordingId: predecessor.recording,
      cause: "duration",
    });
  });
});

const startOf = async ({ id }: TestRecording) => (await client.recording(id)).start;

describe("when a recording began is", () => {
  test("measured, when the terminal was in contact in the same boot, before or after", async () => {
    const bootId = drawBoot();
    const contactAt = site.clock.unixMs;
    const recording = new TestRecording(terminal, PLAIN_SHAPE, { boot: { bootId, monotonicMs: 5000 } });
    await upload(recording.next());
    expect(await startOf(recording)).toEqual({ unixMs: null, certainty: "unknown" });
    await site.post(terminal.status({ bootId, monotonicMs: 9000 }));
    expect(await startOf(recording)).toEqual({ unixMs: contactAt - 4000, certainty: "measured" });
    site.pass(1000);
    await site.post(terminal.status({ bootId, monotonicMs: 9900 }));
    expect(await startOf(recording)).toEqual({ unixMs: contactAt - 4000, certainty: "measured" });
    await site.post(terminal.status({ bootId, monotonicMs: 10_050 }));
    expect(await startOf(recording)).toEqual({ unixMs: contactAt - 4050, certainty: "measured" });
  });

  test("measured also from a later segment that came first", async () => {
    const bootId = drawBoot();
    const recording = new TestRecording(terminal);
    recording.next({ frameCount: 500 });
    await upload(recording.next({ descriptor: { boot: { bootId, monotonicMs: 7000 } } }));
    await site.post(terminal.status({ bootId, monotonicMs: 8000 }));
    expect(await startOf(recording)).toEqual({ unixMs: site.clock.unixMs - 3000, certainty: "measured" });
  });

  test("claimed, when it was in contact in another boot only", async () => {
    await site.post(terminal.status({ bootId: drawBoot(), monotonicMs: 1 }));
    const origin = { boot: { bootId: drawBoot(), monotonicMs: 5 }, claimed: { unixMs: 42, zoneOffsetMinutes: null } };
    const recording = new TestRecording(terminal, PLAIN_SHAPE, origin);
    await upload(recording.next());
    expect(await startOf(recording)).toEqual({ unixMs: 42, certainty: "claimed" });
  });

  test("unknown without either", async () => {
    const recording = new TestRecording(terminal);
    await upload(recording.next());
    expect(await startOf(recording)).toEqual({ unixMs: null, certainty: "unknown" });
  });
});

test("of many short segments all samples are given", async () => {
  const recording = new TestRecording(terminal);
  await upload(...recording.take(600, { frameCount: 2 }));
  expect(await readAll(client, recording)).toEqual(everySample(recording));
});
