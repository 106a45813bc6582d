import type { MemoryFolder } from "@pericard/framelog";
import { beforeEach, describe, expect, test } from "vitest";
import { PushSource, samplesOf } from "./support/array-source.ts";
import { NEVER, openBench } from "./support/bench.ts";
import { Installation } from "./support/deployed.ts";
import { turns } from "./support/test-clock.ts";
import type { Received } from "./support/test-server.ts";
import { deployBench, hashesIn, recorded, SECOND, upload, type UploadBench } from "./support/uploads.ts";

const shared = new Installation();
let bench: UploadBench;

beforeEach(() => {
  bench = deployBench(shared);
});

describe("rejected", () => {
  test("items go to quarantine, a gap is stated for each, the queue moves on", async () => {
    const own = await recorded(bench, 5);
    bench.server.judge = ({ header }) => (header.sequence === 2 ? { rejected: "ERR_SHAPE" } : "receipt");
    await upload(own);
    expect(bench.server.stored.size).toBe(5);
    expect(bench.server.gaps).toMatchObject([{ sequence: 2, cause: "quarantined", routing: bench.routing }]);
    expect(own.terminal.status().journal).toMatchObject({ items: 0, quarantined: 1 });
    expect(own.events).toContainEqual(expect.objectContaining({ type: "rejected", sequence: 2, code: "ERR_SHAPE" }));
    expect(bench.server.statuses.at(-1)?.quarantineCount).toBe(1);
    const again = openBench(bench.folder.afterPowerCut(0), bench.server);
    expect(again.terminal.status().journal).toMatchObject({ items: 0, quarantined: 1 });
  });

  test("an envelope that cannot be read is tried again item by item, and only the poisonous one set aside", async () => {
    const own = await recorded(bench, 5);
    bench.server.judge = ({ header }) => (header.sequence === 3 ? { rejected: "ERR_SEAL_BROKEN" } : "receipt");
    bench.server.refuseEnvelope = (count) => (count > 1 ? "ERR_SEAL_BROKEN" : undefined);
    await upload(own);
    expect(bench.server.stored.size).toBe(5);
    expect(own.terminal.status().journal).toMatchObject({ items: 0, quarantined: 1 });
  });

  test("an envelope of one item that cannot be read sets it aside", async () => {
    const own = await recorded(bench, 2);
    bench.server.refuseEnvelope = () => "ERR_SEAL_BROKEN";
    await upload(own);
    expect(bench.server.stored.size).toBe(0);
    expect(bench.server.gaps.map(({ sequence }) => sequence)).toEqual([0, 1, 2]);
    expect(own.terminal.status().journal).toMatchObject({ items: 0, quarantined: 3 });
  });

  test("a receipt for a quarantined item ends its quarantine", async () => {
    const own = await recorded(bench, 2);
    const refused: Received[] = [];
    bench.server.judge = (segment) => {
      if (segment.header.sequence !== 1) return "receipt";
      refused.push(segment);
      return { rejected: "ERR_SHAPE" };
    };
    await upload(own);
    bench.server.mail = [bench.server.receipt(bench.routing, hashesIn(refused))];
    await upload(own);
    expect(own.terminal.status().journal.quarantined).toBe(0);
  });
});

describe("conflict", () => {
  test("the samples are kept and move to a recording of their own", async () => {
    const own = await recorded(bench, 4);
    bench.server.judge = ({ header }) => {
      return header.sequence === 2 ? { conflict: "sequence" } : "receipt";
    };
    await upload(own);
    const [recording = "", moved = ""] = bench.server.recordings;
    expect(bench.server.samplesOf(moved)).toEqual([samplesOf(0, 200, 100), samplesOf(1, 200, 100)]);
    const [segment] = bench.server.segmentsOf(moved);
    expect(segment?.header).toMatchObject({ sequence: 0, final: true });
    expect(segment?.header.prev).toEqual(bench.server.segmentsOf(recording)[1]?.hash);
    expect(segment?.body.descriptor).toMatchObject({
      firstFrame: 0,
      predecessor: { recording, cause: "conflict" },
    });
    expect(own.terminal.status().journal.items).toBe(0);
  });

  test("told twice, it moves once", async () => {
    const own = await recorded(bench, 1);
    const refused: Received[] = [];
    bench.server.judge = (segment) => {
      if (segment.header.sequence !== 0 || refused.length > 0) return "receipt";
      refused.push(segment);
      return { conflict: "chain" };
    };
    await upload(own);
    const [first] = refused;
    if (!first) throw new Error("nothing was refused");
    bench.server.mail = [
      bench.server.conflict(bench.routing, first, "chain"),
      bench.server.conflict(bench.routing, first, "chain"),
    ];
    await upload(own);
    expect(bench.server.stored.size).toBe(2);
  });

  test("a power cut between sealing anew and marking does not double the samples", async () => {
    const own = await recorded(bench, 1);
    let cut: MemoryFolder | undefined;
    bench.server.judge = ({ header, body }) => {
      const isMoved = body.descriptor.predecessor?.cause === "conflict";
      if (isMoved) cut ??= bench.folder.afterPowerCut(0);
      return header.sequence === 0 && !isMoved ? { conflict: "sequence" } : "receipt";
    };
    await upload(own);
    if (!cut) throw new Error("nothing was sealed anew");
    const again = openBench(cut, bench.server);
    await upload(again);
    expect(bench.server.recordings).toHaveLength(2);
    expect(again.terminal.status().journal.items).toBe(0);
  });

  test("of the recording that is under way makes the recorder begin another, without losing a sample", async () => {
    const { terminal } = openBench(bench.folder, bench.server, { profile: SECOND });
    const source = new PushSource();
    const contradicted = new Set<string>();
    bench.server.judge = ({ header, body }) => {
      const isMoved = body.descriptor.predecessor?.cause === "conflict";
      if (!isMoved && header.sequence >= 2 && contradicted.size === 0) contradicted.add(header.recording);
      return contradicted.has(header.recording) && header.sequence >= 2 ? { conflict: "sequence" } : "receipt";
    };
    const recording = terminal.record(source, { signal: NEVER, upload: true });
    for (let i = 0; i < 60; i += 1) {
      source.push(10);
      await turns(4);
    }
    source.end();
    await recording;
    expect(contradicted.size).toBe(1);
    const all = bench.server.recordings.flatMap((id) => bench.server.samplesOf(id)[0] ?? []);
    expect(all.toSorted((a, b) => a - b)).toEqual(samplesOf(0, 0, 600).toSorted((a, b) => a - b));
    const causes = bench.server.recordings.map(
      (id) => bench.server.segmentsOf(id)[0]?.body.descriptor.predecessor?.cause,
    );
    expect(causes.filter((cause) => cause === "conflict").length).toBeGreaterThanOrEqual(2);
    const last = bench.server.recordings
      .map((id) => bench.server.segmentsOf(id))
      .find((s) => s.length > 1 && s[0]?.header.prev);
    expect(last?.[0]?.body.descriptor.predecessor).toEqual({
      recording: [...contradicted][0],
      cause: "conflict",
    });
  });
});
