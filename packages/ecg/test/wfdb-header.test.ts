import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EcgError, openWfdbRecord, parseWfdbHeader, readBlocks } from "../src/index.ts";
import { memoryFiles } from "./memory-files.ts";

const GOOD = "r 2 360 10\nr.dat 16 200 12 0 5 10 0 I\nr.dat 16 200 12 0 6 10 0 II\n";

async function read(text: string, files: Record<string, Uint8Array>): Promise<number[][]> {
  const leads: number[][] = [];
  for await (const block of readBlocks(await openWfdbRecord(text, memoryFiles(files)), 3)) {
    for (const [index, lead] of block.leads.entries()) (leads[index] ??= []).push(...lead);
  }
  return leads;
}

describe("parseWfdbHeader", () => {
  test("fills in what a short header leaves out, as header(5) says", () => {
    const header = parseWfdbHeader("r 1\nr.dat 212");
    expect(header).toMatchObject({
      frameRateHz: { num: 250, den: 1 },
      frameCount: null,
      baseTime: null,
      baseCounter: "0",
      comments: [],
    });
    expect(header.signals[0]).toEqual({
      fileName: "r.dat",
      format: "212",
      samplesPerFrame: 1,
      skewFrames: 0,
      byteOffset: 0,
      gainAduPerUnit: "200",
      baselineAdu: 0,
      units: "mV",
      adcResolutionBits: 12,
      adcZeroAdu: 0,
      initialAdu: null,
      checksum: null,
      blockSizeBytes: 0,
      description: null,
    });
  });

  test("takes tabs, carriage returns, comments and blank lines anywhere", () => {
    const text =
      "# before\r\n\r\nr\t1  360/999.5(-3)   10 8:26:04.5 26/10/1994\r\n# between\r\n\r\nr.dat\t16x4:3+24 1e3(-7)/uV 16 -1 2 -3 0 a  lead\r\n#after";
    expect(parseWfdbHeader(text)).toMatchObject({
      counterRateHz: { num: 1999, den: 2 },
      baseCounter: "-3",
      baseTime: { timeOfDayMs: 30_364_500, date: { year: 1994, month: 10, day: 26 } },
      comments: ["before", "between", "after"],
      signals: [
        {
          samplesPerFrame: 4,
          skewFrames: 3,
          byteOffset: 24,
          gainAduPerUnit: "1e3",
          baselineAdu: -7,
          units: "uV",
          checksum: 65_533,
          description: "a  lead",
        },
      ],
    });
  });

  test.each(["0", "0.0", "0/mV"])("gain %s means 200", (gain) => {
    expect(parseWfdbHeader(`r 1\nr.dat 16 ${gain}`).signals[0]?.gainAduPerUnit).toBe("200");
  });

  test("a baseline that is not stated is the ADC zero", () => {
    expect(parseWfdbHeader("r 1\nr.dat 16 200/mV 12 1024").signals[0]?.baselineAdu).toBe(1024);
  });

  test.each<[string, string, string]>([
    ["nothing", "ERR_WFDB_HEADER", ""],
    ["no signal count", "ERR_WFDB_HEADER", "r"],
    ["no signals", "ERR_WFDB_HEADER", "r 0 360"],
    ["65 signals", "ERR_WFDB_LIMIT", "r 65 360"],
    ["a missing signal line", "ERR_WFDB_HEADER", "r 2 360\nr.dat 16"],
    ["a record name with a slash", "ERR_WFDB_MULTI_SEGMENT", "r/2 1 360"],
    ["a hostile record name", "ERR_WFDB_HEADER", "../r 1 360"],
    ["a negative rate", "ERR_WFDB_HEADER", "r 1 -360\nr.dat 16"],
    ["a rate that is no number", "ERR_WFDB_HEADER", "r 1 abc\nr.dat 16"],
    ["a rate beyond a megahertz", "ERR_WFDB_LIMIT", "r 1 1000001\nr.dat 16"],
    ["a length that is no number", "ERR_WFDB_HEADER", "r 1 360 1e9\nr.dat 16"],
    ["a length beyond 2^40", "ERR_WFDB_LIMIT", "r 1 360 2000000000000\nr.dat 16"],
    ["an impossible time", "ERR_WFDB_HEADER", "r 1 360 1 24:00:00\nr.dat 16"],
    ["an impossible date", "ERR_WFDB_HEADER", "r 1 360 1 0:00:00 30/02/2020\nr.dat 16"],
    ["a control character", "ERR_WFDB_HEADER", "r 1 360\nr.dat 16\u0000"],
    ["a file in the folder above", "ERR_WFDB_FILE_NAME", "r 1 360\n../r.dat 16"],
    ["a file in another folder", "ERR_WFDB_FILE_NAME", "r 1 360\na/r.dat 16"],
    ["a Windows path", "ERR_WFDB_FILE_NAME", "r 1 360\nC:\\r.dat 16"],
    ["standard input", "ERR_WFDB_FILE_NAME", "r 1 360\n- 16"],
    ["no file", "ERR_WFDB_FILE_NAME", "r 1 360\n~ 16"],
    ["two dots inside", "ERR_WFDB_FILE_NAME", "r 1 360\na..b 16"],
    ["a hidden file", "ERR_WFDB_FILE_NAME", "r 1 360\n.r 16"],
    ["a format without a number", "ERR_WFDB_HEADER", "r 1 360\nr.dat x4"],
    ["format 24", "ERR_WFDB_FORMAT", "r 1 360\nr.dat 24"],
    ["no samples per frame", "ERR_WFDB_HEADER", "r 1 360\nr.dat 16x0"],
    ["65 samples per frame", "ERR_WFDB_LIMIT", "r 1 360\nr.dat 16x65"],
    ["too much skew", "ERR_WFDB_LIMIT", "r 1 360\nr.dat 16:65536"],
    ["a gain that is no number", "ERR_WFDB_HEADER", "r 1 360\nr.dat 16 abc"],
    ["a baseline beyond int32", "ERR_WFDB_HEADER", "r 1 360\nr.dat 16 200(2147483648)"],
    ["33 bits", "ERR_WFDB_HEADER", "r 1 360\nr.dat 16 200 33"],
    ["a checksum that is no number", "ERR_WFDB_HEADER", "r 1 360\nr.dat 16 200 12 0 0 x"],
    ["a file whose signals do not follow each other", "ERR_WFDB_HEADER", "r 3 360\na 16\nb 16\na 16"],
    ["a file of two formats", "ERR_WFDB_HEADER", "r 2 360\na 16\na 212"],
    ["a file of two offsets", "ERR_WFDB_HEADER", "r 2 360\na 16\na 16+24"],
    ["a line of 5000 characters", "ERR_WFDB_LIMIT", `r 1 360\nr.dat 16\n#${"x".repeat(5000)}`],
    ["a header of a megabyte", "ERR_WFDB_LIMIT", "#\n".repeat(500_000)],
  ])("refuses %s", (_, code, text) => {
    expect(() => parseWfdbHeader(text)).toThrow(expect.objectContaining({ name: "EcgError", code }));
  });

  test("any edit of a good header is read or refused with a typed error", () => {
    const edit = fc.tuple(fc.nat(GOOD.length), fc.nat(3), fc.string({ unit: "binary-ascii", maxLength: 4 }));
    fc.assert(
      fc.property(edit, ([at, removed, inserted]) => {
        const text = GOOD.slice(0, at) + inserted + GOOD.slice(at + removed);
        try {
          expect(parseWfdbHeader(text).signals.length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(EcgError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("signal files", () => {
  test("format 212: nibbles and signs as signal(5) draws them", async () => {
    const bytes = Uint8Array.of(0xe3, 0x33, 0xf3, 0xff, 0x8f, 0x00);
    expect(await read("r 1 360 4\nr.dat 212", { "r.dat": bytes })).toEqual([[995, 1011, -1, -2048]]);
  });

  test("format 212 with an odd number of samples needs no padding byte, and takes one", async () => {
    const bytes = Uint8Array.of(1, 0, 2, 3, 0);
    for (const padded of [bytes, Uint8Array.of(...bytes, 0)]) {
      expect(await read("r 1 360 3\nr.dat 212", { "r.dat": padded })).toEqual([[1, 2, 3]]);
      expect(await read("r 3 360\nr.dat 212\nr.dat 212\nr.dat 212", { "r.dat": padded })).toEqual([[1], [2], [3]]);
    }
    await expect(read("r 1 360 3\nr.dat 212", { "r.dat": bytes.subarray(0, 4) })).rejects.toMatchObject({
      code: "ERR_WFDB_SIGNAL_FILE",
    });
  });

  test("files without a stated length must agree", async () => {
    const files = { a: new Uint8Array(8), b: new Uint8Array(6) };
    await expect(read("r 2 360\na 16\nb 16", files)).rejects.toMatchObject({ code: "ERR_WFDB_SIGNAL_FILE" });
    expect(await read("r 2 360 3\na 16\nb 16", files)).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });

  test("a file that is absent, or shrinks while it is read, is reported", async () => {
    await expect(read("r 1 360\nr.dat 16", {})).rejects.toMatchObject({
      code: "ERR_WFDB_SIGNAL_FILE",
      retryable: true,
    });
    const shrinking = { sizeBytes: async () => 20, read: async () => new Uint8Array(2) };
    const record = await openWfdbRecord("r 1 360 10\nr.dat 16", shrinking);
    await expect(readBlocks(record, 5).next()).rejects.toMatchObject({ code: "ERR_WFDB_SIGNAL_FILE" });
  });

  test("an initial value is checked where there is no checksum", async () => {
    const files = { "r.dat": Uint8Array.of(5, 0, 6, 0) };
    expect(await read("r 1 360\nr.dat 16 200 12 0 5", files)).toEqual([[5, 6]]);
    await expect(read("r 1 360\nr.dat 16 200 12 0 4", files)).rejects.toMatchObject({ code: "ERR_WFDB_CHECKSUM" });
  });

  test.each([0, -1, 1.5, 4_194_305])("blocks of %d frames are refused", async (frames) => {
    const record = await openWfdbRecord("r 1 360\nr.dat 16", memoryFiles({ "r.dat": new Uint8Array(4) }));
    await expect(readBlocks(record, frames).next()).rejects.toThrow(RangeError);
  });
});
