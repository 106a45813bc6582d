/** Compaction: space of erased data is freed, and nothing that lives is lost, wherever a run is cut. */
import { toHex } from "@pericard/protocol";
import { rmSync, statSync } from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { OperatorClient } from "../src/client/operator-client.ts";
import { Compactor, COMPACTION_DEFAULTS, type CompactionParts } from "../src/control/compaction.ts";
import type { ServerEnvironment } from "../src/context.ts";
import { STORED_KIND } from "../src/volumes/volume.ts";
import { ErasedOrigin, itemsOf, packagesOf } from "./support/erased-site.ts";
import { everySample, readAll, readerOf } from "./support/reading.ts";
import { packsOf, type TestInstallation } from "./support/test-server.ts";

let origin: ErasedOrigin;
let site: TestInstallation;

beforeAll(async () => {
  origin = await ErasedOrigin.make();
}, 60_000);
afterAll(() => origin.site.remove());
beforeEach(async () => {
  site = origin.copy();
  await site.start();
}, 60_000);
afterEach(() => site.remove());

const NOW = { ...COMPACTION_DEFAULTS, deadShareMin: 0.3, strayGraceMs: 0, readGraceMs: 0 };

/** A compactor over the running server's rooms, of which a test may change some. */
function compactor(wish: Partial<CompactionParts> = {}): Compactor {
  const { catalog, keyStore, volumes } = site.server.context;
  return new Compactor({
    ...NOW,
    catalog,
    keyStore,
    volumes: () => volumes.opened,
    packStubs: async () => undefined,
    monotonicMs: () => performance.now(),
    sleep: async () => undefined,
    ...wish,
  });
}

const packBytes = (): number =>
  site.config.volumePaths.flatMap(packsOf).reduce((sum, path) => sum + statSync(path).size, 0);

async function expectBobWhole(): Promise<void> {
  expect(await readAll(await readerOf(site), origin.bob.recording)).toEqual(everySample(origin.bob.recording));
}

describe("compaction", () => {
  test("takes an erased patient's packages out of every pack; what lives reads exactly, stubs stay", async () => {
    await site.post(origin.bob.terminal.gap(origin.bob.recording.id, 9));
    await origin.erase(site);
    const before = packBytes();
    const report = await compactor().run("now");
    expect(report).toMatchObject({ packsWrittenAnew: 2, packsRemoved: 2, left: [] });
    expect(packagesOf(site, origin.ada.recording.id)).toEqual([]);
    expect(packBytes()).toBeLessThan(before);
    expect(before - packBytes()).toBeGreaterThan(0.8 * report.freedBytes);
    const kinds = itemsOf(site).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === STORED_KIND.stubs)).toHaveLength(2);
    expect(kinds.filter((kind) => kind === STORED_KIND.gap)).toHaveLength(2);
    await expectBobWhole();
    await origin.expectNothingShown(site);
    origin.expectNothingOpens(site);
  });

  test("of the operator's command does the same", async () => {
    await origin.erase(site);
    await site.stop();
    const compaction = { ...NOW };
    const environment: ServerEnvironment = { ...site.environment, compaction };
    Object.defineProperty(site, "environment", { value: environment });
    await site.start();
    const told: unknown[] = [];
    const report = await new OperatorClient(site.config.dataPath).follow("/v1/compaction", {}, (one) => told.push(one));
    expect(report).toMatchObject({ packsWrittenAnew: 2, packsRemoved: 2, left: [] });
    expect(packagesOf(site, origin.ada.recording.id)).toEqual([]);
  });

  test("run again finds nothing to do", async () => {
    await origin.erase(site);
    await compactor().run("now");
    const again = await compactor().run("now");
    expect(again).toMatchObject({ packsWrittenAnew: 0, freedBytes: 0 });
  });

  test("leaves packs that live alone, and those of which little is dead", async () => {
    expect(await compactor().run("now")).toMatchObject({ packsWrittenAnew: 0, packsRemoved: 0 });
    await origin.erase(site);
    expect(await compactor({ deadShareMin: 0.99 }).run("now")).toMatchObject({ packsWrittenAnew: 0 });
    expect(packagesOf(site, origin.ada.recording.id)).toHaveLength(2);
  });

  test("waits with a package that has no row: it may have one soon", async () => {
    const [volume] = site.server.context.volumes.opened;
    if (!volume) throw new Error("no volume is open");
    const stray = new Uint8Array(200_000).fill(7);
    await volume.append([{ kind: STORED_KIND.package, bytes: stray }]);
    const patient = compactor({ strayGraceMs: 60_000 });
    expect(await patient.run("now")).toMatchObject({ packsWrittenAnew: 0, left: [] });
    expect(itemsOf(site).some(({ bytes }) => bytes.length === stray.length)).toBe(true);
    let nowMs = 0;
    const later = compactor({ strayGraceMs: 60_000, monotonicMs: () => nowMs });
    await later.run("now");
    nowMs = 60_001;
    expect(await later.run("now")).toMatchObject({ packsWrittenAnew: 1, packsRemoved: 1 });
    expect(itemsOf(site).some(({ bytes }) => bytes.length === stray.length)).toBe(false);
    await expectBobWhole();
  });

  test("keeps a pack that has a damaged live frame, for whoever heals it", async () => {
    await origin.erase(site);
    const { catalog, volumes } = site.server.context;
    const [volume] = volumes.opened;
    if (!volume) throw new Error("no volume is open");
    const listPack = volume.listPack.bind(volume);
    const blind = Object.assign(Object.create(volume) as typeof volume, {
      listPack: async (fileNumber: number) => (await listPack(fileNumber)).slice(0, -3),
    });
    const before = (await catalog.sumPlaces(volume.id)).map(({ fileNumber }) => fileNumber);
    await compactor({ volumes: () => [blind] }).run("now");
    const after = (await catalog.sumPlaces(volume.id)).map(({ fileNumber }) => fileNumber);
    expect(after).toEqual(expect.arrayContaining(before));
  });

  test.each<{ cut: string; wish: (fail: () => never) => Partial<CompactionParts> }>([
    {
      cut: "before the rows are moved",
      wish: (fail) => ({ catalog: { ...site.server.context.catalog, movePlaces: async () => fail() } }),
    },
    {
      cut: "before old packs are removed",
      wish: (fail) => ({ sleep: async () => fail() }),
    },
  ])("that is cut $cut loses nothing, and is finished by the next", async ({ wish }) => {
    await origin.erase(site);
    const cut = compactor(
      wish(() => {
        throw new Error("power is gone");
      }),
    );
    await cut.run("now").catch(() => undefined);
    await site.stop();
    await site.start();
    await expectBobWhole();
    await compactor().run("now");
    await expectBobWhole();
    expect(packagesOf(site, origin.ada.recording.id)).toEqual([]);
    expect(packagesOf(site, origin.bob.recording.id)).toHaveLength(2);
  });

  test("is survived by a rebuild of the catalog", async () => {
    await origin.erase(site);
    await compactor().run("now");
    const stubs = await site.server.context.catalog.findStubs(origin.ada.recording.id);
    await site.stop();
    rmSync(`${site.config.dataPath}/catalog`, { recursive: true });
    await site.start();
    expect(site.server.context.rebuilt).toMatchObject({ refused: 0, stubs: 8 });
    const found = await site.server.context.catalog.findStubs(origin.ada.recording.id);
    expect(found.map(({ hash }) => toHex(hash))).toEqual(stubs.map(({ hash }) => toHex(hash)));
    await expectBobWhole();
    await origin.expectNothingShown(site);
  });
});
