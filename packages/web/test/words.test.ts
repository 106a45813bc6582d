import { expect, test } from "vitest";
import { agoText, clockText, durationText, elapsedText, unixMsOfSeconds, wallClockText } from "../src/format/time.ts";
import { causeText, countText, filterPatients, leadsText } from "../src/format/words.ts";
import { leadOf, recordingOf } from "./fixtures.ts";

const NOW = Date.UTC(2026, 10, 20, 9, 55, 12);

test("elapsed times", () => {
  expect([0, 59.99, 60, 3661, 86_400, -2].map((s) => elapsedText(s))).toEqual([
    "0:00:00", "0:01:00", "0:01:00", "1:01:01", "24:00:00", "\u22120:00:02",
  ]); // prettier-ignore
  expect([12.34, 59.96].map((s) => elapsedText(s, 1))).toEqual(["0:00:12.3", "0:01:00.0"]);
});

test("durations", () => {
  expect([1.25, 42, 312, 86_400, 5430].map(durationText)).toEqual([
    "1.3 s", "42 s", "5 min 12 s", "24 h 00 min", "1 h 30 min",
  ]); // prettier-ignore
});

test("wall clock with zone", () => {
  expect(wallClockText(NOW, "UTC")).toBe("Fri 20 Nov 2026, 09:55:12 UTC");
  expect(wallClockText(NOW, "Europe/Stockholm")).toBe("Fri 20 Nov 2026, 10:55:12 UTC+1");
  expect(clockText(Date.UTC(2026, 0, 1), "UTC")).toBe("00:00:00");
});

test("how long ago; a clock that runs ahead is no future", () => {
  const ages = [-5, 10, 200, 7200, 86_400, 400_000];
  expect(ages.map((s) => agoText(NOW, NOW - s * 1000))).toEqual([
    "just now", "just now", "3 min ago", "2 h ago", "yesterday", "5 days ago",
  ]); // prettier-ignore
});

test("a recording of unknown start has no clock time", () => {
  expect(unixMsOfSeconds(recordingOf(), 1.5)).toBe(NOW + 1500);
  expect(unixMsOfSeconds(recordingOf({ start: { unixMs: NOW, certainty: "unknown" } }), 0)).toBeUndefined();
  expect(unixMsOfSeconds(recordingOf({ start: { unixMs: null, certainty: "claimed" } }), 0)).toBeUndefined();
});

test("causes, counts and leads in words", () => {
  expect(["leads-changed", "journal_full", " ", "restart"].map(causeText)).toEqual([
    "leads changed", "journal full", "cause not stated", "restart",
  ]); // prettier-ignore
  expect([countText(1, "gap"), countText(0, "gap")]).toEqual(["1 gap", "0 gaps"]);
  expect(leadsText(["V1", "II", "I"].map((name) => leadOf(name)))).toBe("3 leads: I, II, V1");
  expect(
    leadsText(
      ["V1", "II", "I"].map((name) => leadOf(name)),
      2,
    ),
  ).toBe("3 leads: I, II, \u2026");
});

test("patients are found by any part of name or number, without accents", () => {
  const patients = ["Jürgen Weiß", "Ana Núñez"].map((name, index) => {
    return { id: `p-${index}`, name, recordingCount: 0, latestReceivedAtUnixMs: null, live: false };
  });
  expect(filterPatients(patients, "nunez ANA").map(({ id }) => id)).toEqual(["p-1"]);
  expect(filterPatients(patients, "P-0").map(({ id }) => id)).toEqual(["p-0"]);
  expect(filterPatients(patients, " ")).toHaveLength(2);
  expect(filterPatients(patients, "x")).toEqual([]);
});
