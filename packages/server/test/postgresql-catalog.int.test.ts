/** The catalog in PostgreSQL keeps the contract, and survives what happens to a database. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RebuiltPackage } from "../src/catalog/catalog.ts";
import { openPostgresqlCatalog, type PostgresqlCatalog } from "../src/catalog/postgresql/postgresql-catalog.ts";
import { describeCatalog } from "./catalog-contract.ts";
import { drawHash, drawRecording, rowOf, store, StreamBench } from "./catalog-contract/bench.ts";
import { describeServices } from "./support/services.ts";
import { TcpProxy } from "./support/tcp-proxy.ts";
import { TestDatabase } from "./support/test-database.ts";

const coded = (code: string) => expect.objectContaining({ code });
const DEADLINES = { connectMs: 800, lockMs: 600, statementMs: 700, answerMs: 900 };

const rebuilt = (stream: StreamBench): RebuiltPackage => ({
  ...stream.package(stream.next()),
  commitment: drawHash(),
});

describeServices(["postgresql"], "PostgreSQL", ({ postgresql }) => {
  describeCatalog("PostgreSQL", async () => {
    const database = await TestDatabase.make(postgresql);
    return {
      open: async () => {
        const { catalog } = await openPostgresqlCatalog(database.config());
        return { catalog, leave: () => database.disconnect() };
      },
      remove: () => database.remove(),
    };
  });

  describe("a database", () => {
    let database: TestDatabase;
    let proxy: TcpProxy;
    let opened: PostgresqlCatalog[];

    const open = async (port?: number): Promise<PostgresqlCatalog> => {
      const catalog = await openPostgresqlCatalog(database.config(port), DEADLINES);
      opened.push(catalog);
      return catalog;
    };
    beforeEach(async () => {
      opened = [];
      database = await TestDatabase.make(postgresql);
      proxy = await TcpProxy.start(postgresql);
    });
    afterEach(async () => {
      await proxy.close();
      for (const { catalog } of opened) await catalog.close();
      await database.remove();
    });

    test.each(["synchronous_commit = off", "synchronous_commit = local"])("with %s is refused", async (setting) => {
      await database.command(`ALTER DATABASE ${database.name} SET ${setting}`);
      await expect(open()).rejects.toThrow(coded("ERR_CATALOG_NOT_DURABLE"));
    });

    test("that is weakened while a server runs is refused from its next connection on", async () => {
      const { catalog } = await open();
      await database.command(`ALTER DATABASE ${database.name} SET synchronous_commit = off`);
      await database.disconnect();
      await expect
        .poll(() => catalog.countAudit().catch((error: unknown) => error))
        .toEqual(coded("ERR_CATALOG_NOT_DURABLE"));
    });

    test("of a newer version is refused and left alone", async () => {
      await open();
      await database.query("UPDATE pericard_catalog.catalog SET version = 99");
      await expect(open()).rejects.toThrow(coded("ERR_CATALOG_VERSION"));
      expect(await database.query("SELECT version FROM pericard_catalog.catalog")).toEqual([{ version: 99 }]);
    });

    test("with another password is not available, and nothing that is said names it", async () => {
      const folder = mkdtempSync(join(tmpdir(), "pericard-password-"));
      const passwordFile = join(folder, "password");
      writeFileSync(passwordFile, "not-the-password\n");
      const error: unknown = await openPostgresqlCatalog({ ...database.config(), passwordFile }).catch(
        (cause: unknown) => cause,
      );
      rmSync(folder, { recursive: true });
      expect(error).toEqual(coded("ERR_CATALOG_UNAVAILABLE"));
      const { message, cause } = error as Error & { cause: Error };
      expect(JSON.stringify([message, cause, cause.message, cause.stack])).not.toContain("not-the-password");
    });

    test("may be made by many servers at once", async () => {
      const catalogs = await Promise.all(Array.from({ length: 6 }, () => openPostgresqlCatalog(database.config())));
      opened.push(...catalogs);
      expect(await Promise.all(catalogs.map(({ catalog }) => catalog.countAudit()))).toEqual([0, 0, 0, 0, 0, 0]);
    });

    test("whose connections end is not available for a moment, and what it had is there", async () => {
      const { catalog } = await open(proxy.port);
      const stream = new StreamBench();
      await store(catalog, stream.package(stream.next()));
      proxy.cut();
      const next = stream.package(stream.next());
      await expect(catalog.storePackages([next])).rejects.toThrow(coded("ERR_CATALOG_UNAVAILABLE"));
      await expect(catalog.findRecording(stream.facts.recording)).rejects.toThrow(coded("ERR_CATALOG_UNAVAILABLE"));
      proxy.open();
      expect(await store(catalog, next)).toEqual(["stored"]);
      expect(await rowOf(catalog, stream.facts)).toMatchObject({ streams: [{ segmentCount: 2 }] });
    });

    test("whose connections end again and again under load has each segment once", async () => {
      const { catalog } = await open();
      const streams = Array.from({ length: 6 }, () => new StreamBench());
      const ending = setInterval(() => void database.disconnect(), 60);
      let failures = 0;
      await Promise.all(
        streams.map(async (stream) => {
          for (let count = 0; count < 40; count += 1) {
            const stored = stream.package(stream.next(2));
            for (let outcomes: readonly string[] = []; outcomes.length === 0;) {
              outcomes = await store(catalog, stored).catch((error: unknown) => {
                expect(error).toEqual(coded("ERR_CATALOG_UNAVAILABLE"));
                failures += 1;
                return [];
              });
              expect(outcomes.filter((outcome) => outcome !== "stored" && outcome !== "duplicate")).toEqual([]);
            }
          }
        }),
      );
      clearInterval(ending);
      expect(failures).toBeGreaterThan(0);
      for (const { facts } of streams) {
        await expect
          .poll(() => catalog.findRecording(facts.recording).catch(() => undefined))
          .toMatchObject({
            streams: [{ segmentCount: 80, highestSequence: 79 }],
          });
        const { key } = await rowOf(catalog, facts);
        expect(await catalog.findSegments(key, 0, 0, 1e9, 100)).toHaveLength(80);
      }
    });

    test("that hangs is given up in time, and used again when it answers", async () => {
      const { catalog } = await open(proxy.port);
      proxy.hang();
      const begun = performance.now();
      const stream = new StreamBench();
      const stored = stream.package(stream.next());
      const calls = [catalog.countAudit(), catalog.storePackages([stored]), catalog.findRecording(drawRecording())];
      for (const { status, ...rest } of await Promise.allSettled(calls)) {
        expect([status, rest]).toEqual(["rejected", { reason: coded("ERR_CATALOG_UNAVAILABLE") }]);
      }
      expect(performance.now() - begun).toBeLessThan(DEADLINES.connectMs + DEADLINES.answerMs + 2000);
      proxy.cut();
      proxy.open();
      expect(await store(catalog, stored)).toEqual(["stored"]);
    });

    test("whose row somebody holds is given up in time", async () => {
      const { catalog } = await open();
      const stream = new StreamBench();
      await store(catalog, stream.package(stream.next()));
      const holding = database.query("BEGIN; LOCK TABLE pericard_catalog.streams; SELECT pg_sleep(2)");
      await new Promise((resolve) => setTimeout(resolve, 200));
      const next = stream.package(stream.next());
      await expect(catalog.storePackages([next])).rejects.toThrow(coded("ERR_CATALOG_UNAVAILABLE"));
      await holding;
      expect(await store(catalog, next)).toEqual(["stored"]);
    });
  });

  describe("a rebuild", () => {
    let database: TestDatabase;
    let servers: readonly PostgresqlCatalog[];

    beforeEach(async () => {
      database = await TestDatabase.make(postgresql);
      servers = await Promise.all(Array.from({ length: 3 }, () => openPostgresqlCatalog(database.config())));
    });
    afterEach(async () => {
      for (const { catalog } of servers) await catalog.close();
      await database.remove();
    });

    test("is one server's, and the others wait for it", async () => {
      let waits = 0;
      let under = 0;
      const results = await Promise.all(
        servers.map(({ catalog, rebuildUnlessWhole }) =>
          rebuildUnlessWhole(
            async () => {
              under += 1;
              expect(under).toBe(1);
              await new Promise((resolve) => setTimeout(resolve, 700));
              await catalog.endRebuild();
              return "rebuilt";
            },
            () => (waits += 1),
          ),
        ),
      );
      expect(results.toSorted()).toEqual(["rebuilt", undefined, undefined]);
      expect(waits).toBeGreaterThan(0);
    });

    test("that fails leaves the next one an empty catalog, with its audit trail", async () => {
      const [first, second] = servers as [PostgresqlCatalog, PostgresqlCatalog];
      const stream = new StreamBench();
      const failing = first.rebuildUnlessWhole(
        async () => {
          await first.catalog.rebuildPackages([rebuilt(stream)]);
          await first.catalog.appendAudit([{ atUnixMs: 1, actor: "a", action: "b", subject: "c", outcome: "done" }]);
          throw new Error("volume is gone");
        },
        () => undefined,
      );
      await expect(failing).rejects.toThrow("volume is gone");
      const other = new StreamBench();
      await second.rebuildUnlessWhole(
        async () => {
          await second.catalog.rebuildPackages([rebuilt(other)]);
          await second.catalog.endRebuild();
        },
        () => undefined,
      );
      expect(await second.catalog.findRecording(stream.facts.recording)).toBeNull();
      expect(await second.catalog.findRecording(other.facts.recording)).not.toBeNull();
      expect(await second.catalog.countAudit()).toBe(1);
      await expect(
        first.rebuildUnlessWhole(
          () => Promise.reject(new Error("never")),
          () => undefined,
        ),
      ).resolves.toBeUndefined();
    });

    test("of a server that lost its connection cannot go on beside the next one", async () => {
      const [first, second] = servers as [PostgresqlCatalog, PostgresqlCatalog];
      const [lost, kept] = [new StreamBench(), new StreamBench()];
      const losing = first.rebuildUnlessWhole(
        async () => {
          await first.catalog.rebuildPackages([rebuilt(lost)]);
          await database.disconnect();
          await expect.poll(() => second.catalog.countAudit().catch(() => undefined)).toBe(0);
          await second.rebuildUnlessWhole(
            async () => {
              await second.catalog.rebuildPackages([rebuilt(kept)]);
              const late = first.catalog.rebuildPackages([rebuilt(lost)]);
              await expect(late).rejects.toThrow(coded("ERR_CATALOG_UNAVAILABLE"));
              await expect(first.catalog.endRebuild()).rejects.toThrow(coded("ERR_CATALOG_UNAVAILABLE"));
              await second.catalog.endRebuild();
            },
            () => undefined,
          );
        },
        () => undefined,
      );
      await expect(losing).rejects.toThrow(coded("ERR_CATALOG_UNAVAILABLE"));
      expect(await second.catalog.findRecording(lost.facts.recording)).toBeNull();
      expect(await second.catalog.findRecording(kept.facts.recording)).not.toBeNull();
    });
  });
});
