/** Modules, loaded and empty, and everything secret about them. */
import { systemRandom, type RandomSource } from "@pericard/crypto";
import { createMemoryFolder, type Folder, type MemoryFolder } from "@pericard/framelog";
import { TenantId, TerminalId } from "@pericard/protocol";
import type { SecureModule, Trsm, TrsmPorts } from "../../src/index.ts";
import { createSoftTrsm } from "../../src/soft.ts";

export const TENANT = TenantId.parse("0a".repeat(16));
export const SERIAL = TerminalId.parse("0000000000b7");
/** When everything happens. */
export const NOW_UNIX_MS = Date.UTC(2026, 0, 1);

/** One place for a module: a folder, and whatever an adapter has beside it. */
export interface Bench {
  readonly folder: MemoryFolder;
  /** The adapter on that place, over another view of its folder or with another source of randomness. */
  trsm(change?: { readonly folder?: Folder; readonly random?: RandomSource }): Trsm;
}

/** Makes an empty place. */
export type MakeBench = () => Bench;

/** A loaded module and everything secret about it. */
export interface LoadedModule extends Bench {
  readonly authorisation: Uint8Array;
  readonly block: Uint8Array;
  readonly identitySeed: Uint8Array;
  readonly rootPin: Uint8Array;
  open(random?: RandomSource): SecureModule;
}

/** A place whose adapter is made from its ports. */
export function benchOf(make: (ports: TrsmPorts) => Trsm): Bench {
  const folder = createMemoryFolder();
  return {
    folder,
    trsm: (change = {}) => make({ folder, random: systemRandom, nowUnixMs: () => NOW_UNIX_MS, ...change }),
  };
}

/** An empty place for a simulated module. */
export function softBench(): Bench {
  return benchOf(createSoftTrsm);
}

/** What a factory loads. */
export function drawLoad() {
  return { block: systemRandom(960), serial: SERIAL, blockIndex: 6, rootPin: systemRandom(16) };
}

/** Loads the module of an empty place; a simulated one by default. */
export function loadModule(bench: Bench = softBench()): LoadedModule {
  const authorisation = systemRandom(32);
  const load = drawLoad();
  const drawn: Uint8Array[] = [];
  const random: RandomSource = (sizeBytes) => {
    const bytes = systemRandom(sizeBytes);
    drawn.push(bytes.slice());
    return bytes;
  };
  bench.trsm({ random }).load(authorisation, load);
  const [identitySeed = new Uint8Array(0)] = drawn;
  const open = (source: RandomSource = systemRandom): SecureModule =>
    bench.trsm({ random: source }).open(authorisation, TENANT);
  return { ...bench, authorisation, identitySeed, open, block: load.block, rootPin: load.rootPin };
}
