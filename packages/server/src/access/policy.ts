/**
 * Who may do what. What is not in the table is denied.
 *
 * Source: paper B §5.2 (role properties are verified before data is given).
 */
import type { Account } from "@pericard/custody";
import type { PatientId, TenantId } from "@pericard/protocol";

/** What can be asked. */
export type Action =
  | "list patients"
  | "list recordings"
  | "read recording"
  | "read samples"
  | "read observations"
  | "follow live"
  | "read key life";

/** Whose something is. `patient` null is the unassigned holder, which technicians alone see. */
export interface Subject {
  readonly tenant: TenantId;
  readonly patient: PatientId | null;
}

const ALLOWED: ReadonlyMap<Account["role"], ReadonlySet<Action>> = new Map([
  [
    "clinician",
    new Set<Action>([
      "list patients",
      "list recordings",
      "read recording",
      "read samples",
      "read observations",
      "follow live",
      "read key life",
    ]),
  ],
]);

/** Whether an account may do something about a tenant's patients in general. */
export function mayList(account: Account, action: Action, tenant: TenantId): boolean {
  return account.tenant === tenant && (ALLOWED.get(account.role)?.has(action) ?? false);
}

/** Whether an account may do something with one patient's data. */
export function mayRead(account: Account, action: Action, subject: Subject): boolean {
  return subject.patient !== null && mayList(account, action, subject.tenant);
}
