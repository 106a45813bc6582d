/**
 * The RSA key by which a tenant's server opens K_K of suite paper-2018.
 *
 * A tenant gets it when it is created synthetic, and never later: a flag that was changed afterwards in the file brings
 * none. Without it nothing of the suite can be registered or opened.
 *
 * Source: docs/format-paper-2018.md §1, §8.
 */
import { drawPaperRsaPair, sealBlob, SyntheticTenant } from "@pericard/crypto";
import { TenantId } from "@pericard/protocol";
import type { Tenant } from "./entities.ts";
import type { RowWriter } from "./key-database.ts";
import type { StoreContext } from "./store-context.ts";

/** Context of a tenant's sealed RSA key. */
export function paperKeyContext(tenant: TenantId) {
  return ["paper-key", TenantId.toBytes(tenant)] as const;
}

/** Draws the RSA key of a new tenant; what it returns writes it with the tenant's row. Nothing for a tenant of real data. */
export function drawPaperKey(
  { random }: Pick<StoreContext, "random">,
  tenant: Pick<Tenant, "id" | "synthetic">,
  key: Uint8Array,
): (database: RowWriter) => void {
  if (!tenant.synthetic) return () => undefined;
  const { privateDer, publicDer } = drawPaperRsaPair(SyntheticTenant.admit(tenant));
  const sealed = sealBlob(key, paperKeyContext(tenant.id), privateDer, random);
  return (database) => void database.run("INSERT INTO paper_tenants VALUES (?, ?, ?)", tenant.id, publicDer, sealed);
}
