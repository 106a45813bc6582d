/** The search through a space of keys for those that make a known block into blocks that were seen. */
import { desEncrypt, type SyntheticTenant } from "@pericard/crypto";
import { DES_BLOCK_BYTES, DES_KEY_BYTES } from "@pericard/protocol";
import { breathe } from "./attack.ts";
import type { ReducedKeys } from "./reduced-keys.ts";

/** What is looked for. */
export interface SweepPlan {
  readonly leave: SyntheticTenant;
  readonly keys: ReducedKeys;
  /** Eight bytes of plaintext that every target has in the same place. */
  readonly knownBlock: Uint8Array;
  /** What they became, 8 bytes for each target. The search ends when the first one's key is found. */
  readonly blocks: readonly Uint8Array[];
  readonly signal: AbortSignal;
  readonly onProgress: (doneShare: number) => void;
}

/** A key that was found, for which target, and after how many keys. */
export interface Hit {
  readonly key: Uint8Array;
  readonly target: number;
  readonly trials: number;
}

/** What was found: undefined when the space does not have it. */
export interface SweepResult {
  /** The first target's key. */
  readonly one: Hit | undefined;
  /** The key that was found first, of any target. */
  readonly any: Hit | undefined;
  readonly trials: number;
  readonly keysPerSecond: number;
}

/** Keys between two looks at the signal. */
const STEP = 4096;

/** Tries one key after the other. @throws the signal's reason when it is aborted. */
export async function sweep(plan: SweepPlan): Promise<SweepResult> {
  const { leave, keys, knownBlock, blocks, signal, onProgress } = plan;
  // In a small space two targets may have one key: the first one is then the one that counts.
  const wanted = new Map(blocks.map((block, target) => [numberOf(block), target] as const).toReversed());
  const key = new Uint8Array(DES_KEY_BYTES);
  const begunMs = performance.now();
  let trials = 0;
  let one: Hit | undefined;
  let any: Hit | undefined;
  while (trials < keys.size && !one) {
    if (trials % STEP === 0) {
      await breathe(signal);
      onProgress(trials / keys.size);
    }
    keys.write(trials, key);
    trials += 1;
    const target = wanted.get(numberOf(desEncrypt(leave, key, knownBlock)));
    if (target === undefined) continue;
    const hit = { key: key.slice(), target, trials };
    any ??= hit;
    if (target === 0) one = hit;
  }
  return { one, any, trials, keysPerSecond: trials / ((performance.now() - begunMs) / 1000) };
}

/** 53 of a block's 64 bits, which a number holds exactly: enough to tell blocks apart, and a found key is tried anyway. */
export function numberOf(block: Uint8Array): number {
  const view = new DataView(block.buffer, block.byteOffset, DES_BLOCK_BYTES);
  return view.getUint32(0) * 2 ** 21 + (view.getUint32(4) >>> 11);
}
