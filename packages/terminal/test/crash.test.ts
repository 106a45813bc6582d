/** The power is cut at every step of a recording, with and without uploads: nothing is lost and nothing doubled. */
import { systemRandom } from "@pericard/crypto";
import type { Folder, LogFile, MemoryFolder } from "@pericard/framelog";
import { systemClock, Terminal } from "@pericard/terminal";
import { describe, expect, test } from "vitest";
import { fileSource, PushSource, samplesOf } from "./support/array-source.ts";
import { NEVER } from "./support/bench.ts";
import { Installation } from "./support/deployed.ts";
import { turns } from "./support/test-clock.ts";
import { TestServer } from "./support/test-server.ts";

const installation = new Installation();
const FRAMES = 1730;
const PROFILE = { segmentLengthMs: 1000, journalLimitBytes: 32 * 1024 };

/** A folder that calls `step` before everything that changes it. */
function stepping(folder: MemoryFolder, step: () => void): Folder {
  const wrapFile = (file: LogFile): LogFile => ({
    get sizeBytes() {
      return file.sizeBytes;
    },
    append: (parts) => {
      step();
      file.append(parts);
    },
    sync: () => {
      step();
      file.sync();
    },
    read: (offsetBytes, sizeBytes) => file.read(offsetBytes, sizeBytes),
    close: () => file.close(),
  });
  const before =
    <A extends readonly unknown[], R>(work: (...args: A) => R) =>
    (...args: A): R => {
      step();
      return work(...args);
    };
  return {
    list: () => folder.list(),
    open: (name) => wrapFile(folder.open(name)),
    create: before((name: string) => wrapFile(folder.create(name))),
    remove: before((name: string) => folder.remove(name)),
    replace: before((name: string, contents: Uint8Array) => folder.replace(name, contents)),
    replaceWithParts: before((name: string, parts: Iterable<Uint8Array>) => folder.replaceWithParts(name, parts)),
    prepare: (name, contents) => {
      const prepared = folder.prepare(name, contents);
      return { sync: before(prepared.sync), rename: before(prepared.rename) };
    },
    read: (name) => folder.read(name),
    sync: before(() => folder.sync()),
  };
}

interface Moment {
  readonly folder: MemoryFolder;
  readonly stored: TestServer["stored"];
}

/** Runs once and keeps what a power cut at each step would leave of the disk, and what the server had by then. */
async function momentsOf(keptBytes: number, run: (terminal: Terminal) => Promise<unknown>): Promise<readonly Moment[]> {
  const server = new TestServer(installation);
  const folder = installation.deployInMemory();
  const moments: Moment[] = [];
  const keep = (): void =>
    void moments.push({ folder: folder.afterPowerCut(keptBytes), stored: new Map(server.stored) });
  const terminal = open(stepping(folder, keep), server);
  await run(terminal);
  keep();
  return moments;
}

function open(folder: Folder, server: TestServer): Terminal {
  const transport = () => server.transport();
  return new Terminal({ folder, clock: systemClock, random: systemRandom, transport }, PROFILE);
}

/** Goes on after a power cut, until the server has everything. */
async function goOn({ folder, stored }: Moment): Promise<TestServer> {
  const server = new TestServer(installation);
  server.stored = new Map(stored);
  const terminal = open(folder, server);
  await terminal.record(fileSource(FRAMES), { signal: NEVER, upload: true });
  expect(terminal.status().journal).toMatchObject({ items: 0, quarantined: 0 });
  terminal.close();
  return server;
}

function expectOnce(server: TestServer): void {
  expect(server.recordings).toHaveLength(1);
  const [recording = ""] = server.recordings;
  expect(server.samplesOf(recording)).toEqual([samplesOf(0, 0, FRAMES), samplesOf(1, 0, FRAMES)]);
  const segments = server.segmentsOf(recording);
  expect(segments.map(({ header }) => header.sequence)).toEqual(segments.map((_, index) => index));
  expect(segments.filter(({ header }) => header.final)).toHaveLength(1);
  for (const [index, { header }] of segments.entries()) {
    expect(header.prev).toEqual(segments[index - 1]?.hash ?? null);
  }
}

describe.each([0, 13, 100_000])("of what was not synced %i bytes stay", (keptBytes) => {
  test("a file that is recorded, then uploaded", async () => {
    const moments = await momentsOf(keptBytes, (terminal) =>
      terminal.record(fileSource(FRAMES), { signal: NEVER, upload: false }),
    );
    expect(moments.length).toBeGreaterThan(15);
    for (const moment of moments) expectOnce(await goOn(moment));
  });

  test("a file that is recorded and uploaded at the same time", async () => {
    const moments = await momentsOf(keptBytes, (terminal) =>
      terminal.record(fileSource(FRAMES), { signal: NEVER, upload: true }),
    );
    expect(moments.length).toBeGreaterThan(20);
    for (const moment of moments) expectOnce(await goOn(moment));
  });

  test("a live source loses at most its open window", async () => {
    const received: number[] = [];
    const moments = await momentsOf(keptBytes, async (terminal) => {
      const source = new PushSource();
      const recording = terminal.record(source, { signal: NEVER, upload: false });
      terminal.onEvent((event) => event.type === "segment" && received.push(event.sequence));
      for (let i = 0; i < 12; i += 1) {
        source.push(50);
        await turns(3);
      }
      source.end();
      await recording;
    });
    for (const { folder, stored } of moments) {
      const server = new TestServer(installation);
      server.stored = new Map(stored);
      const terminal = open(folder, server);
      const again = new PushSource();
      again.push(10);
      again.end();
      await terminal.record(again, { signal: NEVER, upload: true });
      const [first = "", second] = server.recordings;
      const recorded = second === undefined ? [] : (server.samplesOf(first)[0] ?? []);
      expect(recorded).toEqual(samplesOf(0, 0, recorded.length));
      const cause = server.segmentsOf(second ?? first)[0]?.body.descriptor.predecessor?.cause ?? null;
      const wasEnded = server.segmentsOf(first).some(({ header }) => header.final);
      if (second !== undefined) expect(cause).toBe(wasEnded ? "start" : "restart");
    }
  });
});

test("a segment that was told to be durable is, whenever the power is cut after", async () => {
  const folder = installation.deployInMemory();
  const server = new TestServer(installation);
  const terminal = open(folder, server);
  const source = new PushSource();
  let cuts = 0;
  terminal.onEvent((event) => {
    if (event.type !== "segment") return;
    const left = open(folder.afterPowerCut(0), server);
    expect(left.status().journal.items).toBe(event.sequence + 1);
    cuts += 1;
  });
  const recording = terminal.record(source, { signal: NEVER, upload: false });
  source.push(1000);
  source.end();
  await recording;
  expect(cuts).toBe(11);
});
