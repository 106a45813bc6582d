import { readProvision } from "@pericard/trsm";
import { beforeEach, describe, expect, test } from "vitest";
import { fileSource, PushSource } from "./support/array-source.ts";
import { NEVER, openBench } from "./support/bench.ts";
import { Installation } from "./support/deployed.ts";
import { TestClock, turns } from "./support/test-clock.ts";
import { deployBench, recorded, SECOND, upload, type UploadBench } from "./support/uploads.ts";

const shared = new Installation();
let bench: UploadBench;

beforeEach(() => {
  bench = deployBench(shared);
});

describe("commands", () => {
  test("a segment length holds at once, for as long as the server meant", async () => {
    const clock = new TestClock();
    const { terminal } = openBench(bench.folder, bench.server, { clock });
    const source = new PushSource();
    const stop = new AbortController();
    const recording = terminal.record(source, { signal: stop.signal, upload: true, graceMs: 0 });
    await clock.advance(10);
    const second = async (): Promise<void> => {
      await clock.advance(1000);
      source.push(100);
      await turns();
    };
    for (let i = 0; i < 7; i += 1) await second();
    expect(bench.server.stored.size).toBe(0);
    bench.server.mail = [bench.server.command(bench.routing, 1, "segment-length", 2000, 20_000)];
    await clock.advance(2100);
    await second();
    expect([...bench.server.stored.values()].map(({ body }) => body.descriptor.frameCount)).toEqual([
      200, 200, 200, 200,
    ]);
    expect(terminal.status().segmentLengthMs).toBe(2000);
    expect(bench.server.statuses.at(-1)).toMatchObject({ mailSeen: 1 });
    await clock.advance(20_000);
    expect(terminal.status().segmentLengthMs).toBe(10_000);
    stop.abort();
    await clock.advance(100);
    await recording;
  });

  test("end-recording ends it once, however often it is told, also after a restart", async () => {
    const clock = new TestClock();
    const command = bench.server.command(bench.routing, 7, "end-recording", 0);
    const stop = new AbortController();
    const { terminal } = openBench(bench.folder, bench.server, { clock, profile: SECOND });
    const source = new PushSource();
    const recording = terminal.record(source, { signal: stop.signal, upload: true, graceMs: 0 });
    for (let i = 0; i < 12; i += 1) {
      if (i > 3) bench.server.mail = [command];
      source.push(30);
      await clock.advance(2100);
    }
    stop.abort();
    await clock.advance(100);
    await recording;
    terminal.close();
    const again = openBench(bench.folder, bench.server, { profile: SECOND });
    bench.server.mail = [command, bench.server.command(bench.routing, 6, "end-recording", 0)];
    await again.terminal.record(fileSource(300), { signal: NEVER, upload: true });
    const causes = bench.server.recordings.map(
      (id) => bench.server.segmentsOf(id)[0]?.body.descriptor.predecessor?.cause,
    );
    expect(causes).toEqual([undefined, "patient", "start"]);
    expect(again.events.filter(({ type }) => type === "command")).toEqual([]);
  });

  test("a command for another terminal is not carried out", async () => {
    const other = readProvision(bench.installation.deployInMemory()).routing;
    const own = await recorded(bench, 1);
    bench.server.mail = [bench.server.command(other, 1, "segment-length", 2000)];
    await upload(own);
    expect(own.terminal.status()).toMatchObject({ segmentLengthMs: 1000, upload: { badMail: 1 } });
  });
});
