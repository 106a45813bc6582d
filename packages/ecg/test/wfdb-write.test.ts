import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  chooseSignalFormat,
  createWfdbWriter,
  openWfdbRecord,
  type Lead,
  type SampleBlock,
  type SignalFormatName,
  type WaveformFormat,
  type WfdbRecord,
} from "../src/index.ts";
import { collectLeads, describeWithData, loadRecord } from "./data-folder.ts";
import { memoryFiles } from "./memory-files.ts";

const LEAD: Lead = {
  name: "II",
  units: "mV",
  gainAduPerUnit: "200",
  baselineAdu: 0,
  samplesPerFrame: 1,
  skewFrames: 0,
  adcResolutionBits: 16,
  adcZeroAdu: 0,
  missingCode: -32768,
};

function formatOf(...changes: Partial<Lead>[]): WaveformFormat {
  return { frameRateHz: { num: 24_989, den: 400 }, leads: changes.map((change) => ({ ...LEAD, ...change })) };
}

async function writeAndOpen(
  format: WaveformFormat,
  blocks: readonly SampleBlock[],
  signalFormat?: SignalFormatName,
): Promise<{ record: WfdbRecord; headerText: string }> {
  const baseTime = { timeOfDayMs: 62_865_250, date: { year: 1994, month: 8, day: 15 } };
  const comments = ["a line\nbreak", ""];
  const writer = createWfdbWriter({
    recordName: "out-1",
    format,
    baseTime,
    comments,
    ...(signalFormat && { signalFormat }),
  });
  const parts = blocks.map((block) => writer.append(block));
  const { signalBytes, headerText } = writer.finish();
  const bytes = Uint8Array.from([...parts, signalBytes].flatMap((part) => [...part]));
  return { record: await openWfdbRecord(headerText, memoryFiles({ [writer.signalFileName]: bytes })), headerText };
}

describe("createWfdbWriter", () => {
  const gain = fc.constantFrom("200", "30061.276794035417", "1.052e+04", "1000.0", "-3.5", "0.001");
  const lead = fc.record({
    name: fc.constantFrom("I", "ECG 1", "sig 0, fmt 8", "µ#(200)/mV", "a  b"),
    units: fc.constantFrom("mV", "mv", "mmHg", "NU"),
    gainAduPerUnit: gain,
    baselineAdu: fc.integer({ min: -200_000, max: 200_000 }),
    samplesPerFrame: fc.integer({ min: 1, max: 4 }),
    skewFrames: fc.nat(3),
    adcResolutionBits: fc.integer({ min: 1, max: 16 }),
    adcZeroAdu: fc.integer({ min: -2048, max: 2048 }),
  });

  test.each<[SignalFormatName, number, number]>([
    ["16", -32768, 32767],
    ["32", -2147483648, 2147483647],
    ["212", -2048, 2047],
  ])("format %s reads back with the same integers and the same format", async (signalFormat, min, max) => {
    const cases = fc.tuple(
      fc.array(lead, { minLength: 1, maxLength: 4 }),
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
      fc.nat(),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ([changes, frameCounts, seed]) => {
        const format = formatOf(...changes.map((change) => ({ ...change, missingCode: min })));
        let state = seed;
        const sample = (): number => {
          state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
          return min + (state % (max - min + 1));
        };
        const blocks = frameCounts.map((frameCount) => ({
          frameCount,
          leads: format.leads.map((l) => Int32Array.from({ length: frameCount * l.samplesPerFrame }, sample)),
        }));
        const { record } = await writeAndOpen(format, blocks, signalFormat);
        expect(record.format).toEqual(format);
        expect(record.header.baseTime).toEqual({ timeOfDayMs: 62_865_250, date: { year: 1994, month: 8, day: 15 } });
        const written = format.leads.map((_, i) => blocks.flatMap((block) => [...(block.leads[i] ?? [])]));
        expect((await collectLeads(record, 2)).map((digital) => [...digital])).toEqual(written);
      }),
      { numRuns: 150 },
    );
  });

  test("writes what header(5) says", async () => {
    const format = {
      ...formatOf({ samplesPerFrame: 2, skewFrames: 3 }, { name: "V", units: "mmHg" }),
      frameRateHz: { num: 360, den: 1 },
    };
    const { headerText } = await writeAndOpen(format, [
      { frameCount: 1, leads: [Int32Array.of(-5, 32767), Int32Array.of(-32768)] },
    ]);
    expect(headerText).toBe(
      "out-1 2 360 1 17:27:45.250 15/08/1994\n" +
        "out-1.dat 16x2:3 200(0)/mV 16 0 -5 32762 0 II\n" +
        "out-1.dat 16 200(0)/mmHg 16 0 -32768 -32768 0 V\n" +
        "# a line break\n#\n",
    );
  });

  test("missing samples take the code of the signal format", async () => {
    const format = formatOf({ missingCode: -2048, adcResolutionBits: 14 });
    const { record } = await writeAndOpen(format, [{ frameCount: 2, leads: [Int32Array.of(-2048, 7)] }]);
    expect(await collectLeads(record, 2)).toEqual([Int32Array.of(-32768, 7)]);
    expect(record.format.leads[0]?.missingCode).toBe(-32768);
  });

  test("an empty record reads back empty", async () => {
    const { record } = await writeAndOpen(formatOf({}), []);
    expect(await collectLeads(record, 1)).toEqual([new Int32Array(0)]);
  });

  test.each<[string, Partial<Lead>[], SignalFormatName]>([
    [
      "all from 212",
      [
        { missingCode: -2048, adcResolutionBits: 12 },
        { missingCode: -2048, adcResolutionBits: 10 },
      ],
      "212",
    ],
    ["mixed", [{ missingCode: -2048, adcResolutionBits: 12 }, {}], "16"],
    ["no missing code", [{ missingCode: null }], "16"],
    ["24 bits", [{ adcResolutionBits: 24 }], "32"],
    ["32-bit missing code", [{ missingCode: -2147483648 }], "32"],
  ])("chooses the signal format: %s", (_, changes, expected) => {
    expect(chooseSignalFormat(formatOf(...changes))).toBe(expected);
  });

  test("refuses samples that do not fit or would read as missing, blocks of another shape, and names that are paths", () => {
    const writer = createWfdbWriter({ recordName: "r", format: formatOf({ missingCode: -1 }), baseTime: null });
    for (const sample of [32768, -32769, -32768]) {
      const write = (): unknown => writer.append({ frameCount: 1, leads: [Int32Array.of(sample)] });
      expect(write).toThrow(expect.objectContaining({ code: "ERR_SAMPLES_RANGE" }));
    }
    expect(() => writer.append({ frameCount: 2, leads: [Int32Array.of(1)] })).toThrow(
      expect.objectContaining({ code: "ERR_SAMPLES_SHAPE" }),
    );
    for (const recordName of ["", "../r", "a b", "a/2", "x".repeat(65)]) {
      const create = (): unknown => createWfdbWriter({ recordName, format: formatOf({}), baseTime: null });
      expect(create).toThrow(expect.objectContaining({ code: "ERR_WFDB_HEADER" }));
    }
  });

  test("refuses a rate that decimal text cannot state", () => {
    const format = { ...formatOf({}), frameRateHz: { num: 1000, den: 3 } };
    const writer = createWfdbWriter({ recordName: "r", format, baseTime: null });
    expect(() => writer.finish()).toThrow("no exact decimal form");
  });
});

function statedChecksums(opened: WfdbRecord): (number | null)[] {
  return opened.header.signals.map((signal) => signal.checksum);
}

describeWithData("writing real records", () => {
  test.each(["mitdb/100_3chan", "mimicdb/237s/237s1", "cpsc2021/data_101_6", "ptbdb/s0010_re", "challenge-2015/a103l"])(
    "%s comes back with the same integers, format and checksums",
    async (name) => {
      const { record, leads } = await loadRecord(name);
      const written = await writeAndOpen(record.format, [{ frameCount: record.frameCount, leads }]);
      expect(written.record.format).toEqual(record.format);
      expect(await collectLeads(written.record, 1_000)).toEqual(leads);
      expect(statedChecksums(written.record)).toEqual(statedChecksums(record));
    },
  );
});
