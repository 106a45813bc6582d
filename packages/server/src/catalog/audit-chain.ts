/** How the entries of the audit trail hang together. */
import { sha256 } from "@pericard/crypto";
import { encodeCbor } from "@pericard/protocol";
import type { AuditEntry } from "./catalog.ts";

/** What stands for the hash before the first entry. */
export const NO_AUDIT_HASH = new Uint8Array(32);

/** An entry's hash covers the one before: it finds accidents and careless edits, not an operator who recomputes it. */
export function auditHash(previous: Uint8Array, number: number, entry: AuditEntry): Uint8Array {
  const { atUnixMs, actor, action, subject, outcome } = entry;
  return sha256(encodeCbor([previous, number, atUnixMs, actor, action, subject, outcome]));
}
