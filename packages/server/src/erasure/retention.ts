/**
 * Retention: what is older than its tenant keeps it goes, as if somebody had asked for its erasure.
 *
 * A recording goes when everything in it may go: with streams of several types, when the last of them is over its time. Its
 * age counts from its last arrival. What is under legal hold stays.
 *
 * Source: docs/keys.md, "Erasure"; docs/format.md §12.8.
 */
import type { DataType, RetentionRule } from "@pericard/custody";
import { BODY_KIND, type RecordingId, type TenantId } from "@pericard/protocol";
import type { Catalog } from "../catalog/catalog.ts";
import { codeOf } from "../errors.ts";
import type { KeyStorePort } from "../keys/key-store.ts";
import type { Eraser } from "./eraser.ts";

const DAY_MS = 24 * 3600 * 1000;
/** Recordings that one erasure takes: a certificate's part. */
const RECORDINGS_AT_ONCE = 256;
const KINDS: Readonly<Record<DataType, number>> = {
  waveform: BODY_KIND.waveform,
  observation: BODY_KIND.observation,
};

export interface RetentionParts {
  readonly keyStore: KeyStorePort;
  readonly catalog: Catalog;
  readonly eraser: Eraser;
  readonly nowUnixMs: () => number;
}

/** What a run did, or would do. */
export interface RetentionReport {
  readonly tenants: readonly {
    readonly tenant: TenantId;
    /** Recordings over their time; at most {@link RECORDINGS_AT_ONCE} are named. */
    readonly recordings: readonly RecordingId[];
    readonly recordingCount: number;
    /** Recordings over their time that a legal hold keeps. */
    readonly heldCount: number;
  }[];
}

/** Days for which a tenant keeps each kind of body; a kind that is not there is kept for ever. */
function limitsOf(rules: readonly RetentionRule[], nowUnixMs: number): ReadonlyMap<number, number> {
  return new Map(rules.map(({ type, days }) => [KINDS[type], nowUnixMs - days * DAY_MS]));
}

/** Applies the rules of retention. */
export class Retention {
  readonly #parts: RetentionParts;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
  }

  /** What {@link run} would erase now. */
  plan(): Promise<RetentionReport> {
    return this.#over((tenant, rules) => this.#planTenant(tenant, rules));
  }

  /** Erases what is over its time. @throws as {@link Eraser.eraseRecordings}; what was erased before stays erased. */
  run(): Promise<RetentionReport> {
    return this.#over((tenant, rules) => this.#runTenant(tenant, rules));
  }

  async #over(
    work: (tenant: TenantId, rules: readonly RetentionRule[]) => Promise<RetentionReport["tenants"][number]>,
  ): Promise<RetentionReport> {
    const rules = Map.groupBy(await this.#parts.keyStore.retention(), ({ tenant }) => tenant);
    const tenants = [];
    for (const [tenant, own] of rules) tenants.push(await work(tenant, own));
    return { tenants };
  }

  async #planTenant(tenant: TenantId, rules: readonly RetentionRule[]) {
    const { free, held } = await this.#findOver(tenant, rules);
    return {
      tenant,
      recordings: free.slice(0, RECORDINGS_AT_ONCE),
      recordingCount: free.length,
      heldCount: held.length,
    };
  }

  async #runTenant(tenant: TenantId, rules: readonly RetentionRule[]) {
    const { eraser, nowUnixMs } = this.#parts;
    const plan = await this.#findOver(tenant, rules);
    const reason = rules.map(({ type, days }) => `${type} after ${days} days`).join(", ");
    let heldCount = plan.held.length;
    const erased: RecordingId[] = [];
    for (let from = 0; from < plan.free.length; from += RECORDINGS_AT_ONCE) {
      const some = plan.free.slice(from, from + RECORDINGS_AT_ONCE);
      const order = { reason: `retention: ${reason}`, by: "server", atUnixMs: nowUnixMs() };
      try {
        await eraser.eraseRecordings(some, order);
        erased.push(...some);
      } catch (error) {
        // A hold that was set just now: the next run finds it among the held ones.
        if (codeOf(error) !== "ERR_LEGAL_HOLD") throw error;
        heldCount += some.length;
      }
    }
    return { tenant, recordings: erased.slice(0, RECORDINGS_AT_ONCE), recordingCount: erased.length, heldCount };
  }

  async #findOver(tenant: TenantId, rules: readonly RetentionRule[]) {
    const { catalog, keyStore, nowUnixMs } = this.#parts;
    const limits = [...limitsOf(rules, nowUnixMs())].map(([kind, beforeUnixMs]) => ({ kind, beforeUnixMs }));
    const found = await catalog.findOver(tenant, limits);
    const holds = (await keyStore.holds()).filter(({ lifted }) => lifted === null);
    const named = new Set<string>(holds.flatMap(({ patient, recording }) => patient ?? recording ?? []));
    const isHeld = (row: (typeof found)[number]): boolean =>
      named.has(row.recording) || (row.patient !== null && named.has(row.patient));
    const idsOf = (rows: typeof found): readonly RecordingId[] => rows.map(({ recording }) => recording);
    return { free: idsOf(found.filter((row) => !isHeld(row))), held: idsOf(found.filter(isHeld)) };
  }
}
