/** The contract of the catalog: what stays of erased recordings, and what does not. */
import type { RecordingId } from "@pericard/protocol";
import { describe, expect, test } from "vitest";
import type { Catalog, StoredPackage } from "../../src/catalog/catalog.ts";
import { drawHash, rowOf, store, StreamBench } from "./bench.ts";

/** Numbers of tombstones rise over the life of a catalog. */
let number = 0;

async function erase(catalog: Catalog, recording: RecordingId): Promise<number> {
  number = Math.max(number, await catalog.lastErasure()) + 1;
  await catalog.eraseRecording({ recording, number, erasedAtUnixMs: 5000 });
  return number;
}

async function stored(catalog: Catalog): Promise<{ stream: StreamBench; first: StoredPackage; second: StoredPackage }> {
  const stream = new StreamBench();
  const [first, second] = [stream.package(stream.next(2)), stream.package(stream.next(2))];
  await store(catalog, first);
  await store(catalog, second);
  return { stream, first, second };
}

export function describeErasures(catalog: () => Catalog): void {
  describe("an erased recording", () => {
    test("is not found any more; its chain is, in order", async () => {
      const { first, second } = await stored(catalog());
      const other = await stored(catalog());
      const { key } = await rowOf(catalog(), first);
      await catalog().storeSummaries(key, 0, [{ sequence: 0, suspect: false, sealed: drawHash() }]);
      const told = await erase(catalog(), first.recording);
      expect(await catalog().lastErasure()).toBe(told);
      const row = { recording: first.recording, number: told, erasedAtUnixMs: 5000 };
      expect(await catalog().listErased(told - 1, 9)).toEqual([row]);
      expect(await catalog().listErased(told, 9)).toEqual([]);
      expect(await catalog().findRecording(first.recording)).toBeNull();
      expect(await catalog().findChain(first.recording, 0, 0, 9)).toBeNull();
      expect(await catalog().findSegments(key, 0, 0, 1e9, 99)).toEqual([]);
      expect(await catalog().findPlacement(key, 0, 0)).toBeNull();
      expect(await catalog().findSummaries(key, 0, 0, 9)).toEqual([]);
      if (first.patient) {
        const rows = await catalog().listRecordings(first.tenant, first.patient);
        expect(rows.map(({ id }) => id)).not.toContain(first.recording);
      }
      const items = [...first.items, ...second.items];
      expect(await catalog().findStubs(first.recording)).toEqual(
        items.map(({ sequence, hash, prev, final }) => ({ stream: 0, sequence, hash, prev, final })),
      );
      expect(await rowOf(catalog(), other.first)).toMatchObject({ streams: [{ segmentCount: 4 }] });
    });

    test("takes nothing more, whatever a server still believes", async () => {
      const { stream, first } = await stored(catalog());
      await erase(catalog(), first.recording);
      expect(await store(catalog(), first)).toEqual(["erased", "erased"]);
      expect(await store(catalog(), stream.package(stream.next(1)))).toEqual(["erased"]);
      expect(await catalog().findRecording(first.recording)).toBeNull();
    });

    test("may be told again, and of one that the catalog never had", async () => {
      const { first } = await stored(catalog());
      const told = await erase(catalog(), first.recording);
      await catalog().eraseRecording({ recording: first.recording, number: told, erasedAtUnixMs: 5000 });
      expect(await catalog().findStubs(first.recording)).toHaveLength(4);
      const unknown = new StreamBench();
      const late = unknown.package(unknown.next(1));
      expect(await erase(catalog(), late.recording)).toBe(told + 1);
      expect(await store(catalog(), late)).toEqual(["erased"]);
    });

    test("does not give its key to the next one: what is under way must not meet another recording", async () => {
      const { first } = await stored(catalog());
      const { key } = await rowOf(catalog(), first);
      await erase(catalog(), first.recording);
      const next = await stored(catalog());
      expect((await rowOf(catalog(), next.first)).key).toBeGreaterThan(key);
    });
  });

  describe("stubs", () => {
    test("are given until they lie on the volumes, a stream at a time", async () => {
      const { first } = await stored(catalog());
      await erase(catalog(), first.recording);
      const seen = new Map<string, number>();
      for (;;) {
        const found = await catalog().findUnpackedStubs(3);
        if (!found) break;
        expect(found.stubs.length).toBeLessThanOrEqual(3);
        expect(new Set(found.stubs.map((stub) => stub.stream)).size).toBe(1);
        seen.set(found.recording, (seen.get(found.recording) ?? 0) + found.stubs.length);
        await catalog().markStubsPacked(found.recording, found.stubs);
      }
      expect(seen.get(first.recording)).toBe(4);
      expect(await catalog().findStubs(first.recording)).toHaveLength(4);
    });

    test("of a rebuild are kept once, and not packed again", async () => {
      const stream = new StreamBench();
      const { recording } = stream.package(stream.next(1));
      const stubs = [0, 1].map((sequence) => ({
        stream: 3,
        sequence,
        hash: drawHash(),
        prev: sequence === 0 ? null : drawHash(),
        final: sequence === 1,
      }));
      await catalog().storeStubs(recording, stubs);
      await catalog().storeStubs(recording, stubs.slice(1));
      await erase(catalog(), recording);
      expect(await catalog().findStubs(recording)).toEqual(stubs);
      expect(await catalog().findUnpackedStubs(9)).toBeNull();
    });
  });
}
