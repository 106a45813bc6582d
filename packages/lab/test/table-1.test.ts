import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { explain, hasPaperOrder } from "../src/table-1/explain.ts";
import { minutesOf, recordedStream, segmentsOf, syntheticStreams } from "../src/table-1/stream.ts";
import { measureTable1, type Table1Report } from "../src/table-1/table-1.ts";
import { ECG_DATA, hasEcgData } from "./ecg-data.ts";

const SIZE = 3_000_000;
const PAPER = { gzip: 36.2, dedup: 51.5, "gzip+dedup": 26.8, "dedup+gzip": 14.6 };
const MEASURED = { differenceBits: 5, sampleBits: 16 };

function told(repeatedPercent: number, nearPercent: number): string {
  const percents = { ...PAPER, "gzip of each 10 s, dedup": 20 };
  return explain({ ...MEASURED, repeatedPercent, nearPercent }, percents).join("\n");
}

describe("the table", () => {
  let report: Table1Report;
  const heard: string[] = [];
  beforeAll(async () => {
    report = await measureTable1({ sizeBytes: SIZE, recordPaths: [] }, (data, algorithm) =>
      heard.push(`${data}: ${algorithm}`),
    );
  }, 120_000);
  const percent = (data: string, algorithm: string): number =>
    report.rows.find((row) => row.data === data && row.algorithm === algorithm)?.percent ?? Number.NaN;

  it("has the paper's four rows and its figures for every stream", () => {
    for (const data of ["noisy", "periodic", "replayed"]) {
      const rows = report.rows.filter((row) => row.data === data && row.paperPercent !== null);
      expect(Object.fromEntries(rows.map((row) => [row.algorithm, row.paperPercent]))).toEqual(PAPER);
      for (const row of rows) expect(row.processorShare).toBeLessThan(report.paperProcessorShare);
    }
    expect(heard).toContain("periodic: dedup+gzip");
  });

  it("finds nothing to remove in noise, and the codec of this project the smallest there", () => {
    expect(percent("noisy", "dedup")).toBeGreaterThan(100);
    expect(percent("noisy", "lead-residual, 10 s")).toBeLessThan(percent("noisy", "gzip") / 2);
    expect(report.streams[0]).toMatchObject({ data: "noisy", hasPaperOrder: false });
    expect(report.streams[0]?.repeatedPercent).toBeLessThan(1);
  });

  it("finds the paper's best row the best where something comes again", () => {
    for (const data of ["periodic", "replayed"]) {
      for (const other of ["gzip", "dedup", "gzip+dedup"]) {
        expect(percent(data, "dedup+gzip"), `${data} ${other}`).toBeLessThan(percent(data, other));
      }
    }
    expect(report.streams[1]?.nearPercent).toBeGreaterThan(95);
  });

  it("comes near the paper's figures where about half is played again beyond gzip's window", () => {
    expect(percent("replayed", "dedup")).toBeCloseTo(51.5, -1);
    expect(percent("replayed", "dedup+gzip")).toBeCloseTo(14.6, -1);
    expect(report.streams[2]?.nearPercent).toBeLessThan(5);
    expect(percent("replayed", "gzip of each 10 s, dedup")).toBeLessThan(percent("replayed", "gzip+dedup") * 0.7);
  });
});

describe("streams", () => {
  it("are of the length asked for and cut into segments without loss", () => {
    for (const stream of syntheticStreams(SIZE)) {
      expect(stream.bytes).toHaveLength(SIZE);
      expect(minutesOf(stream)).toBeCloseTo(SIZE / 720_000, 3);
      const segments = [...segmentsOf(stream, 10)];
      expect(segments).toHaveLength(25);
      const view = new DataView(stream.bytes.buffer);
      expect(segments[3]?.[7]?.[42]).toBe(view.getInt16(((3 * 5000 + 42) * 12 + 7) * 2, true));
    }
  });
});

describe.skipIf(!hasEcgData())("a recording", () => {
  it("is compressed once and not repeated, and dedup finds nothing in it", async () => {
    const path = join(ECG_DATA, "twadb/twa01.hea");
    const stream = await recordedStream(path, 600_000);
    expect(stream.bytes.length).toBeGreaterThanOrEqual(600_000);
    expect(stream.bytes.length).toBeLessThan(700_000);
    const { rows, streams } = await measureTable1({ sizeBytes: 200_000, recordPaths: [path] }, () => undefined);
    const percent = (algorithm: string): number =>
      rows.find((row) => row.data === "twa01" && row.algorithm === algorithm)?.percent ?? Number.NaN;
    expect(percent("dedup")).toBeGreaterThan(99);
    expect(percent("lead-residual, 10 s")).toBeLessThan(percent("gzip") * 0.6);
    expect(streams.at(-1)?.reasons.join("\n")).toContain("nothing to remove");
  });
});

describe("the order of merit", () => {
  it("is the paper's for the paper's figures, and not for others", () => {
    expect(hasPaperOrder(PAPER)).toBe(true);
    expect(hasPaperOrder({ ...PAPER, dedup: 36 })).toBe(false);
    expect(hasPaperOrder({ ...PAPER, gzip: 26.8 })).toBe(false);
    expect(hasPaperOrder({ gzip: 1, dedup: 2 })).toBe(false);
  });

  it("is explained by what was measured", () => {
    expect(told(0, 0)).toContain("nothing to remove");
    expect(told(99, 98)).toContain("within gzip's window: dedup names");
    expect(told(48, 1)).toContain("farther back than gzip sees");
    expect(told(48, 1)).toContain("the four rows are in the paper's order");
  });
});
