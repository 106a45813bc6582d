import { expect, test } from "vitest";
import { readRetryAfterMs, retryDelayMs } from "../src/retry-delay.ts";

test("pauses double up to half a minute, of which up to a half is taken off", () => {
  const longest = [1, 2, 3, 4, 5, 6, 7, 8, 100, 5000].map((count) => retryDelayMs(count, () => 0.999_999_999));
  expect(longest.map(Math.round)).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000]);
  const shortest = [1, 2, 7, 100].map((count) => retryDelayMs(count, () => 0));
  expect(shortest).toEqual([250, 500, 15_000, 15_000]);
});

test("an upstream may ask for more, up to five minutes, and never for less", () => {
  expect(retryDelayMs(1, () => 0, 60_000)).toBe(60_000);
  expect(retryDelayMs(1, () => 0, 1e9)).toBe(300_000);
  expect(retryDelayMs(7, () => 0, 100)).toBe(15_000);
});

test.each([
  [undefined, 0],
  ["", 0],
  ["0", 0],
  ["120", 120_000],
  [" 5 ", 5000],
  ["-1", 0],
  ["soon", 0],
  ["99999999999", 0],
  ["Wed, 21 Oct 2026 07:28:00 GMT", 60_000],
  ["Wed, 21 Oct 2026 07:26:00 GMT", 0],
])("Retry-After %s is %i ms", (header, expected) => {
  expect(readRetryAfterMs(header, Date.UTC(2026, 9, 21, 7, 27, 0))).toBe(expected);
});
