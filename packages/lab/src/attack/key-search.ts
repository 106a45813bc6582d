/**
 * Search for a key by a known block: the head of every segment's samples is the same for all terminals of a make, so that
 * the attacker knows it from a terminal of his own.
 *
 * In pericard-1 a segment's key comes from eight of the block's keys and a salt. The attacker is told just as much of each
 * of them, and tries for as long as he did before.
 *
 * Source: paper A §IV; docs/attack-lab.md.
 */
import { CryptoError, deriveGroupKey, desDecrypt, openSegment, sealSegment, systemRandom } from "@pericard/crypto";
import { encodeLeadResidual } from "@pericard/ecg";
import { KEYS_PER_BLOCK, parseSegment, SUITE } from "@pericard/protocol";
import { breathe, PAPERS_FALL, rowOf, type AttackRow, type Outcome } from "./attack.ts";
import { Chain } from "./chain.ts";
import { ciphertextIn, sealItem, SERIAL, type PaperName } from "./paper-seal.ts";
import { describeLeads, rawSamples, segmentLeads, synthesise } from "./recording.ts";
import { KEYS_PER_GROUP, ReducedKeys } from "./reduced-keys.ts";
import type { AttackSite } from "./site.ts";
import { sweep, type SweepResult } from "./sweep.ts";

export interface KeySearchOptions {
  readonly bits: number;
  readonly signal: AbortSignal;
  readonly onProgress: (line: string) => void;
}

export interface KeySearchReport {
  readonly rows: readonly AttackRow[];
  /** Of the search on paper A. Keys tried are null where none was found. */
  readonly measured: {
    readonly bits: number;
    readonly trialsToOne: number | null;
    readonly trialsToFirstOf120: number | null;
    readonly keysPerSecond: number;
  };
}

const ONE = { name: "key search, one key", theory: PAPERS_FALL };
const MANY = { name: "key search, first of 120 keys", theory: PAPERS_FALL };

/** Two seconds that a terminal has in its flash. */
const recordedLeads = (): readonly Int32Array[] => segmentLeads(synthesise(56), 0);
/** Of a terminal of the attacker's own: another person, the same head. */
const knownBlockOf = (leads: readonly Int32Array[]): Uint8Array => rawSamples(leads).slice(0, 8);

/** Searches in each of the targets. @throws the signal's reason. */
export async function searchKeys(site: AttackSite, options: KeySearchOptions): Promise<KeySearchReport> {
  const inA = await searchPaper(site, options, "A");
  const inB = await searchPaper(site, options, "A+B");
  const { one, any, trials, keysPerSecond } = inA.found;
  const seconds = trials / keysPerSecond;
  const rows = [...inA.rows, ...inB.rows, ...(await searchPericard(site, options, seconds))];
  const measured = { trialsToOne: one?.trials ?? null, trialsToFirstOf120: any?.trials ?? null, keysPerSecond };
  return { rows, measured: { bits: options.bits, ...measured } };
}

async function searchPaper(
  site: AttackSite,
  { bits, signal, onProgress }: KeySearchOptions,
  target: PaperName,
): Promise<{ readonly rows: readonly AttackRow[]; readonly found: SweepResult }> {
  const { leave } = site;
  const leads = recordedLeads();
  const keys = new ReducedKeys(bits);
  const block = keys.drawBlock();
  const sealed = Array.from({ length: KEYS_PER_BLOCK }, (_, index) =>
    ciphertextIn(target, sealItem(site, target, block, index, leads)),
  );
  const found = await sweep({
    leave,
    keys,
    knownBlock: knownBlockOf(segmentLeads(synthesise(57), 3)),
    blocks: sealed.map((bytes) => bytes.subarray(0, 8)),
    signal,
    onProgress: (share) => onProgress(`${target}: key search, ${Math.round(100 * share)} % of 2^${bits}`),
  });
  const reads = (hit: SweepResult["one"]): boolean => {
    const item = hit && sealed[hit.target];
    return item !== undefined && Buffer.compare(desDecrypt(leave, hit?.key ?? item, item), rawSamples(leads)) === 0;
  };
  const rate = `${Math.round(found.keysPerSecond)} keys/s`;
  const one = { succeeded: reads(found.one), why: `samples ${told(found.one)} of 2^${bits}, ${rate}` };
  const many = { succeeded: reads(found.any), why: `samples of one of 120 ${told(found.any)} of 2^${bits}` };
  return { rows: [rowOf(ONE, target, one), rowOf(MANY, target, many)], found };
}

function told(hit: SweepResult["one"]): string {
  return hit ? `read after ${hit.trials} keys` : "not read by any key";
}

/** Tries groups of keys of the reduced space for that many seconds, and tells of one and of all segments. */
async function searchPericard(
  { tenant }: AttackSite,
  { bits, signal, onProgress }: KeySearchOptions,
  seconds: number,
): Promise<readonly AttackRow[]> {
  onProgress("pericard-1: key search");
  const keys = new ReducedKeys(bits);
  const secret = keys.drawBlock();
  const binding = { suite: SUITE.pericard1, tenant: tenant.id, terminal: SERIAL } as const;
  const groupKey = (block: Uint8Array, index: number): Uint8Array =>
    deriveGroupKey(block, binding, "storage", 0, index);
  const leads = recordedLeads();
  const descriptor = describeLeads(leads, 0);
  const names = descriptor.shape.leads.map(({ name }) => name);
  const body = { descriptor, codec: "lead-residual", encoded: encodeLeadResidual(leads, names) } as const;
  const segments = Array.from({ length: KEYS_PER_BLOCK }, (_, index) => {
    const use = { cycle: 0, index, use: 0, policyVersion: 0 };
    return parseSegment(
      sealSegment(groupKey(secret, index), { ...binding, ...new Chain().next, ...use }, body, systemRandom),
    );
  });
  const guess = async (targetCount: number): Promise<Outcome> => {
    const endMs = performance.now() + 1000 * seconds;
    let [trials, openedCount] = [0, 0];
    for (; trials < 1 || (performance.now() < endMs && trials < keys.size); trials += 1) {
      if (trials % GUESSES_PER_BREATH === 0) await breathe(signal);
      const index = trials % targetCount;
      const segment = segments[index];
      if (segment && opens(groupKey(keys.drawGroup(index), index), segment)) openedCount += 1;
    }
    const space = KEYS_PER_GROUP * bits;
    return {
      succeeded: openedCount > 0,
      why: `${openedCount} opened by ${trials} guesses of a group, of which 2^${space} remain`,
    };
  };
  return [rowOf(ONE, "pericard-1", await guess(1)), rowOf(MANY, "pericard-1", await guess(KEYS_PER_BLOCK))];
}

const GUESSES_PER_BREATH = 256;

/** Whether a segment opens under a storage key. */
export function opens(storageKey: Uint8Array, segment: Parameters<typeof openSegment>[1]): boolean {
  try {
    openSegment(storageKey, segment);
    return true;
  } catch (error) {
    if (error instanceof CryptoError) return false;
    throw error;
  }
}
