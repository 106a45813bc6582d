/** The codec on real records: exact, and as small as it is meant to be. Bounds are percent of raw 16-bit samples, each 10 s
 * segment encoded alone. */
import { expect, test } from "vitest";
import { decodeLeadResidual, encodeLeadResidual } from "../src/index.ts";
import { cutSegments, describeWithData, loadRecord } from "./data-folder.ts";
import { FLAC_8_BYTES } from "./flac-sizes.ts";

const BOUNDS: readonly (readonly [record: string, percentMax: number])[] = [
  ["challenge-2021/HR06000", 16.9],
  ["twadb/twa01", 17],
  ["ptbdb/s0010_re", 26.6],
  ["mitdb/100", 23.2],
  ["mitdb/105", 25],
  ["challenge-2021/JS20000", 17.2],
  ["cpsc2021/data_84_3", 32.5],
  ["mimicdb/03700181", 15.2],
];

async function encodedSize(name: string): Promise<{ encodedBytes: number; rawBytes: number }> {
  const { record, leads } = await loadRecord(name);
  const leadNames = record.format.leads.map((lead) => lead.name);
  let encodedBytes = 0;
  for (const segment of cutSegments(record, leads, 10)) {
    const bytes = encodeLeadResidual(segment, leadNames);
    expect(decodeLeadResidual(bytes)).toEqual(segment);
    encodedBytes += bytes.length;
  }
  return { encodedBytes, rawBytes: 2 * leads.reduce((sum, lead) => sum + lead.length, 0) };
}

describeWithData("lead-residual on real records", () => {
  test.each(BOUNDS)("%s takes at most %f percent", async (name, percentMax) => {
    const { encodedBytes, rawBytes } = await encodedSize(name);
    expect((100 * encodedBytes) / rawBytes).toBeLessThanOrEqual(percentMax);
  });

  test("12-lead records take at most 0.65 of FLAC -8 together, and none more than 0.75", async () => {
    let encodedTotal = 0;
    for (const [name, flacBytes] of Object.entries(FLAC_8_BYTES)) {
      const { encodedBytes } = await encodedSize(name);
      expect(encodedBytes / flacBytes, name).toBeLessThan(0.75);
      encodedTotal += encodedBytes;
    }
    expect(encodedTotal / Object.values(FLAC_8_BYTES).reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(0.7);
  });
});
