/**
 * An installation on engines under load, and any one process of it killed at random moments, again and again: three servers, two
 * workers, PostgreSQL, RabbitMQ, radosgw with its OSD and monitor.
 *
 * PERICARD_KILLS is how often (7, each kind once, unless set); PERICARD_SEED repeats the plan of a run.
 */
import { systemRandom } from "@pericard/crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeServices } from "../../server/test/support/services.ts";
import { Fleet } from "../src/bench/fleet.ts";
import { Seeded } from "../src/crash/seeded.ts";
import { SteadyLoad } from "../src/crash/steady-load.ts";
import { readBack } from "../src/demo/read-back.ts";
import { checkEngineStore } from "./support/check-engine-store.ts";
import { openEngineSite, type EngineServer, type EngineSite } from "./support/engine-site.ts";
import { engineVictim, Service, VICTIM_KINDS, type Victim } from "./support/engine-victims.ts";
import { tell } from "./support/tell.ts";

const KILLS = Number(process.env["PERICARD_KILLS"] ?? VICTIM_KINDS.length);
const SEED = Number(process.env["PERICARD_SEED"] ?? new DataView(systemRandom(4).buffer).getUint32(0));
const TOKEN = "token-of-the-gateway-of-the-tests";
const LANES = 64;
const PER_SECOND = 100;
const MOMENT_MS = 3000;
/** Uploads go on by themselves within this, through every server. */
const RESUMED_MS = 120_000;
/** A kill with its restart and what follows; then every copy and every sample is read. */
const TIMEOUT_MS = KILLS * 180_000 + 600_000;

/** Kinds in random order, each as often as any other but for one. */
function planOf(random: Seeded): readonly Victim["kind"][] {
  const rounds = Array.from({ length: Math.ceil(KILLS / VICTIM_KINDS.length) }, () => random.shuffle(VICTIM_KINDS));
  return rounds.flat().slice(0, KILLS);
}

describeServices(["postgresql", "rabbitmq", "radosgw"], `on engines, seed ${SEED}`, (services) => {
  let engines: EngineSite;
  const servers: EngineServer[] = [];
  const running: Service[] = [];

  beforeAll(async () => {
    engines = await openEngineSite(services, 3);
    for (let i = 0; i < 2; i += 1) running.push(new Service("worker", () => engines.startWorker()));
    for (let i = 0; i < 3; i += 1) servers.push(await engines.addServer());
    for (const server of servers) running.push(new Service("server", () => server.start()));
    for (const { ready } of running) await ready;
  });
  afterAll(() => engines.remove());

  function deployFleet(): Fleet {
    return engines.site.withStore((store) => {
      const [tenant] = store.tenants();
      if (!tenant) throw new TypeError("site has no tenant");
      const plan = { store, tenant: tenant.id, terminalCount: LANES, random: systemRandom, nowUnixMs: Date.now };
      const { fleet, keys } = Fleet.deploy(plan);
      for (const { routing } of keys) {
        const terminal = store.findTerminalByRouting(routing);
        const patient = store.addPatient(tenant.id, `Patient of ${routing}`, Date.now());
        if (terminal) store.assign(terminal.serial, patient.id, Date.now(), "load");
      }
      return fleet;
    });
  }

  function victimOf(kind: Victim["kind"], random: Seeded): Victim {
    if (kind === "server" || kind === "worker") return random.pick(running.filter((one) => one.kind === kind));
    return engineVictim(kind);
  }

  /** Milliseconds until every server gave a receipt for something new. */
  async function untilResumed(): Promise<number> {
    const startedMs = performance.now();
    const before = servers.map(({ receipted }) => receipted);
    await expect
      .poll(() => servers.every(({ receipted }, i) => receipted > (before[i] ?? 0)), { timeout: RESUMED_MS })
      .toBe(true);
    return performance.now() - startedMs;
  }

  /** Whether every frame of every terminal is given once and as it was recorded, by any of the servers. */
  async function readAll(fleet: Fleet): Promise<{ samples: number; different: readonly string[] }> {
    const clients = await Promise.all(servers.map((server) => server.signIn()));
    let samples = 0;
    const different: string[] = [];
    const left = fleet.recorded.values();
    await Promise.all(
      clients.map(async (client) => {
        for (const source of left) {
          const recording = await client.recording(source.recording);
          const { identical, samplesReadBack } = await readBack(client, recording, source, source.blocks());
          samples += samplesReadBack;
          if (!identical || recording.gaps.length > 0 || recording.pendingCount > 0) different.push(recording.id);
        }
      }),
    );
    return { samples, different };
  }

  test(
    `${KILLS} kills lose nothing that was receipted, and uploads go on by themselves`,
    { timeout: TIMEOUT_MS },
    async () => {
      const startedMs = performance.now();
      const random = new Seeded(SEED);
      const fleet = deployFleet();
      const urls = servers.map(({ link }) => link.url);
      const load = new SteadyLoad({ urls, token: TOKEN, fleet, lanes: LANES, perSecondMax: PER_SECOND });
      const kills: { readonly kind: string; readonly downMs: number; readonly resumedMs: number }[] = [];
      const undisturbed = await load.watch(10_000);
      for (const kind of planOf(random)) {
        const victim = victimOf(kind, random);
        await sleep(random.between(0, MOMENT_MS));
        const killedMs = performance.now();
        await victim.kill();
        await sleep(random.between(0, MOMENT_MS));
        await victim.restart();
        const downMs = performance.now() - killedMs;
        const resumedMs = await untilResumed();
        kills.push({ kind, downMs, resumedMs });
        process.stdout.write(
          `kill ${kills.length}: ${kind}, ${Math.round(downMs)} ms away, ${Math.round(resumedMs)} ms more\n`,
        );
      }
      const after = await load.watch(10_000);
      await load.stop();
      const { samples, different } = await readAll(fleet);
      expect(different).toEqual([]);
      for (const service of running) await service.stop();
      const { faults, ...counts } = await checkEngineStore(engines);
      expect(faults).toEqual([]);
      expect(engines.site.receipts.copies.size).toBe(counts.segmentCount);
      expect([...engines.site.receipts.copies.values()].every((copies) => copies === 2)).toBe(true);
      expect(running.flatMap(({ deaths }) => deaths)).toEqual([]);
      const slowest = Object.fromEntries(
        [...Map.groupBy(kills, ({ kind }) => kind)].map(([kind, all]) => [
          kind,
          Math.round(Math.max(...all.map(({ downMs, resumedMs }) => downMs + resumedMs))),
        ]),
      );
      const figures = { seed: SEED, undisturbed, after, slowestMs: slowest, samples, ...counts };
      tell("engine kills", { kills: kills.map(({ kind }) => kind), ...figures }, startedMs);
    },
  );
});
