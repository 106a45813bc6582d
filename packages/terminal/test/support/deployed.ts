/** Deployed terminals, with the real factory and key store. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemRandom } from "@pericard/crypto";
import { KeyStore, type RootKey, type Tenant } from "@pericard/custody";
import { deployTerminal, type Factory } from "@pericard/factory";
import { createMemoryFolder, type Folder, type MemoryFolder } from "@pericard/framelog";
import { readProvision, type UploadTarget } from "@pericard/trsm";
import { afterAll } from "vitest";

const NOW_UNIX_MS = Date.UTC(2026, 0, 1);
const made: string[] = [];

/** A folder on disk that is removed after the tests of its file. */
export function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), "pericard-terminal-"));
  made.push(path);
  return path;
}

afterAll(() => {
  for (const path of made) rmSync(path, { recursive: true, force: true });
});

/** A server's key store and the factory beside it. */
export class Installation {
  readonly store: KeyStore;
  readonly root: RootKey;
  readonly tenant: Tenant;
  readonly factory: Factory;

  constructor() {
    const { store, root } = KeyStore.create([temporaryFolder()], systemRandom(32), NOW_UNIX_MS, systemRandom);
    this.store = store;
    this.root = root;
    this.tenant = store.addTenant("test", true, NOW_UNIX_MS);
    this.factory = {
      store,
      sequenceFolder: createMemoryFolder(),
      random: systemRandom,
      nowUnixMs: () => NOW_UNIX_MS,
    };
  }

  /** Deploys a terminal into an empty folder. */
  deploy<T extends Folder>(folder: T, targets: readonly UploadTarget[] = []): T {
    deployTerminal(this.factory, this.tenant.id, folder, targets);
    return folder;
  }

  /** A deployed terminal in memory. */
  deployInMemory(): MemoryFolder {
    return this.deploy(createMemoryFolder());
  }

  /** The registration behind a terminal's folder. */
  terminalOf(folder: Folder) {
    return this.store.getTerminal(readProvision(folder).serial);
  }
}
