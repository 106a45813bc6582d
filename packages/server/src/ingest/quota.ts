/**
 * How much terminals and tenants may send in a day of server time. What is beyond it is refused on the path: the sender keeps it and
 * comes again. Each server counts for itself, from its start on.
 *
 * Source: paper B §3 (illegal operations); docs/illegal-operations.md.
 */
import type { TenantId } from "@pericard/protocol";
import type { RegisteredTerminal } from "../keys/terminals.ts";
import { ServerError } from "../errors.ts";

/** Bytes of messages in a day. */
export interface QuotaLimits {
  readonly terminalBytesPerDay: number;
  readonly tenantBytesPerDay: number;
}

const DAY_MS = 24 * 3_600_000;

export class Quota {
  readonly #limits: QuotaLimits;
  readonly #nowUnixMs: () => number;
  #day = 0;
  #terminals = new Map<string, number>();
  #tenants = new Map<TenantId, number>();

  constructor(limits: QuotaLimits, nowUnixMs: () => number) {
    this.#limits = limits;
    this.#nowUnixMs = nowUnixMs;
  }

  /**
   * Counts a message.
   *
   * @returns takes it back: what was not stored does not count.
   * @throws {ServerError} ERR_QUOTA_EXCEEDED.
   */
  take({ serial, tenant }: Pick<RegisteredTerminal, "serial" | "tenant">, sizeBytes: number): () => void {
    this.#beginDay();
    const { terminalBytesPerDay, tenantBytesPerDay } = this.#limits;
    const [ofTerminal, ofTenant] = [this.#terminals.get(serial) ?? 0, this.#tenants.get(tenant) ?? 0];
    if (ofTerminal + sizeBytes > terminalBytesPerDay) throw exceeded(`terminal ${serial}`, terminalBytesPerDay);
    if (ofTenant + sizeBytes > tenantBytesPerDay) throw exceeded(`tenant ${tenant}`, tenantBytesPerDay);
    const [terminals, tenants] = [this.#terminals, this.#tenants];
    add(terminals, serial, sizeBytes);
    add(tenants, tenant, sizeBytes);
    return () => {
      add(terminals, serial, -sizeBytes);
      add(tenants, tenant, -sizeBytes);
    };
  }

  #beginDay(): void {
    const day = Math.floor(this.#nowUnixMs() / DAY_MS);
    if (day === this.#day) return;
    this.#day = day;
    this.#terminals = new Map();
    this.#tenants = new Map();
  }
}

function add<K>(counts: Map<K, number>, key: K, sizeBytes: number): void {
  counts.set(key, (counts.get(key) ?? 0) + sizeBytes);
}

function exceeded(whose: string, limitBytes: number): ServerError {
  return new ServerError("ERR_QUOTA_EXCEEDED", `${whose} has sent its ${limitBytes} bytes of this day`);
}
