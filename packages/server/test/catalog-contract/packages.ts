/** The contract of the catalog: writing packages, and the last word on the chain. */
import { RecordingId, type PackageItem } from "@pericard/protocol";
import { describe, expect, test } from "vitest";
import type { Catalog } from "../../src/catalog/catalog.ts";
import { MIXED_SHAPE, PLAIN_SHAPE } from "../support/test-recording.ts";
import { drawHash, drawTerminal, FRAMES, rowOf, store, StreamBench } from "./bench.ts";

export function describePackages(catalog: () => Catalog): void {
  describe("packages", () => {
    test("come back as they were stored", async () => {
      const stream = new StreamBench();
      const items = stream.next(3, { sizeBytes: 77 });
      const stored = stream.package(items);
      expect(await store(catalog(), stored)).toEqual(["stored", "stored", "stored"]);
      const row = await rowOf(catalog(), stored);
      const { recording: id, tenant, terminal, patient } = stored;
      expect(row).toMatchObject({ id, tenant, terminal, patient, firstReceivedUnixMs: 1000, lastReceivedUnixMs: 1000 });
      expect(row).toMatchObject({ predecessor: null, predecessorCause: null, successor: null });
      expect(row.streams).toEqual([
        {
          stream: 0,
          start: { unixMs: null, certainty: "unknown" },
          kind: 1,
          shape: JSON.stringify(PLAIN_SHAPE),
          firstReceivedUnixMs: 1000,
          lastReceivedUnixMs: 1000,
          endFrame: 3 * FRAMES,
          segmentCount: 3,
          highestSequence: 2,
          finalSequence: null,
          toldSequence: null,
          toldOpen: true,
        },
      ]);
      const placements = await catalog().findSegments(row.key, 0, 0, 1000, 10);
      expect(placements).toEqual(
        items.map(({ sequence, hash, prev, final, firstFrame, frameCount }, item) => {
          return { sequence, hash, prev, final, firstFrame, frameCount, item, copies: stored.copies };
        }),
      );
    });

    test("of numbers as large as they may be", async () => {
      const stream = new StreamBench({ stream: 255 });
      const item = stream.at(2 ** 32 - 1, {
        use: 2 ** 32 - 1,
        cycle: 2 ** 32 - 1,
        index: 119,
        policyVersion: 2 ** 32 - 1,
        firstFrame: 9_007_199_250_740_991,
        frameCount: 4_000_000,
        prev: drawHash(),
        final: true,
      });
      const copies = [{ volumeId: "v".repeat(64), fileNumber: 2 ** 32, offsetBytes: 2 ** 40, sizeBytes: 2 ** 31 }];
      const stored = stream.package([item], { copies, receivedAtUnixMs: Number.MAX_SAFE_INTEGER });
      expect(await store(catalog(), stored)).toEqual(["stored"]);
      const row = await rowOf(catalog(), stored);
      expect(row.streams).toMatchObject([
        { stream: 255, endFrame: 9_007_199_254_740_991, highestSequence: 2 ** 32 - 1, finalSequence: 2 ** 32 - 1 },
      ]);
      expect(row.lastReceivedUnixMs).toBe(Number.MAX_SAFE_INTEGER);
      expect(await catalog().findPlacement(row.key, 255, 2 ** 32 - 1)).toMatchObject({ prev: item.prev, copies });
    });

    test("in any order add up", async () => {
      const stream = new StreamBench();
      const [a, b, c] = stream.next(3) as [PackageItem, PackageItem, PackageItem];
      for (const item of [b, c, a]) expect(await store(catalog(), stream.package([item]))).toEqual(["stored"]);
      expect(await rowOf(catalog(), stream.facts)).toMatchObject({
        firstReceivedUnixMs: 1000,
        lastReceivedUnixMs: 3000,
        streams: [{ segmentCount: 3, highestSequence: 2, endFrame: 3 * FRAMES, firstReceivedUnixMs: 1000 }],
      });
    });

    test("that fill a hole leave the end where it is", async () => {
      const stream = new StreamBench();
      const [a, b] = stream.next(2) as [PackageItem, PackageItem];
      const [last] = stream.next(1, { final: true }) as [PackageItem];
      for (const item of [a, last, b]) expect(await store(catalog(), stream.package([item]))).toEqual(["stored"]);
      expect(await rowOf(catalog(), stream.facts)).toMatchObject({ streams: [{ finalSequence: 2, segmentCount: 3 }] });
    });

    test("of one call see each other, in order, of whatever stream", async () => {
      const [one, other] = [new StreamBench(), new StreamBench()];
      const [a, b] = one.next(2) as [PackageItem, PackageItem];
      const packages = [
        one.package([a]),
        other.package(other.next(2)),
        one.package([b]),
        one.package([b]),
        one.package([one.at(2, { prev: a.hash })]),
      ];
      const outcomes = await catalog().storePackages(packages);
      expect(outcomes).toEqual([["stored"], ["stored", "stored"], ["stored"], ["duplicate"], ["conflict"]]);
      expect(await rowOf(catalog(), one.facts)).toMatchObject({ streams: [{ segmentCount: 2 }] });
    });

    test("are written all or none", async () => {
      const [good, bad] = [new StreamBench(), new StreamBench()];
      const packages = [good.package(good.next()), bad.package(bad.next(1, { sizeBytes: 0.5 }))];
      await expect(catalog().storePackages(packages)).rejects.toThrow();
      expect(await catalog().findRecording(good.facts.recording)).toBeNull();
      expect(await store(catalog(), good.package(good.items))).toEqual(["stored"]);
    });

    test("none are none", async () => {
      expect(await catalog().storePackages([])).toEqual([]);
    });

    test("of streams of one recording are chains of their own", async () => {
      const leads = new StreamBench();
      const pleth = new StreamBench({ ...leads.facts, stream: 3 }, { shape: MIXED_SHAPE });
      expect(await store(catalog(), pleth.package(pleth.next(2, { final: true }).slice(0, 1)))).toEqual(["stored"]);
      expect(await store(catalog(), leads.package(leads.next(3)))).toEqual(["stored", "stored", "stored"]);
      const row = await rowOf(catalog(), leads.facts);
      expect(row.streams.map(({ stream, segmentCount }) => [stream, segmentCount])).toEqual([
        [0, 3],
        [3, 1],
      ]);
      expect(row.streams[1]).toMatchObject({ shape: JSON.stringify(MIXED_SHAPE), finalSequence: 0 });
      expect(await catalog().findSegments(row.key, 3, 0, 1000, 10)).toHaveLength(1);
      expect(await catalog().findSegments(row.key, 0, 0, 1000, 10)).toHaveLength(3);
    });
  });

  /** A stream of which 0, 1 and 4 are stored. */
  async function holed(): Promise<StreamBench> {
    const stream = new StreamBench();
    const [a, b, , , e] = stream.next(5);
    await store(catalog(), stream.package([a, b] as PackageItem[]));
    await store(catalog(), stream.package([e] as PackageItem[]));
    return stream;
  }

  describe("a segment", () => {
    const CASES: readonly [string, (stream: StreamBench) => PackageItem, string][] = [
      ["that is there already", (stream) => stream.items[1] as PackageItem, "duplicate"],
      ["in a place that is taken", (stream) => stream.at(1), "conflict"],
      ["whose prev is another", (stream) => stream.at(2, { prev: drawHash() }), "conflict"],
      ["without prev where one is known", (stream) => stream.at(2, { prev: null }), "conflict"],
      ["that the next one does not name", (stream) => stream.at(3), "conflict"],
      ["that is final before a known one", (stream) => stream.at(2, { final: true }), "conflict"],
      ["that begins in the one before", (stream) => stream.at(2, { firstFrame: 2 * FRAMES - 1 }), "conflict"],
      ["that ends in the one after", (stream) => stream.at(2, { frameCount: 2 * FRAMES + 1 }), "conflict"],
      ["that fills the hole", (stream) => stream.items[3] as PackageItem, "stored"],
      ["that is far ahead", (stream) => stream.at(900, { prev: drawHash() }), "stored"],
    ];
    test.each(CASES)("%s", async (_, make, outcome) => {
      const stream = await holed();
      expect(await store(catalog(), stream.package([make(stream)]))).toEqual([outcome]);
      const { streams } = await rowOf(catalog(), stream.facts);
      expect(streams[0]?.segmentCount).toBe(outcome === "stored" ? 4 : 3);
    });

    test("after the final one, or of another shape, is a contradiction", async () => {
      const stream = new StreamBench();
      await store(catalog(), stream.package(stream.next(2)));
      const shape = new StreamBench(stream.facts, { shape: MIXED_SHAPE });
      expect(await store(catalog(), shape.package([stream.at(2)]))).toEqual(["conflict"]);
      expect(await store(catalog(), stream.package(stream.next(1, { final: true })))).toEqual(["stored"]);
      expect(await store(catalog(), stream.package([stream.at(3)]))).toEqual(["conflict"]);
      expect(await store(catalog(), stream.package([stream.at(2 ** 32 - 1, { prev: drawHash() })]))).toEqual([
        "conflict",
      ]);
    });

    test("is judged after those before it in its package", async () => {
      const stream = await holed();
      const [wrong, after] = [stream.at(2, { prev: drawHash() }), stream.at(7, { prev: drawHash() })];
      const repeated = stream.at(7, { prev: drawHash() });
      const outcomes = await store(catalog(), stream.package([wrong, after, after, repeated]));
      expect(outcomes).toEqual(["conflict", "stored", "duplicate", "conflict"]);
    });

    test("under a use that sealed another one is stored and told", async () => {
      const terminal = drawTerminal();
      const make = (use: number, index = 5) => {
        const stream = new StreamBench({ terminal });
        return stream.package(stream.next(1, { use, index, cycle: 2 }));
      };
      const first = make(255);
      const outcomes = await catalog().storePackages([first, make(256), make(255), make(255, 6)]);
      expect(outcomes).toEqual([["stored"], ["stored"], ["reused"], ["stored"]]);
      expect(await store(catalog(), first)).toEqual(["duplicate"]);
      expect(await store(catalog(), make(256))).toEqual(["reused"]);
      const other = new StreamBench();
      expect(await store(catalog(), other.package(other.next(1, { use: 255, index: 5, cycle: 2 })))).toEqual([
        "stored",
      ]);
      const twice = new StreamBench({ terminal });
      expect(await store(catalog(), twice.package(twice.next(2, { use: 9 })))).toEqual(["stored", "reused"]);
    });

    test("that contradicts spends no use", async () => {
      const stream = new StreamBench();
      const [first] = stream.next() as [PackageItem];
      await store(catalog(), stream.package([first]));
      expect(await store(catalog(), stream.package([stream.at(0, { use: 4000 })]))).toEqual(["conflict"]);
      expect(await store(catalog(), stream.package([stream.at(1, { use: 4000 })]))).toEqual(["stored"]);
    });
  });

  describe("the chain around some sequences", () => {
    test("is not known of what is not there", async () => {
      const stream = new StreamBench();
      expect(await catalog().findChain(stream.facts.recording, 0, 0, 9)).toBeNull();
      await store(catalog(), stream.package(stream.next()));
      expect(await catalog().findChain(stream.facts.recording, 1, 0, 9)).toBeNull();
      expect(await catalog().findChain(RecordingId.parse("00".repeat(16)), 0, 0, 9)).toBeNull();
    });

    test("has what lies between and the nearest on each side", async () => {
      const stream = new StreamBench();
      const items = stream.next(20);
      const kept = [2, 5, 6, 9, 15].map((sequence) => items[sequence] as PackageItem);
      for (const item of kept) await store(catalog(), stream.package([item]));
      const around = async (from: number, to: number) => {
        const chain = await catalog().findChain(stream.facts.recording, 0, from, to);
        expect(chain).toMatchObject({ shape: JSON.stringify(PLAIN_SHAPE), highestSequence: 15, finalSequence: null });
        return chain?.rows.map(({ sequence }) => sequence);
      };
      expect(await around(6, 8)).toEqual([5, 6, 9]);
      expect(await around(7, 7)).toEqual([6, 9]);
      expect(await around(0, 1)).toEqual([2]);
      expect(await around(16, 99)).toEqual([15]);
      expect(await around(0, 99)).toEqual([2, 5, 6, 9, 15]);
      const [row] = (await catalog().findChain(stream.facts.recording, 0, 2, 2))?.rows ?? [];
      const { sequence, hash, prev, final, firstFrame, frameCount } = kept[0] as PackageItem;
      expect(row).toEqual({ sequence, hash, prev, final, firstFrame, frameCount });
    });
  });
}
