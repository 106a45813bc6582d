import { expect, test } from "vitest";
import { readObservationPage, readTrendPage } from "../src/api/observations.ts";
import type { TrendBucket, TrendPage, Trends, TrendSeries } from "../src/api/observations.ts";
import { unitText, withUnit } from "../src/format/unit.ts";
import { canonicalLeadName, leadTitle } from "../src/paper/lead-order.ts";
import { blockAround } from "../src/trends/block-feed.ts";
import { chartsOf, clipped } from "../src/trends/charts.ts";
import { clockTicks } from "../src/trends/clock-ticks.ts";
import { laneMarks } from "../src/trends/lane.ts";
import { loadTrends } from "../src/trends/load-trends.ts";
import { mergeTrends } from "../src/trends/merge.ts";
import { gapMsOf, momentsOf, nearestMoment } from "../src/trends/moments.ts";
import { newestReadingOf, readingOf } from "../src/trends/reading.ts";
import { bucketMsOf, DAY_MS, windowOfAll } from "../src/trends/time-range.ts";
import { TrendsFeed } from "../src/trends/trends-feed.ts";
import { valueScaleOf } from "../src/trends/value-scale.ts";
import { valueWindows } from "../src/trends/value-windows.ts";
import { recordingOf } from "./fixtures.ts";

const NOW = Date.UTC(2026, 10, 20, 12);
const MINUTE_MS = 60_000;

function bucket(unixMs: number, value: string, change: Partial<TrendBucket> = {}): TrendBucket {
  const values = { count: 1, lowest: value, highest: value, last: value };
  return { fromUnixMs: unixMs, suspect: false, ...values, lastUnixMs: unixMs, certainty: "measured", ...change };
}

function series(name: string | null, code: string, unit: string, ...buckets: readonly TrendBucket[]): TrendSeries {
  return { code, name, unit, buckets };
}

const trendsOf = (...all: readonly TrendSeries[]): Trends => ({ series: all, untimedCount: 0, unreadableSegments: 0 });

const PRESSURE = [
  series("diastolic blood pressure", "8462-4", "mm[Hg]", bucket(NOW, "76")),
  series("systolic blood pressure", "8480-6", "mm[Hg]", bucket(NOW, "118")),
  series("mean blood pressure", "8478-0", "mm[Hg]", bucket(NOW, "90")),
] as const;

test("answers that do not follow the API are refused", () => {
  const value = { code: "8310-5", name: null, unit: "Cel", value: "36.60", suspect: false };
  const time = { unixMs: 1, certainty: "device" };
  const observation = { id: "a", recordingId: "r", device: null, time, components: [value] };
  const page = { observations: [observation], next: null, unreadableSegments: 0 };
  expect(readObservationPage(page).observations[0]?.components).toEqual([value]);
  for (const broken of ["", "1e3", "NaN", "1.", "--1", 36.6, null]) {
    const components = [{ ...value, value: broken }];
    expect(() => readObservationPage({ ...page, observations: [{ ...observation, components }] })).toThrow("value");
  }
  const wrongTime = { unixMs: 1, certainty: "sure" };
  expect(() => readObservationPage({ ...page, observations: [{ ...observation, time: wrongTime }] })).toThrow(
    "certainty",
  );
  const trends = { series: [series(null, "x", "1", bucket(0, "1", { count: 0 }))], untimedCount: 0, next: null };
  expect(() => readTrendPage({ ...trends, unreadableSegments: 0 })).toThrow("count");
});

test("units are written as clinicians write them, and never converted", () => {
  expect(["Cel", "mm[Hg]", "mmol/L", "mg/dL", "{beats}/min", "%", "kg", "{steps}", "1"].map(unitText)).toEqual([
    "°C", "mmHg", "mmol/L", "mg/dL", "/min", "%", "kg", "{steps}", "",
  ]); // prettier-ignore
  expect(withUnit("-0.005", "Cel")).toBe("\u22120.005 °C");
});

test("parts of a pressure share a chart; other codes and units have one each, in a flow sheet's order", () => {
  const charts = chartsOf(
    trendsOf(
      series(null, "MDCX_ACME", "1", bucket(NOW, "1")),
      ...PRESSURE,
      series("systolic blood pressure", "MDC_PRESS_BLD_NONINV_SYS", "mm[Hg]", bucket(NOW, "120")),
      series("glucose in blood", "2339-0", "mg/dL", bucket(NOW, "99")),
      series("heart rate", "8867-4", "/min", bucket(NOW, "70")),
    ),
  );
  expect(charts.map(({ title, lines }) => [title, lines.map(({ role }) => role)])).toEqual([
    ["Heart rate", ["value"]],
    ["Blood pressure", ["systolic", "mean", "diastolic"]],
    ["Blood pressure", ["systolic"]],
    ["Glucose in blood", ["value"]],
    ["MDCX_ACME", ["value"]],
  ]);
});

test("pages of trends are joined where a stretch began on one and ended on the other", () => {
  const kind = ["oxygen saturation", "59408-5", "%"] as const;
  const older = { count: 2, lowest: "90", highest: "97.0", last: "97.0", lastUnixMs: NOW + 1 };
  const newer = { count: 3, lowest: "9.5", highest: "96", last: "95", lastUnixMs: NOW + 9 };
  const merged = mergeTrends(
    { ...trendsOf(series(...kind, bucket(NOW, "", newer))), untimedCount: 1 },
    { ...trendsOf(series(...kind, bucket(NOW - 5, "93"), bucket(NOW, "", older))), untimedCount: 2 },
  );
  expect(merged).toMatchObject({ untimedCount: 3, series: [{ buckets: [{ last: "93" }, {}] }] });
  expect(merged.series[0]?.buckets[1]).toMatchObject({ ...newer, count: 5, lowest: "9.5", highest: "97.0" });
});

test("a reading has the digits that are stored, the exact time, and whose word it is", () => {
  const [pressure] = chartsOf(trendsOf(...PRESSURE));
  if (!pressure) throw new Error("no chart");
  const [moment] = momentsOf(pressure, MINUTE_MS);
  if (!moment) throw new Error("no moment");
  expect(moment.unixMs).toBe(NOW);
  expect(readingOf(moment, pressure, MINUTE_MS)).toMatchObject({
    value: "118/76 mmHg (mean 90)",
    short: "118/76 mmHg",
    certainty: "measured",
    count: "",
  });
  const several = bucket(NOW, "", { count: 7, lowest: "36.60", highest: "37.1", last: "36.90", lastUnixMs: NOW + 9 });
  const [chart] = chartsOf(trendsOf(series("body temperature", "8310-5", "Cel", several)));
  if (!chart) throw new Error("no chart");
  const [stretch] = momentsOf(chart, MINUTE_MS);
  if (!stretch) throw new Error("no moment");
  expect(stretch.unixMs).toBe(NOW + MINUTE_MS / 2);
  expect(readingOf(stretch, chart, MINUTE_MS)).toMatchObject({ value: "36.60\u201337.1 °C", count: "7 values" });
  expect(newestReadingOf(stretch, chart, MINUTE_MS)).toMatchObject({ value: "36.90 °C", count: "" });
});

test("suspect values do not stretch a scale, and saturation ends at 100 %", () => {
  const scale = (...buckets: readonly TrendBucket[]) => {
    const [chart] = chartsOf(trendsOf(series("oxygen saturation", "59408-5", "%", ...buckets)));
    if (!chart) throw new Error("no chart");
    return valueScaleOf(chart);
  };
  expect(scale(bucket(0, "97"), bucket(0, "3", { suspect: true }), bucket(0, "127", { suspect: true }))).toMatchObject({
    low: 85,
    high: 100,
  });
  expect(scale(bucket(0, "71")).low).toBe(70);
  const [constant] = chartsOf(trendsOf(series(null, "x", "1", bucket(0, "0.001"))));
  expect(constant && valueScaleOf(constant).ticks.length).toBeGreaterThan(1);
});

test("values far apart are not joined, and the nearest is found within reach", () => {
  const moments = [0, 10, 20, 30, 100, 110].map((unixMs) => ({ unixMs, suspect: false, parts: [] }));
  expect(gapMsOf(moments, 1)).toBe(30);
  expect(nearestMoment(moments, 64)).toBe(3);
  expect(nearestMoment(moments, 66)).toBe(4);
  expect(nearestMoment(moments, 66, 10)).toBeUndefined();
  expect([nearestMoment(moments, -99), nearestMoment(moments, 999), nearestMoment([], 0)]).toEqual([0, 5, undefined]);
});

test("stretches are round and about as many as a chart can show", () => {
  const windows = [1, 7, 30, 3650].map((days) => ({ fromUnixMs: NOW - days * DAY_MS, toUnixMs: NOW }));
  expect(windows.map((window) => bucketMsOf(window) / MINUTE_MS)).toEqual([2, 15, 60, 8640]);
});

test("a device's wrong clock does not stretch the chart of everything", () => {
  const first = NOW - 10 * DAY_MS;
  const measured = [NOW - 12 * DAY_MS, Date.UTC(1970, 0, 1), NOW + 40 * DAY_MS];
  const window = windowOfAll(first, measured, NOW);
  expect(window).toEqual({ fromUnixMs: NOW - 12 * DAY_MS, toUnixMs: NOW });
  const [chart] = chartsOf(trendsOf(series(null, "x", "1", ...measured.map((at) => bucket(at, "1")))));
  expect(chart && clipped(chart, window).lines[0]?.buckets).toHaveLength(1);
});

test("ticks are round times of the reader's clock whose labels never touch", () => {
  for (const days of [0.1, 1, 7, 30, 400]) {
    const window = { fromUnixMs: NOW - days * DAY_MS, toUnixMs: NOW };
    const pxPerMs = 700 / (days * DAY_MS);
    const ticks = clockTicks(window, pxPerMs, 76);
    expect(ticks.length).toBeGreaterThan(1);
    for (const [i, { unixMs }] of ticks.entries()) {
      expect(unixMs % MINUTE_MS).toBe(0);
      if (i > 0) expect((unixMs - (ticks[i - 1]?.unixMs ?? 0)) * pxPerMs).toBeGreaterThan(60);
    }
  }
});

test("windows of the table hold enough values each, and all of them", () => {
  const hour = 3_600_000;
  const counts = [3, 500, 1, 2, 200, 150];
  const buckets = counts.map((count, i) => bucket(i * hour, "1", { count }));
  const trends = trendsOf(series(null, "a", "1", ...buckets), series(null, "b", "1", bucket(9 * hour, "1")));
  expect(valueWindows(trends, ["a"], 300)).toEqual([
    { fromUnixMs: 4 * hour, toUnixMs: undefined },
    { fromUnixMs: hour, toUnixMs: 4 * hour },
    { fromUnixMs: 0, toUnixMs: hour },
  ]);
  expect(valueWindows(trends, [], 1)[0]).toEqual({ fromUnixMs: 9 * hour, toUnixMs: undefined });
  expect(valueWindows(trendsOf(), [], 1)).toEqual([]);
});

test("everything is asked for again where the first stretches were too long for what there is", async () => {
  const asked: number[] = [];
  const start = { unixMs: NOW - 1000 * DAY_MS, certainty: "measured" } as const;
  const api = {
    recordings: async () => [recordingOf({ start })],
    trends: async (_id: string, { bucketMs }: { bucketMs: number }): Promise<TrendPage> => {
      asked.push(bucketMs);
      return { ...trendsOf(series(null, "x", "1", bucket(NOW - DAY_MS, "1"))), next: null };
    },
  };
  const complete: boolean[] = [];
  for await (const loaded of loadTrends(api, "p", "all", NOW, new AbortController().signal)) {
    complete.push(loaded.complete);
  }
  expect(asked).toEqual([2 * DAY_MS, 2 * MINUTE_MS]);
  expect(complete).toEqual([false, true]);
});

test("trends that are whole are replaced by whole ones alone, and stay when a refresh fails", async () => {
  const window = { fromUnixMs: 0, toUnixMs: 1 };
  const of = (untimedCount: number, complete: boolean) => ({
    trends: { ...trendsOf(), untimedCount },
    window,
    bucketMs: 1,
    complete,
  });
  const runs = [[of(1, false), of(2, true)], [of(3, false), of(4, true)], []];
  const shown: (number | undefined)[] = [];
  const feed = new TrendsFeed(async function* load() {
    const run = runs.shift() ?? [];
    if (run.length === 0) throw new Error("no answer");
    yield* run;
  });
  feed.subscribe(() => shown.push(feed.snapshot().loaded?.trends.untimedCount));
  feed.start();
  await expect.poll(() => shown).toEqual([1, 2]);
  feed.reload();
  await expect.poll(() => shown).toEqual([1, 2, 4]);
  feed.reload();
  await expect.poll(() => feed.snapshot().error?.code).toBe("ERR_SERVER_UNREACHABLE");
  expect(feed.snapshot().loaded?.trends.untimedCount).toBe(4);
});

test("values under a signal never stand over each other", () => {
  const buckets = Array.from({ length: 40 }, (_, i) => bucket(i * 1000, String(90 + (i % 9))));
  const [chart] = chartsOf(trendsOf(series("oxygen saturation", "59408-5", "%", ...buckets)));
  if (!chart) throw new Error("no chart");
  const marks = laneMarks(chart, 1000, (unixMs) => unixMs / 50, { fromPx: 60, toPx: 500 });
  expect(marks.map(({ x }) => x)).toEqual(Array.from({ length: 23 }, (_, i) => 60 + 20 * i));
  const labelled = marks.filter((mark) => mark.labelled).map(({ x }) => x);
  expect(labelled.length).toBeGreaterThan(3);
  expect(labelled.every((x, i) => i === 0 || x - (labelled[i - 1] ?? 0) >= 40)).toBe(true);
});

test("a block of values holds what is in view and seldom changes", () => {
  const window = { fromUnixMs: NOW + 1, toUnixMs: NOW + 15_001 };
  const block = blockAround(window);
  expect(block).toEqual(blockAround({ fromUnixMs: NOW + 400_000, toUnixMs: NOW + 415_000 }));
  expect(block.fromUnixMs <= window.fromUnixMs && block.toUnixMs >= window.toUnixMs).toBe(true);
});

test("reference ids are written as people say them", () => {
  expect(["MDC_PULS_OXIM_PLETH", "MDC_ECG_LEAD_AVR", "MDC_ECG_LEAD_V1", "ABP"].map(leadTitle)).toEqual([
    "Pleth", "aVR", "V1", "ABP",
  ]); // prettier-ignore
  expect(canonicalLeadName("MDC_ECG_LEAD_II")).toBe("II");
});
