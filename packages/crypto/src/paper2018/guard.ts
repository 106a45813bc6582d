/**
 * The guard of suite paper-2018: every function of it asks for a value that only a tenant created `synthetic` yields.
 *
 * The suite is an experiment. A key of 56 bits, no integrity and known plaintext protect nobody's data.
 *
 * Source: docs/format-paper-2018.md §1; docs/threat-model.md.
 */
import type { TenantId } from "@pericard/protocol";
import { CryptoError } from "../errors.ts";

/** Known to this module alone, so that `new` fails everywhere else, also where nobody checks types. */
const ADMISSION = Symbol("admission");

/** A tenant's record, as the key store keeps it. `synthetic` is fixed at creation. */
export interface TenantRecord {
  readonly id: TenantId;
  readonly synthetic: boolean;
}

/**
 * Leave to use paper-2018 for one tenant. It cannot be written as a literal, and an object that only looks like one is
 * refused when it is used.
 */
export class SyntheticTenant {
  readonly #id: TenantId;

  private constructor(admission: typeof ADMISSION, id: TenantId) {
    if (admission !== ADMISSION) throw refusal();
    this.#id = id;
  }

  /**
   * Leave for a tenant, from the record of whoever vouches for it: the key store, or a module that the factory loaded.
   *
   * @throws {CryptoError} ERR_SUITE_GUARD unless the tenant was created synthetic.
   */
  static admit({ id, synthetic }: TenantRecord): SyntheticTenant {
    if (!synthetic) throw refusal();
    return new SyntheticTenant(ADMISSION, id);
  }

  /**
   * The tenant that a leave is for.
   *
   * @throws {CryptoError} ERR_SUITE_GUARD when the value did not come from {@link SyntheticTenant.admit}.
   */
  static idOf(leave: SyntheticTenant): TenantId {
    const value: unknown = leave;
    if (typeof value !== "object" || value === null || !(#id in value)) throw refusal();
    return value.#id;
  }
}

/** @throws {CryptoError} ERR_SUITE_GUARD when the leave is for another tenant, or is none. */
export function requireLeaveFor(leave: SyntheticTenant, tenant: TenantId): void {
  if (SyntheticTenant.idOf(leave) !== tenant) throw refusal();
}

function refusal(): CryptoError {
  return new CryptoError("ERR_SUITE_GUARD", "suite paper-2018 is for tenants that were created synthetic");
}
