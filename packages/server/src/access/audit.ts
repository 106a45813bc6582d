/** The audit trail: who did what to whose data. An entry is durable before its subject is answered. */
import type { AuditEntry, Catalog } from "../catalog/catalog.ts";
import { gather } from "../threads/gather.ts";

export class Audit {
  readonly #append: (entry: AuditEntry) => Promise<number>;
  readonly #nowUnixMs: () => number;

  constructor(catalog: Catalog, nowUnixMs: () => number) {
    this.#append = gather((entries) => catalog.appendAudit(entries));
    this.#nowUnixMs = nowUnixMs;
  }

  /** Writes one entry. @returns its number. */
  record(entry: Omit<AuditEntry, "atUnixMs">): Promise<number> {
    return this.#append({ atUnixMs: this.#nowUnixMs(), ...entry });
  }
}
