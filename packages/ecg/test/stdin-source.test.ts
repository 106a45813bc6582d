import { describe, expect, test } from "vitest";
import { parseInterleaved16, type SampleBlock } from "../src/index.ts";

async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function collect(blocks: AsyncIterable<SampleBlock>, into: number[][]): Promise<void> {
  for await (const block of blocks) {
    for (const [index, lead] of block.leads.entries()) {
      expect(lead).toHaveLength(block.frameCount);
      (into[index] ??= []).push(...lead);
    }
  }
}

async function* endsInError(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
  yield chunk;
  throw new Error("nothing more is read before the first frame is out");
}

const SAMPLES = [1, -1, 32767, -32768, 256, -256, 0, 255, -2, 3, 4, 5];
const BYTES = new Uint8Array(Int16Array.from(SAMPLES).buffer);

describe("parseInterleaved16", () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 24])("reads three leads from chunks of %i bytes", async (size) => {
    const leads: number[][] = [];
    await collect(parseInterleaved16(cut(BYTES, size), 3), leads);
    expect(leads).toEqual([0, 1, 2].map((lead) => SAMPLES.filter((_, k) => k % 3 === lead)));
  });

  test("reads views that start at odd offsets", async () => {
    const shifted = new Uint8Array(BYTES.length + 1);
    shifted.set(BYTES, 1);
    const leads: number[][] = [];
    await collect(parseInterleaved16(cut(shifted.subarray(1), 100), 1), leads);
    expect(leads).toEqual([SAMPLES]);
  });

  test.each([1, 3, 5])("delivers whole frames, then reports %i bytes too many", async (extra) => {
    const leads: number[][] = [];
    const bytes = Uint8Array.of(...BYTES, ...new Uint8Array(extra));
    await expect(collect(parseInterleaved16(cut(bytes, 5), 3), leads)).rejects.toMatchObject({
      code: "ERR_STREAM_MISALIGNED",
    });
    expect(leads.flat()).toHaveLength(SAMPLES.length);
  });

  test("yields a frame as soon as it is complete", async () => {
    const first = await parseInterleaved16(endsInError(BYTES.subarray(0, 7)), 3).next();
    expect(first.value).toMatchObject({ frameCount: 1 });
  });

  test("an empty stream has no blocks, and a chunk of megabytes becomes several", async () => {
    const leads: number[][] = [];
    await collect(parseInterleaved16(cut(new Uint8Array(0), 1), 12), leads);
    expect(leads).toEqual([]);
    const counts: number[] = [];
    for await (const block of parseInterleaved16(cut(new Uint8Array(3_000_000), 3_000_000), 3))
      counts.push(block.frameCount);
    expect(counts).toEqual([174_762, 174_762, 150_476]);
  });

  test.each([0, 65, 1.5, Number.NaN])("refuses %d leads", async (leadCount) => {
    await expect(parseInterleaved16(cut(BYTES, 1), leadCount).next()).rejects.toThrow(RangeError);
  });
});
