/** Ingest with production rooms around it, real catalog and key store threads, and volumes that a test commands. */
import { systemRandom, x25519Agreement } from "@pericard/crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Audit } from "../../src/access/audit.ts";
import { Refusals } from "../../src/access/refusals.ts";
import type { Catalog, StoredPackage } from "../../src/catalog/catalog.ts";
import { openCatalogThread } from "../../src/catalog/open-catalog.ts";
import { openInProcessChannel } from "../../src/channels/in-process-channel.ts";
import { keyFolderPaths, SERVER_DEFAULTS } from "../../src/config.ts";
import { ControlArea } from "../../src/control/control-area.ts";
import { Ingest } from "../../src/ingest/ingest.ts";
import { Quota } from "../../src/ingest/quota.ts";
import { StatementMaker } from "../../src/ingest/statements.ts";
import { StatusKeeper } from "../../src/ingest/status-keeper.ts";
import { SegmentStore } from "../../src/ingest/store-segments.ts";
import { openKeyStoreThread, type KeyStorePort } from "../../src/keys/key-store.ts";
import { KeyChanges } from "../../src/keys/key-changes.ts";
import { KeyExchange } from "../../src/keys/key-exchange.ts";
import { KeyWatch } from "../../src/keys/key-watch.ts";
import { Mailbox } from "../../src/keys/mailbox.ts";
import { RecordingKeys } from "../../src/keys/recordings.ts";
import { ServerKeys } from "../../src/keys/server-keys.ts";
import { TerminalRegistry } from "../../src/keys/terminals.ts";
import { FakeVolume } from "./fake-volume.ts";
import { TestInstallation } from "./test-server.ts";

export interface RoomWish {
  readonly volumeCount?: number;
  readonly copyCount?: number;
  readonly bufferBytesMax?: number;
  readonly deadlineMs?: number;
}

/** Faults between the rooms. */
export interface Faults {
  /** The catalog's writes of packages fail with this. */
  catalog: Error | undefined;
  /** The key store's writes fail with this. */
  keyStore: Error | undefined;
}

/** What several rooms may share: an installation with the threads of its catalog and its key store. */
export class IngestFoundation {
  readonly site = new TestInstallation();
  readonly catalog: Catalog;
  readonly keyStore: KeyStorePort;
  readonly #end: () => void;

  constructor() {
    const { config, kek } = this.site;
    const folder = join(config.dataPath, "catalog");
    mkdirSync(folder, { recursive: true });
    const opened = openCatalogThread(folder);
    const keys = openKeyStoreThread(keyFolderPaths(config), kek);
    [this.catalog, this.keyStore] = [opened.catalog, keys.keyStore];
    this.#end = () => {
      opened.end();
      keys.end();
    };
  }

  async remove(): Promise<void> {
    this.#end();
    await this.site.remove();
  }
}

export class IngestRoom {
  readonly events: string[] = [];
  /** What was said to be stored, as the indexer gets it. */
  readonly handedOn: { readonly stored: StoredPackage; readonly plain: readonly Uint8Array[] }[] = [];
  readonly faults: Faults = { catalog: undefined, keyStore: undefined };
  readonly volumes: readonly FakeVolume[];
  readonly catalog: Catalog;
  readonly control: ControlArea;
  readonly ingest: Ingest;
  readonly refusals: Refusals;

  constructor(foundation: IngestFoundation, wish: RoomWish = {}) {
    const { volumeCount = 3, copyCount = 2, bufferBytesMax = 8 * 1024 * 1024, deadlineMs = 60_000 } = wish;
    const { environment } = foundation.site;
    this.volumes = Array.from({ length: volumeCount }, (_, i) => new FakeVolume(`volume-${i + 1}`, this.events));
    this.catalog = this.#watchCatalog(foundation.catalog);
    const keyStore = this.#watchKeyStore(foundation.keyStore);
    const options = { copyCount, bufferBytesMax, pollMs: 5, lateMs: 10_000, deadlineMs };
    this.control = new ControlArea(this.volumes.map(openInProcessChannel), options);
    const { nowUnixMs, monotonicMs } = environment;
    const keys = new ServerKeys(keyStore, monotonicMs);
    const { catalog, control } = this;
    const mailbox = new Mailbox(keys, nowUnixMs);
    const recordingKeys = new RecordingKeys(keyStore, catalog);
    const audit = new Audit(catalog, nowUnixMs);
    this.refusals = new Refusals({ audit, nowUnixMs, onError: () => undefined });
    const keyWatch = new KeyWatch({ keyStore, audit, nowUnixMs });
    const agreement = x25519Agreement;
    const random = systemRandom;
    const exchange = new KeyExchange({ keyStore, watch: keyWatch, keys, agreement, audit, random, nowUnixMs });
    this.ingest = new Ingest({
      terminals: new TerminalRegistry(keyStore, monotonicMs),
      serverKeys: keys,
      segments: new SegmentStore({
        catalog,
        control,
        recordingKeys,
        random: systemRandom,
        onStored: (stored, plain) => {
          this.events.push("stored");
          this.handedOn.push({ stored, plain });
        },
      }),
      control,
      catalog,
      recordingKeys,
      statements: new StatementMaker(keys),
      mailbox,
      keyChanges: new KeyChanges({ keyStore, watch: keyWatch, exchange, nowUnixMs }),
      keyWatch,
      statusKeeper: new StatusKeeper({ catalog, keyStore, mailbox, keyWatch, nowUnixMs }),
      reverseOutput: { answer: () => Promise.reject(new Error("this room gives nothing back")) },
      refusals: this.refusals,
      quota: new Quota(SERVER_DEFAULTS.quota, nowUnixMs),
      copyCount,
      nowUnixMs,
    });
  }

  #watchCatalog(catalog: Catalog): Catalog {
    return {
      ...catalog,
      storePackages: async (packages) => {
        if (this.faults.catalog) throw this.faults.catalog;
        const outcomes = await catalog.storePackages(packages);
        this.events.push("rows");
        return outcomes;
      },
    };
  }

  #watchKeyStore(keyStore: KeyStorePort): KeyStorePort {
    return {
      ...keyStore,
      obtainRecordingKey: async (...args) => {
        if (this.faults.keyStore) throw this.faults.keyStore;
        const key = await keyStore.obtainRecordingKey(...args);
        this.events.push("data key");
        return key;
      },
    };
  }

  receive(message: Uint8Array): Promise<readonly Uint8Array[]> {
    return this.ingest.receive(message, { waitMs: 0, signal: new AbortController().signal });
  }

  close(): void {
    this.control.close();
    for (const volume of this.volumes) volume.release();
  }
}
