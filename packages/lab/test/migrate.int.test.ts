/**
 * An embedded installation goes to engines while a terminal uploads, by real processes that are killed on the way.
 *
 * `PERICARD_MIGRATE` says how many segments there are before, 3,000 unless given.
 */
import { systemRandom } from "@pericard/crypto";
import { openInstallation, passphraseSecret } from "@pericard/custody";
import { toHex } from "@pericard/protocol";
import {
  configOf,
  defaultSettings,
  findSettings,
  keyStorePlace,
  systemEnvironment,
  writeSettings,
} from "@pericard/server";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openContext } from "../../server/src/context.ts";
import { fill } from "../../server/test/support/fill.ts";
import { postMessage } from "../../server/test/support/http.ts";
import { describeServices } from "../../server/test/support/services.ts";
import { createTestBucket, type TestBucket } from "../../server/test/support/test-bucket.ts";
import { TestDatabase } from "../../server/test/support/test-database.ts";
import { TestRecording } from "../../server/test/support/test-recording.ts";
import { TestTerminal } from "../../server/test/support/test-terminal.ts";
import { Program } from "../src/crash/program.ts";
import { preferPort } from "../src/demo/free-port.ts";

const SEGMENTS = Number(process.env["PERICARD_MIGRATE"] ?? 3000);
const TOKEN = "token-of-the-terminals";
const LOAD_MS = 50;
/** Longest time for which clients may be sent away. */
const AWAY_MS = 60_000;

const root = mkdtempSync(join(tmpdir(), "pericard-migrate-"));
const data = join(root, "server");
const passphraseFile = join(root, "passphrase");
const secretFile = join(root, "secret");
const enginesFile = join(root, "engines.json");
const started: Program[] = [];

function start(...args: readonly string[]): Program {
  const environment = { PERICARD_KEK_PASSPHRASE_FILE: passphraseFile };
  const program = new Program({ args, environment });
  started.push(program);
  return program;
}

const startServer = async (): Promise<Program> => {
  const server = start("server", "--data", data, "--viewer", "none", "--log-level", "warn", "--json");
  await server.ready;
  return server;
};

const migrate = (...more: readonly string[]): Program =>
  start("migrate", "--data", data, "--to", enginesFile, "--json", ...more);

const openStore = () => {
  const settings = findSettings(data);
  if (!settings) throw new Error("no settings");
  const config = configOf(data, settings, undefined);
  const secret = passphraseSecret(new TextEncoder().encode("a passphrase"));
  return { config, ...openInstallation(keyStorePlace(config), secret, systemRandom) };
};

/** Sends one segment after another, each until it is receipted. */
class Load {
  readonly receipted: Uint8Array[] = [];
  longestAwayMs = 0;
  #isEnding = false;
  readonly #recording: TestRecording;
  readonly #done: Promise<void>;

  constructor(url: string, terminal: TestTerminal) {
    this.#recording = new TestRecording(terminal);
    this.#done = this.#run(url, terminal);
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#done;
  }

  async #run(url: string, terminal: TestTerminal): Promise<void> {
    let lastMs = performance.now();
    while (!this.#isEnding) {
      const { sealed, hash } = this.#recording.next({ frameCount: 25 });
      const message = terminal.envelope(sealed);
      for (;;) {
        const answer = await postMessage(url, message, { token: TOKEN }).catch(() => undefined);
        if (answer?.receipted.includes(toHex(hash))) break;
        await new Promise((resolve) => setTimeout(resolve, LOAD_MS));
      }
      this.receipted.push(hash);
      this.longestAwayMs = Math.max(this.longestAwayMs, performance.now() - lastMs);
      lastMs = performance.now();
      await new Promise((resolve) => setTimeout(resolve, LOAD_MS));
    }
  }
}

describeServices(["postgresql", "radosgw"], "an embedded installation", (services) => {
  const [databases, buckets]: [TestDatabase[], TestBucket[]] = [[], []];
  let terminal: TestTerminal;
  let url: string;

  beforeAll(async () => {
    writeFileSync(passphraseFile, "a passphrase\n");
    for (const _ of [1, 2]) {
      databases.push(await TestDatabase.make(services.postgresql));
      buckets.push(await createTestBucket(services));
    }
    writeFileSync(secretFile, buckets[0]?.secret ?? "");
    const volumes = buckets.map(({ place }) => ({ ...place, secretFile }));
    const [catalog, keyStore] = databases.map((database) => database.config());
    writeFileSync(enginesFile, JSON.stringify({ volumes, copyCount: 2, catalog, keyStore }));
    mkdirSync(data);
    const port = await preferPort(7320);
    url = `http://127.0.0.1:${port}`;
    writeSettings(data, { ...defaultSettings([{ name: "terminals", token: TOKEN }]), port });
    await (await startServer()).stop();
    const { config, kek, store } = openStore();
    const [tenant] = store.tenants();
    if (!tenant) throw new Error("no tenant");
    terminal = TestTerminal.register(store, tenant.id, Date.now());
    const others = Array.from({ length: 10 }, () => TestTerminal.register(store, tenant.id, Date.now()).registered);
    store.close();
    const context = await openContext(config, systemEnvironment(kek, pino({ level: "silent" })));
    await fill(context, others, SEGMENTS, config.copyCount);
    await context.close();
  }, 3_600_000);

  afterAll(async () => {
    await Promise.all(started.filter(({ running }) => running).map((program) => program.kill()));
    for (const bucket of buckets) await bucket.remove();
    for (const database of databases) await database.remove();
    rmSync(root, { recursive: true, force: true });
  }, 600_000);

  test("says what there is to move, and changes nothing", async () => {
    const server = await startServer();
    const plan = migrate("--dry-run");
    await plan.success();
    expect(plan.lines.at(-1)).toMatchObject({ packages: SEGMENTS, segments: SEGMENTS });
    expect((await databases[0]?.query("SELECT to_regclass('pericard_catalog.catalog') AS there"))?.[0]?.["there"]).toBe(
      null,
    );
    await server.stop();
  });

  test("is on engines afterwards, whole, whatever was killed on the way, and nothing receipted is missing", async () => {
    let server = await startServer();
    const load = new Load(url, terminal);
    const count = async (): Promise<number> => {
      const rows = await databases[0]
        ?.query("SELECT COUNT(*) AS n FROM pericard_catalog.packages")
        .catch(() => undefined);
      return Number(rows?.[0]?.["n"] ?? 0);
    };
    // The server is killed twice while packages are copied, and the command once.
    for (const share of [0.2, 0.5]) {
      const moving = migrate();
      while ((await count()) < SEGMENTS * share && moving.running) await new Promise((done) => setTimeout(done, 20));
      await server.kill();
      expect((await moving.ended).code).not.toBe(0);
      server = await startServer();
    }
    const left = migrate();
    while ((await count()) < SEGMENTS * 0.8 && left.running) await new Promise((done) => setTimeout(done, 20));
    await left.kill();
    const begunMs = performance.now();
    const last = migrate();
    await last.success();
    const totalMs = performance.now() - begunMs;
    const sent = load.receipted.length;
    while (load.receipted.length < sent + 20) await new Promise((done) => setTimeout(done, 20));
    await load.end();
    const report = last.lines.at(-1) as { packages: number; copies: number; stoodStillMs: number };
    process.stderr.write(
      `migrate ${JSON.stringify({ SEGMENTS, totalMs, awayMs: load.longestAwayMs, sent: load.receipted.length, report })}\n`,
    );
    expect(report.packages).toBeGreaterThanOrEqual(SEGMENTS);
    expect(report.copies).toBe(2 * report.packages);
    expect(load.longestAwayMs).toBeLessThan(AWAY_MS);
    const settings = findSettings(data);
    expect(settings?.catalog).toBeDefined();
    expect(existsSync(join(data, "server-embedded.json"))).toBe(true);
    const rows = await databases[0]?.query("SELECT encode(hash, 'hex') AS hash FROM pericard_catalog.segments");
    const stored = new Set(rows?.map((row) => row["hash"]));
    expect(stored.size).toBe(SEGMENTS + load.receipted.length);
    expect(load.receipted.filter((hash) => !stored.has(toHex(hash)))).toEqual([]);
    await server.stop();
  }, 7_200_000);

  test("is read and written on the engines, and is not migrated over by what it was", async () => {
    const { config, kek, store } = openStore();
    store.close();
    const context = await openContext(config, systemEnvironment(kek, pino({ level: "silent" })));
    const [item] = await context.catalog.walkCopies(SEGMENTS, 1);
    expect(item?.copies).toHaveLength(2);
    for (const copy of item?.copies ?? []) expect(await context.volumes.find(copy.volumeId)?.read(copy)).toBeDefined();
    expect(await context.catalog.countAudit()).toBeGreaterThan(0);
    await context.close();
    // Somebody puts the old settings back.
    writeFileSync(join(data, "server.json"), readFileSync(join(data, "server-embedded.json")));
    const server = await startServer();
    const again = migrate();
    expect((await again.ended).code).not.toBe(0);
    expect(again.log.join()).toContain("ERR_MIGRATION_TARGET");
    await server.stop();
  });
});
