/** The audit trail. */
import type { AuditEntry, CatalogMethods } from "../catalog.ts";
import { auditHash, NO_AUDIT_HASH } from "../audit-chain.ts";
import { auditRow } from "../rows.ts";
import type { SqlContext } from "./sql-context.ts";

type AuditMethods = Pick<CatalogMethods, "appendAudit" | "countAudit" | "listAudit">;

export function auditMethods(context: SqlContext): AuditMethods {
  const { sql, transact } = context;
  return {
    appendAudit: (entries) => transact(() => entries.map((entry) => append(context, entry))),
    countAudit: () => Number(sql("SELECT COALESCE(MAX(number), 0) AS n FROM audit").get()?.["n"]),
    listAudit: (afterNumber, limit) =>
      sql("SELECT * FROM audit WHERE number > ? ORDER BY number LIMIT ?").all(afterNumber, limit).map(auditRow),
  };
}

function append({ sql }: SqlContext, entry: AuditEntry): number {
  const last = sql("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1").get();
  const previous = (last?.["hash"] as Uint8Array | undefined) ?? NO_AUDIT_HASH;
  const number = Number(last?.["number"] ?? 0) + 1;
  const { atUnixMs, actor, action, subject, outcome } = entry;
  const hash = auditHash(previous, number, entry);
  sql("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?)").run(number, atUnixMs, actor, action, subject, outcome, hash);
  return number;
}
