/** Modules in folders in memory. */
import { systemRandom, type RandomSource } from "@pericard/crypto";
import { createMemoryFolder, type MemoryFolder } from "@pericard/framelog";
import { TenantId, TerminalId } from "@pericard/protocol";
import { loadSoftTrsm, openSoftTrsm, type SecureModule } from "../../src/index.ts";

export const TENANT = TenantId.parse("0a".repeat(16));
export const SERIAL = TerminalId.parse("0000000000b7");

/** A loaded module and everything secret about it. */
export interface LoadedModule {
  readonly folder: MemoryFolder;
  readonly authorisation: Uint8Array;
  readonly block: Uint8Array;
  readonly identitySeed: Uint8Array;
  readonly rootPin: Uint8Array;
  open(random?: RandomSource): SecureModule;
}

export function loadModule(): LoadedModule {
  const folder = createMemoryFolder();
  const [authorisation, block, rootPin] = [systemRandom(32), systemRandom(960), systemRandom(16)];
  const drawn: Uint8Array[] = [];
  const watched: RandomSource = (sizeBytes) => {
    const bytes = systemRandom(sizeBytes);
    drawn.push(bytes.slice());
    return bytes;
  };
  loadSoftTrsm(folder, authorisation, { block, serial: SERIAL, blockIndex: 6, rootPin }, watched);
  const [identitySeed = new Uint8Array(0)] = drawn;
  const open = (random: RandomSource = systemRandom): SecureModule =>
    openSoftTrsm(folder, authorisation, TENANT, random);
  return { folder, authorisation, block, identitySeed, rootPin, open };
}
