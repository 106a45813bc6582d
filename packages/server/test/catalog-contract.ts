/** One contract for every catalog: what the server may rely on, wherever the rows lie. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Catalog } from "../src/catalog/catalog.ts";
import { rowOf, store, StreamBench, type Caller, type CatalogBench } from "./catalog-contract/bench.ts";
import { drawHash, drawTerminal, drawBoot } from "./catalog-contract/bench.ts";
import { describeErasures } from "./catalog-contract/erasures.ts";
import { describeCopies } from "./catalog-contract/copies.ts";
import { describePackages } from "./catalog-contract/packages.ts";
import { describePlaces } from "./catalog-contract/places.ts";
import { describeReading } from "./catalog-contract/reading.ts";
import { describeRecords, readTrail } from "./catalog-contract/records.ts";

/** Runs the contract on one adapter. */
export function describeCatalog(name: string, makeBench: () => Promise<CatalogBench>): void {
  describe(`a catalog in ${name}`, () => {
    let bench: CatalogBench;
    let first: Caller;
    let second: Caller;

    beforeAll(async () => {
      bench = await makeBench();
      first = await bench.open();
      second = await bench.open();
    });
    afterAll(async () => {
      await first.catalog.close();
      await second.catalog.close();
      await bench.remove();
    });

    describePackages(() => first.catalog);
    describeReading(() => first.catalog);
    describeErasures(() => first.catalog);
    describePlaces(() => first.catalog);
    describeRecords(() => first.catalog);
    describeCopies(() => first.catalog);
    describeCallers(
      () => [first.catalog, second.catalog],
      () => bench,
    );
  });
}

const append = (catalog: Catalog, subject: string) =>
  catalog.appendAudit([{ atUnixMs: 1, actor: "a", action: "b", subject, outcome: "done" }]);

function describeCallers(catalogs: () => readonly [Catalog, Catalog], bench: () => CatalogBench): void {
  describe("with two callers at once", () => {
    test("one segment is stored once", async () => {
      for (let round = 0; round < 20; round += 1) {
        const stream = new StreamBench();
        const stored = stream.package(stream.next(3));
        const outcomes = await Promise.all(catalogs().map((catalog) => store(catalog, stored)));
        expect(outcomes.map((one) => one.join(" ")).toSorted()).toEqual([
          "duplicate duplicate duplicate",
          "stored stored stored",
        ]);
        expect(await rowOf(catalogs()[0], stored)).toMatchObject({ streams: [{ segmentCount: 3 }] });
      }
    });

    test("of two that contradict each other one is stored", async () => {
      for (let round = 0; round < 20; round += 1) {
        const stream = new StreamBench();
        await store(catalogs()[0], stream.package(stream.next(1)));
        const packages = [stream.package([stream.at(1)]), stream.package([stream.at(1, { prev: drawHash() })])];
        packages.push(
          stream.package([stream.at(1, { final: true })]),
          stream.package([stream.at(2, { prev: drawHash() })]),
        );
        const [a, b] = catalogs();
        const outcomes = await Promise.all(packages.map((one, i) => store(i % 2 === 0 ? a : b, one)));
        const { streams } = await rowOf(a, stream.facts);
        expect(outcomes.flat().filter((one) => one === "stored")).toHaveLength((streams[0]?.segmentCount ?? 0) - 1);
        const chain = await b.findChain(stream.facts.recording, 0, 0, 9);
        const rows = chain?.rows ?? [];
        for (const [i, row] of rows.entries()) {
          const before = rows[i - 1];
          if (before?.sequence === row.sequence - 1) expect(row.prev).toEqual(before.hash);
        }
      }
    });

    test("groups in opposite order do not wait for each other for ever, and a use is told once", async () => {
      for (let round = 0; round < 10; round += 1) {
        const terminal = drawTerminal();
        const streams = Array.from({ length: 8 }, () => new StreamBench({ terminal }));
        const groups = [streams, streams.toReversed()].map((some) =>
          some.map((stream) =>
            stream.package([stream.at(stream.items.length * 2 + 1, { prev: drawHash(), use: round })]),
          ),
        );
        const outcomes = await Promise.all(catalogs().map((catalog, i) => catalog.storePackages(groups[i] ?? [])));
        const counts = Map.groupBy(outcomes.flat(2), (outcome) => outcome);
        expect(counts.get("stored")).toHaveLength(1);
      }
    });

    test("what is stored while its recording is erased leaves nothing but its chain", async () => {
      const [a, b] = catalogs();
      for (let round = 0; round < 20; round += 1) {
        const stream = new StreamBench();
        const { recording } = stream.facts;
        const outcomes = round % 2 === 0 ? [] : await store(a, stream.package(stream.next()));
        const later = Array.from({ length: 4 }, () => stream.package(stream.next()));
        const number = (await a.lastErasure()) + 1;
        const [more] = await Promise.all([
          Promise.all(later.map((stored) => store(a, stored))),
          b.eraseRecording({ recording, number, erasedAtUnixMs: 1 }),
        ]);
        expect(await a.findRecording(recording)).toBeNull();
        expect(await store(a, stream.package(stream.next()))).toEqual(["erased"]);
        const kept = [...outcomes, ...more.flat()].filter((outcome) => outcome === "stored");
        expect(await a.findStubs(recording)).toHaveLength(kept.length);
      }
    });

    test("the audit trail stays one chain", async () => {
      const before = await catalogs()[0].countAudit();
      const numbers = await Promise.all(
        Array.from({ length: 40 }, (_, i) => append(catalogs()[i % 2] as Catalog, String(i))),
      );
      expect(numbers.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => before + i + 1));
      const subjects = (await readTrail(catalogs()[1])).slice(before);
      for (const [i, [number]] of numbers.entries()) expect(subjects[(number ?? 0) - before - 1]).toBe(String(i));
    });

    test("one of two statuses with one contact number is kept", async () => {
      for (let contact = 1; contact <= 10; contact += 1) {
        const terminal = drawTerminal();
        const status = { terminal, contact, receivedAtUnixMs: 1, bootId: drawBoot(), bootOffsetMs: 1, heads: [] };
        const kept = await Promise.all(
          catalogs().map((catalog, i) => catalog.storeStatus({ ...status, statusJson: `{"i":${i}}` })),
        );
        expect(kept.filter((one) => one.kept)).toHaveLength(1);
      }
    });

    test("one of two requests for streams with one contact number is taken", async () => {
      const [a, b] = catalogs();
      const terminal = drawTerminal();
      for (const contact of [0, 7, 2 ** 53 - 1]) {
        const taken = await Promise.all([a, b].map((catalog) => catalog.takeFetchContact(terminal, contact)));
        expect(taken.toSorted()).toEqual([false, true]);
        expect(await a.takeFetchContact(terminal, Math.max(0, contact - 1))).toBe(false);
        expect(await a.takeFetchContact(drawTerminal(), contact)).toBe(true);
      }
    });

    test("what one stored the other finds", async () => {
      const stream = new StreamBench();
      const hash = drawHash();
      await store(catalogs()[0], stream.package(stream.next()));
      await catalogs()[1].storeSession(hash, "anna", 10, 0);
      expect(await rowOf(catalogs()[1], stream.facts)).toMatchObject({ streams: [{ segmentCount: 1 }] });
      expect(await catalogs()[0].findSession(hash, 0)).toMatchObject({ account: "anna" });
    });
  });

  test("what was stored is there after its caller was killed", async () => {
    const killed = await bench().open();
    const stream = new StreamBench();
    const [hash, gap] = [drawHash(), drawHash()];
    await store(killed.catalog, stream.package(stream.next(2)));
    await killed.catalog.storeGap({ ...stream.facts, sequence: 5, cause: "unreadable", hash: gap });
    await killed.catalog.storeSession(hash, "anna", 10, 0);
    // A call that is under way when it ends leaves no half.
    void killed.catalog.storePackages([stream.package(stream.next(60))]).catch(() => undefined);
    await killed.leave();
    const { catalog } = await bench().open();
    const [row] = (await rowOf(catalog, stream.facts)).streams;
    expect([2, 62]).toContain(row?.segmentCount);
    expect(await catalog.findGapHash(stream.facts.recording, 0, 5)).toEqual(gap);
    expect(await catalog.findSession(hash, 0)).not.toBeNull();
    await catalog.close();
  });
}
