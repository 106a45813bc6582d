import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { benchIngest, type IngestProgress } from "../src/bench/ingest.ts";
import { median } from "../src/bench/median.ts";

let workPath: string;
beforeEach(() => {
  workPath = mkdtempSync(join(tmpdir(), "bench-ingest-"));
});
afterEach(() => rmSync(workPath, { recursive: true, force: true }));

const TINY = { seconds: 0.3, rounds: 1, terminals: 4, concurrency: 4, warmUpEnvelopes: 8 } as const;

describe("benchIngest", () => {
  it("measures server and floor in one run and leaves nothing behind", async () => {
    const progress: IngestProgress["phase"][] = [];
    const report = await benchIngest({ ...TINY, copies: 2, workPath }, ({ phase }) => progress.push(phase));
    expect(report.segmentsPerSecond).toBeGreaterThan(1);
    expect(report.floorSegmentsPerSecond).toBeGreaterThan(1);
    expect(report.ratio).toBeCloseTo(report.segmentsPerSecond / report.floorSegmentsPerSecond, 9);
    expect(report.floorParts.length).toBe(11);
    for (const { name, microseconds } of report.floorParts) expect(microseconds, name).toBeGreaterThan(0);
    const sum = report.floorParts.reduce((total, { microseconds }) => total + microseconds, 0);
    expect(report.floorSumSegmentsPerSecond).toBeCloseTo(1e6 / sum, 6);
    expect(report.segmentBytes).toBeGreaterThan(15_000);
    expect(report.segmentBytes).toBeLessThan(25_000);
    expect(report.envelopeBytes).toBeGreaterThan(report.segmentBytes);
    expect(report.serverRounds).toHaveLength(1);
    expect(report.copies).toBe(2);
    expect(progress).toEqual(["deploying", "preparing", "preparing", "server", "floor", "parts"]);
    expect(readdirSync(workPath)).toEqual([]);
  });

  it("stores one copy as well", async () => {
    const report = await benchIngest({ ...TINY, copies: 1, workPath });
    expect(report.copies).toBe(1);
    expect(report.segmentsPerSecond).toBeGreaterThan(1);
  });

  it.each([
    ["seconds", { seconds: 0 }],
    ["rounds", { rounds: 1.5 }],
    ["concurrency", { terminals: 2, concurrency: 3 }],
    ["copies", { copies: 4 }],
  ])("refuses %s that cannot work", async (name, wrong) => {
    const run = benchIngest({ ...TINY, ...wrong, workPath });
    await expect(run).rejects.toMatchObject({ code: "ERR_BENCH_OPTION", message: `${name} is out of range` });
  });
});

describe("median", () => {
  it("is the middle value, or the mean of the two middle ones", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([7])).toBe(7);
  });

  it("refuses no values", () => expect(() => median([])).toThrow(RangeError));
});
