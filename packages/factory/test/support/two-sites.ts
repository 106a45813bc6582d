/** A server's installation and factories elsewhere, each with a key store of its own in two copies. */
import { fingerprintOf, keyIdOf, sealTransfer, signMessage, systemRandom } from "@pericard/crypto";
import { KeyStore, type DeployedTerminal, type JoinedIntake, type Tenant } from "@pericard/custody";
import { createMemoryFolder, type MemoryFolder } from "@pericard/framelog";
import { KeyId, type TenantId } from "@pericard/protocol";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deployTerminals, type Factory } from "../../src/deploy.ts";
import { makeIntake, readIntake } from "../../src/intake.ts";
import { makeTransfer, markTransfer, type Transfer } from "../../src/transfer-export.ts";
import type { DeploymentReport } from "../../src/verify.ts";

const targets = [{ url: "http://127.0.0.1:1", token: "token" }];

/** Folders and key stores that are closed and removed together. */
export class Sites {
  readonly root = mkdtempSync(join(tmpdir(), "pericard-transfer-"));
  readonly #stores = new Map<string, { readonly store: KeyStore; readonly kek: Uint8Array }>();

  keyFolders(name: string): readonly string[] {
    return ["a", "b"].map((copy) => join(this.root, name, copy, "keys"));
  }

  #create(name: string): KeyStore {
    const kek = systemRandom(32);
    const { store } = KeyStore.create(this.keyFolders(name), kek, 1, systemRandom);
    this.#stores.set(name, { store, kek });
    return store;
  }

  /** Closes a key store and opens it again, from whichever folders there are by then. */
  reopen(name: string): KeyStore {
    const known = this.#stores.get(name);
    if (!known) throw new TypeError(`no key store is named ${name}`);
    known.store.close();
    const store = KeyStore.open(this.keyFolders(name), known.kek, systemRandom);
    this.#stores.set(name, { ...known, store });
    return store;
  }

  /** Sets a server's key store up. */
  server(name = "server"): { readonly store: KeyStore; readonly tenant: Tenant; readonly pin: Uint8Array } {
    const store = this.#create(name);
    return { store, tenant: store.addTenant("Tenant", true, 1), pin: fingerprintOf(store.rootPublicKey) };
  }

  /** Makes an intake of a tenant and sets its factory up. */
  factory(server: KeyStore, tenant: TenantId): FactorySite {
    const { bytes } = makeIntake(server, tenant, 2);
    const membership = readIntake(bytes, fingerprintOf(server.rootPublicKey), 3);
    const store = this.#create(`factory-${this.#stores.size}`);
    return new FactorySite(store.handover.join(membership, 3), store);
  }

  close(): void {
    for (const { store } of this.#stores.values()) store.close();
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** A factory on another machine. */
export class FactorySite {
  readonly joined: JoinedIntake;
  readonly store: KeyStore;
  readonly work: Factory;

  constructor(joined: JoinedIntake, store: KeyStore) {
    this.joined = joined;
    this.store = store;
    this.work = { store, sequenceFolder: createMemoryFolder(), random: systemRandom, nowUnixMs: () => 4 };
  }

  get fingerprint(): Uint8Array {
    return fingerprintOf(this.joined.factoryKey);
  }

  deploy(count: number): { readonly folders: readonly MemoryFolder[]; readonly reports: readonly DeploymentReport[] } {
    const folders = Array.from({ length: count }, () => createMemoryFolder());
    const sites = folders.map((folder) => ({ folder }));
    return { folders, reports: deployTerminals(this.work, this.joined.tenant, sites, targets) };
  }

  /** The next transfer, as one whose file is durable. */
  transfer(): Transfer {
    const transfer = makeTransfer(this.work);
    markTransfer(this.work, transfer);
    return transfer;
  }

  /** Everything that the factory knows of its terminals, to make a transfer of something else from. */
  terminals(): readonly DeployedTerminal[] {
    return this.store.terminals(this.joined.tenant).map(({ serial }) => this.store.handover.open(serial));
  }

  /** A transfer that says whatever is wanted, sealed and signed as by a factory that lies. */
  forge(terminals: readonly DeployedTerminal[], about: Partial<JoinedIntake> = {}): Uint8Array {
    const { id: intake, tenant, intakeKey, factoryKey } = { ...this.joined, ...about };
    const header = { intake, transferNumber: 1, factoryKey };
    const payload = sealTransfer(intakeKey, header, { tenant, terminals }, systemRandom);
    const key = this.store.handover.openFactoryKey(this.joined);
    return signMessage(key, "pericard/transfer", KeyId.toBytes(keyIdOf(factoryKey)), payload);
  }
}
