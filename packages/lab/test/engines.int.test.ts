/**
 * An installation on engines, with real processes: two servers, two workers, PostgreSQL, RabbitMQ, radosgw. What a terminal uploads
 * through one server is read through the other, and kills lose nothing that a receipt speaks of.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeServices, killAndRestart } from "../../server/test/support/services.ts";
import { checkWhole, WHOLE } from "../src/crash/check-recording.ts";
import type { Program } from "../src/crash/program.ts";
import { syntheticSource } from "../src/crash/sources.ts";
import { openEngineSite, type EngineServer, type EngineSite } from "./support/engine-site.ts";
import { tell } from "./support/tell.ts";

describeServices(["postgresql", "rabbitmq", "radosgw"], "on engines", (services) => {
  let engines: EngineSite;
  let other: EngineServer;
  const workers: Program[] = [];

  beforeAll(async () => {
    engines = await openEngineSite(services, 3);
    workers.push(engines.startWorker(), engines.startWorker());
    for (const worker of workers) expect((await worker.ready)["volumeIds"]).toHaveLength(3);
    await engines.site.startAll();
    other = await engines.addServer();
    await other.start().ready;
  });
  afterAll(() => engines.remove());

  test("what is uploaded through one server is read through the other, identical", async () => {
    const { site } = engines;
    const source = syntheticSource(7, 0.05);
    const terminal = site.spawn(["terminal", "record", "--data", site.deploy(1), ...source.args, "--json"]);
    await terminal.success();
    expect(await checkWhole(await other.signIn(), 1, source)).toEqual(WHOLE);
    expect(await checkWhole(await site.signIn(), 1, source)).toEqual(WHOLE);
  });

  test.each(["rabbitmq", "radosgw", "postgresql"] as const)(
    "%s that is killed under load loses nothing",
    async (name) => {
      const { site } = engines;
      const number = { rabbitmq: 3, radosgw: 4, postgresql: 5 }[name];
      const source = syntheticSource(10 + number, 0.3);
      const terminal = site.spawn(["terminal", "record", "--data", site.deploy(number), ...source.args, "--json"]);
      await terminal.ready;
      const before = site.receipts.copies.size;
      await expect.poll(() => site.receipts.copies.size, { timeout: 30_000 }).toBeGreaterThan(before);
      await killAndRestart(name);
      await terminal.success();
      expect(terminal.lines.at(-1)).toMatchObject({ conflicts: 0, rejected: 0, gaps: 0, waiting: 0, quarantined: 0 });
      expect(await checkWhole(await other.signIn(), number, source)).toEqual(WHOLE);
    },
  );

  test("workers and a server that are killed under load lose nothing that was receipted", async () => {
    const startedMs = performance.now();
    const { site } = engines;
    const source = syntheticSource(8, 0.4);
    const terminal = site.spawn(["terminal", "record", "--data", site.deploy(2), ...source.args, "--json"]);
    await terminal.ready;
    const kills: string[] = [];
    for (let round = 0; round < 6 && terminal.running; round += 1) {
      await Promise.race([new Promise((resolve) => setTimeout(resolve, 400 + 150 * round)), terminal.ended]);
      if (round % 3 === 2) {
        await site.station("server").kill();
        await site.start("server").ready;
        kills.push("server");
      } else {
        await workers[round % 2]?.kill();
        workers[round % 2] = engines.startWorker();
        kills.push("worker");
      }
    }
    await terminal.success();
    expect(terminal.lines.at(-1)).toMatchObject({ conflicts: 0, rejected: 0, gaps: 0, waiting: 0, quarantined: 0 });
    expect(await checkWhole(await other.signIn(), 2, source)).toEqual(WHOLE);
    expect(kills).toContain("server");
    tell("engines", { kills, receipts: site.receipts.receiptCount, segments: site.receipts.copies.size }, startedMs);
  });
});
