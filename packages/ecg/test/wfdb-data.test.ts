/** Every record of the data folder. The checksums that their headers state, made by other programs, are the independent check. */
import { expect, test } from "vitest";
import { openWfdbRecord, parseWfdbHeader, readBlocks } from "../src/index.ts";
import { collectLeads, describeWithData, listRecords, loadRecord, openRecord, readHeaderText } from "./data-folder.ts";

const REFUSED: Readonly<Record<string, [code: string, named: string]>> = {
  "mimic2wdb/p000878/3269321_0001": ["ERR_WFDB_FORMAT", "format 80"],
  "mimic2wdb/p000878/3269321_0002": ["ERR_WFDB_FORMAT", "format 80"],
  "mimic2wdb/p000878/3269321_layout": ["ERR_WFDB_FORMAT", "format 0"],
  "mimic2wdb/p000878/p000878-2137-10-26-16-57": ["ERR_WFDB_MULTI_SEGMENT", "record p000878-2137-10-26-16-57"],
  "mimicdb/041s/041s": ["ERR_WFDB_MULTI_SEGMENT", "record 041s"],
  "mimicdb/237s/237s": ["ERR_WFDB_MULTI_SEGMENT", "record 237s"],
  "wfdb-formats/310derive": ["ERR_WFDB_FORMAT", "format 310"],
  "wfdb-formats/310derive_2": ["ERR_WFDB_FORMAT", "format 310"],
  "wfdb-formats/311derive": ["ERR_WFDB_FORMAT", "format 311"],
  "wfdb-formats/311derive_2": ["ERR_WFDB_FORMAT", "format 311"],
  "wfdb-formats/binformats": ["ERR_WFDB_FORMAT", "format 8"],
  "wfdb-formats/flac_3_constant": ["ERR_WFDB_FORMAT", "format 508"],
  "wfdb-formats/mixedsignals": ["ERR_WFDB_FORMAT", "format 516"],
};

describeWithData("WFDB records of the data folder", () => {
  test("every single-segment record of format 16 or 212 reads to its end with the checksums of its header", async () => {
    const readable = listRecords().filter((record) => REFUSED[record] === undefined);
    let checksums = 0;
    for (const name of readable) {
      const { record, leads } = await loadRecord(name);
      expect(
        leads.every((lead) => lead.length > 0),
        name,
      ).toBe(true);
      if (record.header.frameCount === null) continue;
      for (const [index, signal] of record.header.signals.entries()) {
        const sum = leads[index]?.reduce((total, sample) => (total + sample) & 0xffff, 0);
        expect(sum, `${name} signal ${index}`).toBe(signal.checksum);
        checksums++;
      }
    }
    expect(readable).toHaveLength(31);
    expect(checksums).toBe(218);
  });

  test.each(Object.entries(REFUSED))("%s is refused by name", async (record, [code, named]) => {
    await expect(openRecord(record)).rejects.toMatchObject({ code, message: expect.stringContaining(named) });
  });

  test("a counter frequency leaves the frame rate exact", () => {
    const text = readHeaderText("wfdb-formats/mixedsignals").replaceAll(/ 516/g, " 16");
    expect(parseWfdbHeader(text)).toMatchObject({
      frameRateHz: { num: 24_989, den: 400 },
      counterRateHz: { num: 24_989, den: 25 },
      frameCount: 14_400,
    });
  });

  test("gain, baseline and units are as in the source", async () => {
    const { format } = await openRecord("cpsc2021/data_101_6");
    expect(format.leads[0]).toMatchObject({ gainAduPerUnit: "30061.276794035417", baselineAdu: -161_790, units: "mV" });
    expect((await openRecord("challenge-2015/a103l")).format.leads[2]).toMatchObject({
      gainAduPerUnit: "1.253e+04",
      units: "NU",
    });
    expect((await openRecord("challenge-2021/HR06000")).format.leads[0]).toMatchObject({
      gainAduPerUnit: "1000.0",
      units: "mv",
    });
    const mitdb = (await openRecord("mitdb/100")).format.leads[0];
    expect(mitdb).toMatchObject({
      gainAduPerUnit: "200",
      baselineAdu: 1024,
      adcZeroAdu: 1024,
      units: "mV",
      missingCode: -2048,
    });
  });

  test("rates, skew, several files and start times are as in the source", async () => {
    const mimic = await openRecord("mimicdb/03700181");
    expect(mimic.format.leads.map((lead) => [lead.samplesPerFrame, lead.skewFrames])).toEqual([
      [4, 0],
      [1, 0],
      [1, 4],
    ]);
    expect(mimic.header.baseTime).toEqual({ timeOfDayMs: 62_865_000, date: { year: 1994, month: 8, day: 15 } });
    const ptb = await openRecord("ptbdb/s0010_re");
    expect(ptb.groups.map((group) => [group.fileName, group.samplesPerFrameTotal])).toEqual([
      ["s0010_re.dat", 12],
      ["s0010_re.xyz", 3],
    ]);
    expect(ptb.header.comments).toHaveLength(48);
  });

  test("records without a length have that of their file", async () => {
    expect((await openRecord("mitdb/100-no-len")).frameCount).toBe(650_000);
    expect((await openRecord("challenge-2015/a103l-no-len")).frameCount).toBe(82_500);
  });

  test("missing samples keep their code", async () => {
    const { record, leads } = await loadRecord("mimicdb/237s/237s1");
    const missing = leads.reduce((count, lead, i) => {
      const code = record.format.leads[i]?.missingCode;
      return count + lead.filter((sample) => sample === code).length;
    }, 0);
    expect(missing).toBe(904);
  });

  test.each(["mitdb/100_3chan", "mimicdb/237s/237s1", "macecgdb/test01_00s_skewframe", "challenge-2015/a103l"])(
    "%s reads alike in blocks of any length",
    async (name) => {
      const record = await openRecord(name);
      const whole = await collectLeads(record, record.frameCount);
      for (const frames of [7, 64, 501]) expect(await collectLeads(record, frames)).toEqual(whole);
    },
  );

  test("a header that promises more than its file holds is refused before any sample is read", async () => {
    const { files } = await openRecord("mitdb/100_3chan");
    const longer = readHeaderText("mitdb/100_3chan").replace(" 999", " 1000");
    await expect(openWfdbRecord(longer, files)).rejects.toMatchObject({ code: "ERR_WFDB_SIGNAL_FILE" });
  });

  test("a wrong checksum is reported at the end", async () => {
    const { files } = await openRecord("mitdb/100_3chan");
    const wrong = await openWfdbRecord(readHeaderText("mitdb/100_3chan").replace("63954", "63955"), files);
    let frames = 0;
    const readAll = async (): Promise<void> => {
      for await (const block of readBlocks(wrong, 100)) frames += block.frameCount;
    };
    await expect(readAll()).rejects.toMatchObject({
      code: "ERR_WFDB_CHECKSUM",
      message: expect.stringContaining("signal 1"),
    });
    expect(frames).toBe(999);
  });
});
