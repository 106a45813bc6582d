import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  createStreamSource,
  createSyntheticFile,
  createSyntheticLive,
  openWfdbSource,
  type Source,
} from "@pericard/terminal";
import { describe, expect, test } from "vitest";
import { NEVER } from "./support/bench.ts";
import { temporaryFolder } from "./support/deployed.ts";
import { TestClock, turns } from "./support/test-clock.ts";

/** All samples of a source from a frame on, a lead each. */
async function samples(source: Source, fromFrame = 0, signal = NEVER): Promise<readonly number[][]> {
  const leads: number[][] = source.format.leads.map(() => []);
  for await (const block of source.blocks(fromFrame, signal)) {
    for (const [index, lead] of block.leads.entries()) leads[index]?.push(...lead);
  }
  return leads;
}

/** A small WFDB record of 2 leads, format 16. */
function writeRecord(
  folder: string,
  frames: number,
  header = (count: number) => `r 2 250 ${count} 10:20:30 24/12/2021`,
) {
  const values = Array.from({ length: frames * 2 }, (_, i) => ((i * 37) % 500) - 250);
  const lines = ["r.dat 16 200/mV 12 0", "r.dat 16 200/mV 12 0"];
  writeFileSync(join(folder, "r.hea"), `${[header(frames), ...lines].join("\n")}\n`);
  writeFileSync(join(folder, "r.dat"), new Uint8Array(Int16Array.from(values).buffer));
  return [0, 1].map((lead) => values.filter((_, i) => i % 2 === lead));
}

describe("a WFDB record", () => {
  test("gives its samples, from any frame, and the time that it claims", async () => {
    const folder = temporaryFolder();
    const wanted = writeRecord(folder, 3000);
    const source = await openWfdbSource(join(folder, "r.hea"));
    expect(await samples(source)).toEqual(wanted);
    for (const from of [1, 999, 2999, 3000]) {
      expect(await samples(source, from)).toEqual(wanted.map((lead) => lead.slice(from)));
    }
    expect(source.claimedStart).toEqual({ unixMs: Date.UTC(2021, 11, 24, 10, 20, 30), zoneOffsetMinutes: null });
  });

  test("without a date claims no time", async () => {
    const folder = temporaryFolder();
    writeRecord(folder, 10, (count) => `r 2 250 ${count} 10:20:30`);
    expect((await openWfdbSource(join(folder, "r.hea"))).claimedStart).toBeNull();
  });

  test("is the same source in another folder, and another one when header or size differ", async () => {
    const [a, b, c] = [temporaryFolder(), temporaryFolder(), temporaryFolder()];
    for (const folder of [a, b]) writeRecord(folder, 100);
    writeRecord(c, 101);
    const [one, same, other] = await Promise.all([a, b, c].map((folder) => openWfdbSource(join(folder, "r.hea"))));
    expect(one?.sourceId).toEqual(same?.sourceId);
    expect(one?.sourceId).not.toEqual(other?.sourceId);
  });

  test("that is not there is said to be unreadable", async () => {
    const missing = openWfdbSource(join(temporaryFolder(), "none.hea"));
    await expect(missing).rejects.toMatchObject({ code: "ERR_SOURCE_UNREADABLE" });
    const folder = temporaryFolder();
    writeRecord(folder, 10);
    writeFileSync(join(folder, "r.hea"), readFileSync(join(folder, "r.hea"), "utf8").replaceAll("r.dat", "q.dat"));
    await expect(openWfdbSource(join(folder, "r.hea"))).rejects.toMatchObject({ code: "ERR_WFDB_SIGNAL_FILE" });
  });
});

const makeSynthetic = (seed: number, frames = 6000): Source => createSyntheticFile({ seed }, frames);

describe("the synthesiser", () => {
  test("as a file: the same options are the same source and the same samples, from any frame", async () => {
    const all = await samples(makeSynthetic(1));
    expect(all).toHaveLength(12);
    expect(await samples(makeSynthetic(1), 5123)).toEqual(all.map((lead) => lead.slice(5123)));
    expect(makeSynthetic(1).sourceId).toEqual(makeSynthetic(1).sourceId);
    expect(makeSynthetic(2).sourceId).not.toEqual(makeSynthetic(1).sourceId);
    expect(makeSynthetic(1, 6001).sourceId).not.toEqual(makeSynthetic(1).sourceId);
  });

  test("live: a quarter of a second at a time, by the clock", async () => {
    const clock = new TestClock();
    const source = createSyntheticLive({ seed: 1 }, clock);
    const stop = new AbortController();
    let frames = 0;
    const running = (async () => {
      for await (const block of source.blocks(0, stop.signal)) frames += block.frameCount;
    })();
    await turns();
    expect(frames).toBe(0);
    await clock.advance(250);
    expect(frames).toBe(125);
    await clock.advance(10_000);
    expect(frames).toBe(125 * 41);
    stop.abort();
    await running;
    expect([source.kind, source.sourceId]).toEqual(["live", null]);
  });

  test("live, of a given length, ends", async () => {
    const clock = new TestClock();
    const source = createSyntheticLive({ seed: 1 }, clock, 200);
    const running = samples(source);
    await clock.advance(1000);
    expect((await running)[0]).toHaveLength(200);
  });
});

const BYTES = new Uint8Array(Int16Array.from({ length: 40 }, (_, i) => i - 20).buffer);

async function* stalling(): AsyncGenerator<Uint8Array> {
  yield BYTES.subarray(0, 30);
  await new Promise(() => undefined);
}

async function* chunksOf(size: number, of: Uint8Array = BYTES): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < of.length; at += size) yield of.subarray(at, at + size);
}

describe("a byte stream", () => {
  const described = {
    frameRateHz: { num: 250, den: 1 },
    leadNames: ["I", "II"],
    gainAduPerUnit: "200",
    baselineAdu: 0,
  } as const;
  test.each([1, 3, 4, 7, 80])("cut every %i bytes gives every frame", async (size) => {
    const leads = await samples(createStreamSource(chunksOf(size), described));
    expect(leads).toEqual([0, 1].map((lead) => Array.from({ length: 20 }, (_, i) => 2 * i + lead - 20)));
  });

  test("that ends inside a frame gives the whole frames, then an error", async () => {
    const source = createStreamSource(chunksOf(8, BYTES.subarray(0, 30)), described);
    const frames: number[] = [];
    const reading = (async () => {
      for await (const block of source.blocks(0, NEVER)) frames.push(block.frameCount);
    })();
    await expect(reading).rejects.toMatchObject({ code: "ERR_STREAM_MISALIGNED" });
    expect(frames.reduce((sum, count) => sum + count, 0)).toBe(7);
  });

  test("that stalls in the middle of a frame is left at once when aborted", async () => {
    const stop = new AbortController();
    const reading = samples(createStreamSource(stalling(), described), 0, stop.signal);
    await turns();
    stop.abort();
    expect((await reading)[0]).toHaveLength(7);
  });

  test("of an impossible format is refused", () => {
    const none = { ...described, leadNames: [] };
    expect(() => createStreamSource(chunksOf(1), none)).toThrow(
      expect.objectContaining({ code: "ERR_WAVEFORM_FORMAT" }),
    );
    const zero = { ...described, gainAduPerUnit: "0" };
    expect(() => createStreamSource(chunksOf(1), zero)).toThrow(
      expect.objectContaining({ code: "ERR_WAVEFORM_FORMAT" }),
    );
  });
});
