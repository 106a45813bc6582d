import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { benchFactory } from "../src/bench/factory.ts";

let workPath: string;
beforeEach(() => {
  workPath = mkdtempSync(join(tmpdir(), "bench-factory-"));
});
afterEach(() => rmSync(workPath, { recursive: true, force: true }));

describe("benchFactory", () => {
  it("measures factory and floor by turns and leaves nothing behind", () => {
    const sides: string[] = [];
    const report = benchFactory({ terminals: 1000, rounds: 2, workPath }, ({ side }) => sides.push(side));
    expect(sides).toEqual(["factory", "floor", "factory", "floor"]);
    expect(report.sizeBytes).toBe(960_000);
    expect(report.blocksPerSecond).toBe(Math.max(...report.factoryRounds));
    expect(report.ratio).toBeCloseTo(report.blocksPerSecond / report.floorBlocksPerSecond, 9);
    expect(report.openMilliseconds.median).toBeGreaterThan(0);
    expect(report.openMilliseconds.slowest).toBeGreaterThanOrEqual(report.openMilliseconds.median);
    expect(readdirSync(workPath)).toEqual([]);
  });

  it("refuses what cannot be measured", () => {
    for (const wrong of [{ terminals: 0 }, { terminals: 1.5 }, { rounds: 0 }, { terminals: 8_388_609 }]) {
      const options = { terminals: 1, rounds: 1, workPath, ...wrong };
      expect(() => benchFactory(options)).toThrow(expect.objectContaining({ code: "ERR_BENCH_OPTION" }));
    }
  });
});
