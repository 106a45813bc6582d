import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { benchTerminal, type TerminalBenchProgress } from "../src/bench/terminal.ts";

let workPath: string;
beforeEach(() => {
  workPath = mkdtempSync(join(tmpdir(), "bench-terminal-"));
});
afterEach(() => rmSync(workPath, { recursive: true, force: true }));

describe("benchTerminal", () => {
  it("records what it says, takes the source off, and leaves nothing behind", async () => {
    const progress: TerminalBenchProgress[] = [];
    const report = await benchTerminal({ hours: 0.05, workPath, nodeArguments: [] }, (phase) => progress.push(phase));
    expect(report).toMatchObject({ hours: 0.05, rawBytes: 180 * 500 * 24, segments: 19 });
    expect(report.journalBytes / report.rawBytes).toBeGreaterThan(0.1);
    expect(report.journalBytes / report.rawBytes).toBeLessThan(0.25);
    expect(report.sourceSeconds).toBeGreaterThan(0);
    expect(report.processorSeconds).toBeGreaterThan(0);
    expect(report.processorShare).toBeCloseTo(report.processorSeconds / 180, 9);
    expect(progress).toEqual(["synthesising", "reading", "recording"]);
    expect(readdirSync(workPath)).toEqual([]);
  });

  it("refuses a length that cannot work", async () => {
    const run = benchTerminal({ hours: 0, workPath, nodeArguments: [] }, () => undefined);
    await expect(run).rejects.toMatchObject({ code: "ERR_BENCH_OPTION", message: "hours is out of range" });
  });
});
