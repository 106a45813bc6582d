/** Observations in few numbers say what the observations themselves say. */
import type { Observation } from "@pericard/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ApiClient } from "../src/client/api-client.ts";
import type { DescribedObservation } from "../src/retrieval/observations.ts";
import type { TrendBucket, TrendPage } from "../src/retrieval/trends.ts";
import { readerOf, signIn } from "./support/reading.ts";
import { CLAIMED_MS, component, ObservationStream } from "./support/test-observations.ts";
import { createNoise } from "./support/test-recording.ts";
import { TestInstallation } from "./support/test-server.ts";
import type { TestTerminal } from "./support/test-terminal.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let site: TestInstallation;
let cookie: string;
let client: ApiClient;

beforeAll(async () => {
  site = await new TestInstallation().start();
  cookie = await signIn(site);
  client = await readerOf(site);
});
afterAll(() => site.remove());

function somebody(name: string): { readonly own: TestTerminal; readonly id: string } {
  const owner = site.terminalOf(name);
  return { own: owner.terminal, id: owner.patient.id };
}

/** Temperatures at a time of the device's clock, in hundredths of a degree. */
const temperature = (hundredths: number, unixMs: number): Observation => ({
  afterMs: 0,
  claimed: { unixMs, zoneOffsetMinutes: 0 },
  device: null,
  components: [component("8310-5", "Cel", hundredths, -2)],
});

/** The same, minutes after {@link CLAIMED_MS}. */
const at = (hundredths: number, minutes: number) => temperature(hundredths, CLAIMED_MS + minutes * 60_000);

async function upload(of: TestTerminal, ...segments: readonly Uint8Array[]): Promise<void> {
  for (let at = 0; at < segments.length; at += 32) await site.post(of.envelope(...segments.slice(at, at + 32)));
}

/** Every page of a patient's trends. */
async function pagesOf(id: string, wish: { bucketMs: number; from?: number; to?: number }): Promise<TrendPage[]> {
  const pages: TrendPage[] = [];
  for (let after: string | undefined; ;) {
    const page: TrendPage = await client.trends(id, { ...wish, after });
    pages.push(page);
    if (page.next === null) return pages;
    after = page.next;
  }
}

const bucketsOf = (pages: readonly TrendPage[], code: string): readonly TrendBucket[] =>
  pages.flatMap(({ series }) => series.filter((one) => one.code === code).flatMap(({ buckets }) => buckets));

describe("trends", () => {
  test("give each value exactly where stretches are short", async () => {
    const { own, id } = somebody("exact");
    const stream = new ObservationStream(own, 0);
    const cuff: Observation = {
      ...temperature(3660, CLAIMED_MS - DAY_MS),
      components: [component("8480-6", "mm[Hg]", 128), component("8462-4", "mm[Hg]", 81)],
    };
    await upload(own, stream.next([temperature(3660, CLAIMED_MS), cuff, temperature(9900, CLAIMED_MS)]));
    expect(await pagesOf(id, { bucketMs: 1 })).toEqual([
      {
        series: [
          { code: "8310-5", name: "body temperature", unit: "Cel", buckets: [single("36.60"), single("99.00", true)] },
          { code: "8480-6", name: "systolic blood pressure", unit: "mm[Hg]", buckets: [single("128", false, DAY_MS)] },
          { code: "8462-4", name: "diastolic blood pressure", unit: "mm[Hg]", buckets: [single("81", false, DAY_MS)] },
        ].map((one) => expect.objectContaining({ ...one, buckets: expect.arrayContaining(one.buckets) as unknown })),
        untimedCount: 0,
        next: null,
        unreadableSegments: 0,
      },
    ]);
  });

  test("give count, least, greatest and newest of a stretch, for those that a body can have and for others", async () => {
    const { own, id } = somebody("stretches");
    const stream = new ObservationStream(own, 0);
    await upload(own, stream.next([at(3710, 1), at(3690, 59), at(3705, 30), at(9, 20), at(5000, 10), at(3650, 60)]));
    const first = { fromUnixMs: CLAIMED_MS, certainty: "device" };
    expect(bucketsOf(await pagesOf(id, { bucketMs: HOUR_MS }), "8310-5")).toEqual([
      {
        ...first,
        suspect: true,
        count: 2,
        lowest: "0.09",
        highest: "50.00",
        last: "0.09",
        lastUnixMs: CLAIMED_MS + 20 * 60_000,
      },
      {
        ...first,
        suspect: false,
        count: 3,
        lowest: "36.90",
        highest: "37.10",
        last: "36.90",
        lastUnixMs: CLAIMED_MS + 59 * 60_000,
      },
      { ...single("36.50", false, -HOUR_MS), fromUnixMs: CLAIMED_MS + HOUR_MS },
    ]);
  });

  test("tell how many values have no time, where all are asked for", async () => {
    const { own, id } = somebody("timeless");
    const stream = new ObservationStream(own, 0, { claimed: null });
    const timeless = { ...temperature(3660, 0), claimed: null };
    await upload(own, stream.next([timeless, timeless, temperature(3700, CLAIMED_MS)]));
    expect(await client.trends(id, { bucketMs: 1000 })).toMatchObject({ untimedCount: 2, series: [{ buckets: [{}] }] });
    expect(await client.trends(id, { bucketMs: 1000, from: 0 })).toMatchObject({ untimedCount: 0 });
    expect(await client.trends(id, { bucketMs: 1000, from: CLAIMED_MS + 1 })).toMatchObject({ series: [] });
  });

  test("of many observations are those of the observations read one by one, page by page", async () => {
    const { own, id } = somebody("many");
    const noise = createNoise(7);
    const streams = [new ObservationStream(own, 0), new ObservationStream(own, 0)];
    for (const stream of streams) {
      const segments = Array.from({ length: 40 }, (_, s) =>
        stream.next(
          Array.from({ length: 250 }, (__, i) =>
            temperature(3500 + (noise() % 400), CLAIMED_MS + (s * 250 + i) * 7919),
          ),
          { codec: "gzip" },
        ),
      );
      await upload(own, ...segments);
      site.clock.unixMs += 1000;
    }
    const all: DescribedObservation[] = [];
    for await (const page of client.allObservations(id, { limit: 1000 })) all.push(...page.observations);
    expect(all).toHaveLength(20_000);
    for (const bucketMs of [60_000, 7919]) {
      const pages = await pagesOf(id, { bucketMs });
      if (bucketMs === 7919) expect(pages.length).toBeGreaterThan(1);
      expect(merged(bucketsOf(pages, "8310-5"))).toEqual(bucketsByHand(all, bucketMs));
    }
  });

  test("are refused as observations are", async () => {
    const { id } = somebody("asked");
    for (const query of ["", "bucketMs=0", "bucketMs=1.5", "bucketMs=1&from=x", "bucketMs=1&after=x"]) {
      expect([query, await ask(id, query)]).toEqual([query, 400]);
    }
    expect(await ask(id, "bucketMs=1")).toBe(200);
    expect(await ask(id, "bucketMs=1", {})).toBe(401);
    expect(await ask("ab".repeat(16), "bucketMs=1")).toBe(404);
  });
});

/** Status of an answer. */
async function ask(of: string, query: string, headers: Record<string, string> = { cookie }): Promise<number> {
  return (await fetch(`${site.server.url}/api/v1/patients/${of}/trends?${query}`, { headers })).status;
}

/** A stretch of 1 ms with one value, measured `agoMs` before {@link CLAIMED_MS}. */
function single(value: string, suspect = false, agoMs = 0): TrendBucket {
  const unixMs = CLAIMED_MS - agoMs;
  const values = { lowest: value, highest: value, last: value };
  return { fromUnixMs: unixMs, suspect, count: 1, ...values, lastUnixMs: unixMs, certainty: "device" };
}

/** Count, least and greatest of stretches that came in several pages, by their begin. */
function merged(buckets: readonly TrendBucket[]): Record<number, readonly [number, number, number]> {
  const found: Record<number, readonly [number, number, number]> = {};
  for (const { fromUnixMs, count, lowest, highest } of buckets) {
    const [n, low, high] = found[fromUnixMs] ?? [0, Infinity, -Infinity];
    found[fromUnixMs] = [n + count, Math.min(low, Number(lowest)), Math.max(high, Number(highest))];
  }
  return found;
}

function bucketsByHand(all: readonly DescribedObservation[], bucketMs: number) {
  const byHand = Map.groupBy(all, ({ time }) => Math.floor((time.unixMs ?? 0) / bucketMs) * bucketMs);
  return Object.fromEntries(
    [...byHand].map(([from, found]) => {
      const values = found.map(({ components }) => Number(components[0]?.value));
      return [from, [values.length, Math.min(...values), Math.max(...values)]];
    }),
  );
}
