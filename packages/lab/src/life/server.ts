/** The storage server of a life: all its rooms, threads and files, on a clock that the life sets. */
import { ed25519Public, systemRandom, x25519Public, type KeyObject, type RandomSource } from "@pericard/crypto";
import { createInstallation, KeyStore, type Account } from "@pericard/custody";
import { deployTerminal } from "@pericard/factory";
import { createMemoryFolder, type MemoryFolder } from "@pericard/framelog";
import type { RoutingId, TerminalId } from "@pericard/protocol";
import {
  codeOf,
  keyFolderPaths,
  SERVER_DEFAULTS,
  startServer,
  systemEnvironment,
  type KeyLifeDescription,
  type RunningServer,
  type ServerConfig,
} from "@pericard/server";
import type { EnvelopeRecipient } from "@pericard/trsm";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** File systems in memory: what a server syncs there for ten years wears nothing. */
const MEMORY_PATH = "/dev/shm";
const COPIES = 2;

/** A terminal as the factory hands it over, and what it knows of its server. */
export interface Deployed {
  readonly folder: MemoryFolder;
  readonly serial: TerminalId;
  readonly routing: RoutingId;
  readonly recipient: EnvelopeRecipient;
  /** The server's receipt key. */
  readonly serverKey: KeyObject;
}

export class LifeServer {
  readonly deployed: Deployed;
  readonly #root: string;
  readonly #config: ServerConfig;
  readonly #kek: Uint8Array;
  readonly #account: Account;
  readonly #nowUnixMs: () => number;
  #running: RunningServer | undefined;

  /** Sets up an installation with one terminal. @param random of the terminal's deployment. */
  constructor(random: RandomSource, nowUnixMs: () => number) {
    this.#root = mkdtempSync(join(existsSync(MEMORY_PATH) ? MEMORY_PATH : tmpdir(), "pericard-life-"));
    this.#nowUnixMs = nowUnixMs;
    this.#config = configBelow(this.#root);
    const { kek, tenant } = createInstallation({
      keyStore: keyFolderPaths(this.#config),
      passphrase: systemRandom(32),
      rootFolderPath: join(this.#root, "root"),
      tenantName: "life",
      synthetic: true,
      nowUnixMs: nowUnixMs(),
      random: systemRandom,
    });
    this.#kek = kek;
    const store = KeyStore.open(keyFolderPaths(this.#config), kek, systemRandom);
    try {
      const folder = createMemoryFolder();
      const factory = { store, sequenceFolder: createMemoryFolder(), random, nowUnixMs };
      const { serial, routing } = deployTerminal(factory, tenant.id, folder, []);
      this.deployed = { folder, serial, routing, ...publicKeysOf(store) };
      this.#account = store.addAccount(tenant.id, "life", "clinician");
    } finally {
      store.close();
    }
  }

  async start(): Promise<void> {
    const environment = { ...systemEnvironment(this.#kek), nowUnixMs: this.#nowUnixMs };
    environment.logger.level = "silent";
    this.#running = await startServer(this.#config, environment);
  }

  async restart(): Promise<void> {
    await this.#running?.close();
    await this.start();
  }

  /** Ends everything and removes it. */
  async remove(): Promise<void> {
    await this.#running?.close();
    rmSync(this.#root, { recursive: true, force: true });
  }

  /** Takes one message. @returns the answer; undefined for a status that is not newer than the last one. */
  async receive(bytes: Uint8Array): Promise<readonly Uint8Array[] | undefined> {
    try {
      return await this.#context.ingest.receive(bytes, { waitMs: 0, signal: AbortSignal.abort() });
    } catch (error) {
      if (codeOf(error) === "ERR_STATUS_REPLAYED") return undefined;
      throw error;
    }
  }

  /** The terminal's key life as a clinician reads it. */
  keyLife(): Promise<KeyLifeDescription> {
    return this.#context.library.getKeyLife(this.#account, this.deployed.serial);
  }

  get #context(): RunningServer["context"] {
    if (this.#running) return this.#running.context;
    throw new TypeError("server of the life was not started");
  }
}

function configBelow(root: string): ServerConfig {
  return {
    host: "127.0.0.1",
    port: 0,
    dataPath: join(root, "data"),
    volumePaths: Array.from({ length: COPIES }, (_, i) => join(root, `volume-${i + 1}`)),
    copyCount: COPIES,
    bufferBytesMax: SERVER_DEFAULTS.bufferBytesMax,
    uploadClients: [],
    viewerPath: undefined,
  };
}

function publicKeysOf(store: KeyStore): Pick<Deployed, "recipient" | "serverKey"> {
  const [hpke] = store.serverKeys("hpke");
  const [receipt] = store.serverKeys("receipt");
  if (!hpke || !receipt) throw new TypeError("key store has no server keys");
  const recipient = { hpkeKey: hpke.keyId, hpkePublic: x25519Public(hpke.publicBytes) };
  return { recipient, serverKey: ed25519Public(receipt.publicBytes) };
}
