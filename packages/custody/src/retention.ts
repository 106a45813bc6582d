/** How long data is kept. Absent means for ever. Source: docs/keys.md; docs/format.md §12.8. */
import { TenantId } from "@pericard/protocol";
import { DATA_TYPES, type DataType, type RetentionRule } from "./entities.ts";
import { CustodyError } from "./errors.ts";
import { integerColumn, textColumn } from "./rows.ts";
import { commit, selectRows, type StoreContext } from "./store-context.ts";

/** Sets how many days data of a type is kept; null: for ever. @throws {RangeError} unless it is 1 to 36,600 days. */
export function setRetention(context: StoreContext, tenant: TenantId, type: DataType, days: number | null): void {
  if (days !== null && (!Number.isInteger(days) || days < 1 || days > 36_600)) {
    throw new RangeError(`days: expected 1 to 36600, got ${days}`);
  }
  commit(context, (database) => {
    database.run("DELETE FROM retention WHERE tenant = ? AND data_type = ?", tenant, type);
    if (days === null) return;
    database.run("INSERT INTO retention (tenant, data_type, days) VALUES (?, ?, ?)", tenant, type, days);
  });
}

/** Every rule. */
export function retention(context: StoreContext): readonly RetentionRule[] {
  return selectRows(context, "SELECT * FROM retention ORDER BY tenant, data_type").map((row) => {
    const type = DATA_TYPES.find((known) => known === row["data_type"]);
    if (!type) throw new CustodyError("ERR_KEYSTORE_DAMAGED", "retention is of an unknown type of data");
    return { tenant: TenantId.parse(textColumn(row, "tenant")), type, days: integerColumn(row, "days") };
  });
}
