/** A whole server over a temporary folder: real threads, real files, real HTTP; only the clock is the test's. */
import { systemRandom } from "@pericard/crypto";
import { drawRootKey, KeyStore, type RootKey, type Tenant } from "@pericard/custody";
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll } from "vitest";
import type { PostgresqlConfig } from "../../src/catalog/postgresql/address.ts";
import { keyStorePlace, type BrokerConfig, type BucketConfig, type ServerConfig } from "../../src/config.ts";
import type { ServerEnvironment } from "../../src/context.ts";
import { startServer, type RunningServer } from "../../src/main.ts";
import { configOf, findSettings, writeSettings } from "../../src/settings.ts";
import { postMessage, type Answer, type PostWish } from "./http.ts";
import { TestTerminal } from "./test-terminal.ts";

/** Token of the one upload client. */
export const UPLOAD_TOKEN = "upload-token-of-the-tests";

/** When the tests begin, in server time. */
export const BEGIN_UNIX_MS = 1_800_000_000_000;

export interface ServerWish {
  readonly catalog?: PostgresqlConfig;
  readonly keyStore?: PostgresqlConfig;
  readonly volumeCount?: number;
  readonly copyCount?: number;
  readonly bufferBytesMax?: number;
  readonly viewerPath?: string;
  readonly volumePaths?: readonly string[];
  readonly buckets?: readonly BucketConfig[];
  readonly channel?: BrokerConfig;
}

const made: string[] = [];
afterAll(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
});

/** A folder that is removed when the file's tests have run. */
export function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), "pericard-server-"));
  made.push(path);
  return path;
}

/** An installation on disk, whether or not a server runs over it. */
export class TestInstallation {
  readonly root = temporaryFolder();
  readonly config: ServerConfig;
  readonly kek: Uint8Array;
  readonly tenant: Tenant;
  /** The key that vouches for the server's keys. */
  readonly rootKey: RootKey;
  readonly clock = { unixMs: BEGIN_UNIX_MS, monotonicMs: 0 };
  #store: KeyStore | undefined;
  #running: RunningServer | undefined;

  /** @param origin an installation that is stopped, to begin with a copy of. */
  constructor(wish: ServerWish = {}, origin?: TestInstallation) {
    const { volumeCount = 2, copyCount = 2, bufferBytesMax = 64 * 1024 * 1024, viewerPath, catalog, keyStore } = wish;
    const volumePaths = Array.from({ length: volumeCount }, (_, i) => join(this.root, `volume-${i + 1}`));
    this.config = {
      host: "127.0.0.1",
      port: 0,
      dataPath: join(this.root, "data"),
      volumePaths: wish.volumePaths ?? volumePaths,
      copyCount,
      bufferBytesMax,
      uploadClients: [{ name: "gateway", token: UPLOAD_TOKEN }],
      viewerPath,
      catalog,
      keyStore,
      buckets: wish.buckets ?? [],
      channel: wish.channel,
    };
    this.kek = origin?.kek ?? systemRandom(32);
    if (origin) cpSync(origin.root, this.root, { recursive: true });
    const place = keyStorePlace(this.config);
    const made = origin ? undefined : KeyStore.create(place, this.kek, BEGIN_UNIX_MS, systemRandom);
    this.#store = made?.store;
    this.rootKey = made?.root ?? origin?.rootKey ?? drawRootKey(systemRandom);
    this.tenant = origin?.tenant ?? this.store.addTenant("Tenant", true, BEGIN_UNIX_MS);
  }

  /** The key store as the command line has it, opened when it is needed. */
  get store(): KeyStore {
    const config = findSettings(this.config.dataPath) ? this.settledConfig : this.config;
    this.#store ??= KeyStore.open(keyStorePlace(config), this.kek, systemRandom);
    return this.#store;
  }

  get environment(): ServerEnvironment {
    return {
      kek: this.kek,
      nowUnixMs: () => this.clock.unixMs,
      monotonicMs: () => this.clock.monotonicMs + performance.now(),
      random: systemRandom,
      logger: pino({ level: "silent" }),
    };
  }

  get server(): RunningServer {
    if (!this.#running) throw new Error("server is not running");
    return this.#running;
  }

  async start(config: ServerConfig = this.config): Promise<this> {
    this.#running = await startServer(config, this.environment);
    return this;
  }

  /** Writes the settings that a server changes when volumes come and go. */
  writeSettings(): void {
    const { dataPath, volumePaths, buckets = [], channel, viewerPath: _, ...rest } = this.config;
    writeSettings(dataPath, { ...rest, ...(channel ? { channel } : {}), volumes: [...volumePaths, ...buckets] });
  }

  /** What the settings say now. */
  get settledConfig(): ServerConfig {
    const settings = findSettings(this.config.dataPath);
    if (!settings) throw new Error("installation has no settings");
    return configOf(this.config.dataPath, settings, undefined);
  }

  /** Stops the server and closes the key store: nothing of the installation is open then. */
  async stop(): Promise<void> {
    await this.#running?.close();
    this.#running = undefined;
    this.#store?.close();
    this.#store = undefined;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.root, { recursive: true, force: true });
  }

  /** Lets the server's time go on; also far enough that it asks the key store again. */
  pass(ms: number): void {
    this.clock.unixMs += ms;
    this.clock.monotonicMs += ms;
  }

  terminal(tenant: Tenant = this.tenant): TestTerminal {
    return TestTerminal.register(this.store, tenant.id, this.clock.unixMs);
  }

  /** A terminal that records for a patient of that name. */
  terminalOf(patientName: string) {
    const terminal = this.terminal();
    const patient = this.store.addPatient(this.tenant.id, patientName, this.clock.unixMs);
    this.store.assign(terminal.registered.serial, patient.id, this.clock.unixMs, "test");
    return { terminal, patient };
  }

  post(message: Uint8Array, wish: PostWish = {}): Promise<Answer> {
    return postMessage(this.server.url, message, { token: UPLOAD_TOKEN, ...wish });
  }

  /** Bytes of all packs: grows with everything that is stored. */
  get packBytes(): number {
    return this.config.volumePaths.flatMap((path) => packsOf(path)).reduce((sum, path) => sum + statSync(path).size, 0);
  }
}

/** Paths of a volume's packs. */
export function packsOf(volumePath: string): readonly string[] {
  return readdirSync(volumePath)
    .filter((name) => /^pack-\d+\.cbor$/.test(name))
    .map((name) => join(volumePath, name));
}
