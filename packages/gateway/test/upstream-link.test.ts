import { describe, expect, test } from "vitest";
import { UpstreamLink, type FailoverTimes } from "../src/upstream-link.ts";

const TIMES: FailoverTimes = {
  failingMs: 3000,
  cutOffMs: 30_000,
  returnMs: 10_000,
  returnMsMax: 35_000,
  probeMs: 5000,
};

function failAt(link: UpstreamLink, nowMs: number): void {
  link.see("failing", nowMs);
  link.see("failing", nowMs + TIMES.failingMs);
}

/** Milliseconds for which a link that is well again is not preferred yet. */
function restOf(link: UpstreamLink, nowMs: number): number {
  link.see("open", nowMs);
  let restMs = 0;
  while (link.rank(nowMs + restMs) < 3) restMs += 500;
  return restMs;
}

describe("an upstream", () => {
  test("counts as well before anything is seen", () => {
    expect(new UpstreamLink(TIMES).rank(0)).toBe(3);
  });

  test("fails when it has failed for three seconds, and not for a hiccup", () => {
    const link = new UpstreamLink(TIMES);
    link.see("failing", 1000);
    link.see("failing", 3999);
    expect(link.rank(3999)).toBe(3);
    link.see("open", 3999);
    link.see("failing", 5000);
    link.settle(7999);
    expect(link.rank(7999)).toBe(3);
    link.settle(8000);
    expect(link.rank(8000)).toBe(0);
  });

  test("is cut off after a longer time than it fails", () => {
    const link = new UpstreamLink(TIMES);
    link.see("cut-off", 0);
    link.see("cut-off", 29_999);
    expect(link.rank(29_999)).toBe(3);
    link.see("cut-off", 30_000);
    expect(link.rank(30_000)).toBe(1);
    failAt(link, 40_000);
    expect(link.rank(43_000)).toBe(0);
  });

  test("is well at once, and preferred after a while", () => {
    const link = new UpstreamLink(TIMES);
    failAt(link, 0);
    link.see("open", 5000);
    expect([link.rank(5000), link.rank(14_999), link.rank(15_000)]).toEqual([2, 2, 3]);
  });

  test("must be well for longer each time it fails soon after, up to a bound, and begins anew when it was well for long", () => {
    const link = new UpstreamLink(TIMES);
    const rests: number[] = [];
    for (let nowMs = 0; rests.length < 4; nowMs += 100_000) {
      failAt(link, nowMs);
      rests.push(restOf(link, nowMs + 50_000));
    }
    expect(rests).toEqual([10_000, 20_000, 35_000, 35_000]);
    failAt(link, 10_000_000);
    expect(restOf(link, 10_010_000)).toBe(10_000);
  });
});
