/** A new installation for a benchmark: keys, terminals, and what server and floor need to open what these send. */
import { systemRandom } from "@pericard/crypto";
import { createInstallation, KeyStore } from "@pericard/custody";
import { toHex } from "@pericard/protocol";
import { keyFolderPaths, SERVER_DEFAULTS, type ServerConfig } from "@pericard/server";
import { join } from "node:path";
import { Fleet } from "./fleet.ts";
import type { FloorKeyBytes } from "./floor/floor.ts";

export interface BenchInstallation {
  readonly config: ServerConfig;
  readonly kek: Uint8Array;
  readonly token: string;
  readonly fleet: Fleet;
  readonly floorKeys: FloorKeyBytes;
  /** The server's public receipt key, 32 bytes. */
  readonly receiptKey: Uint8Array;
}

const VOLUME_COUNT = 3;

function serverConfig(dataPath: string, copyCount: number, token: string): ServerConfig {
  return {
    host: "127.0.0.1",
    port: 0,
    dataPath,
    volumePaths: Array.from({ length: VOLUME_COUNT }, (_, i) => join(dataPath, `volume-${i + 1}`)),
    copyCount,
    bufferBytesMax: SERVER_DEFAULTS.bufferBytesMax,
    uploadClients: [{ name: "bench", token }],
    viewerPath: undefined,
  };
}

/** Sets everything up in a folder. */
export function createBenchInstallation(
  dataPath: string,
  { copies, terminals }: { readonly copies: number; readonly terminals: number },
  nowUnixMs: () => number,
): BenchInstallation {
  const random = systemRandom;
  const token = toHex(random(16));
  const config = serverConfig(dataPath, copies, token);
  const { kek, tenant } = createInstallation({
    keyStore: keyFolderPaths(config),
    passphrase: random(32),
    rootFolderPath: join(dataPath, "root"),
    tenantName: "bench",
    synthetic: true,
    nowUnixMs: nowUnixMs(),
    random,
  });
  const store = KeyStore.open(keyFolderPaths(config), kek, random);
  try {
    const { fleet, keys } = Fleet.deploy({ store, tenant: tenant.id, terminalCount: terminals, random, nowUnixMs });
    const [hpke] = store.serverKeys("hpke");
    const [receipt] = store.serverKeys("receipt");
    if (!hpke || !receipt) throw new TypeError("key store has no server keys");
    const floorKeys = { hpkePrivate: hpke.privateBytes, hpkePublic: hpke.publicBytes, terminals: keys };
    return { config, kek, token, fleet, floorKeys, receiptKey: receipt.publicBytes };
  } finally {
    store.close();
  }
}
