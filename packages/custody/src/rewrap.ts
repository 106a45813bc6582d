/**
 * Everything that the key-encryption key seals, sealed anew under the next one: a few rows, however much is stored.
 *
 * Source: docs/keys.md; docs/format.md §12.4.
 */
import { fromHex } from "@pericard/protocol";
import type { Kek } from "./kek.ts";
import { blobColumn, textColumn } from "./rows.ts";
import { commit, selectRows, type StoreContext } from "./store-context.ts";

/** Where values under the key-encryption key are. Each has the context [kind, id]. Source: docs/format.md §4.4. */
const SEALED = [
  { kind: "server-key", table: "server_keys", id: "key_id", column: "sealed_private" },
  { kind: "tenant", table: "tenants", id: "id", column: "sealed_key" },
  { kind: "sequence", table: "master_sequence", id: "id", column: "sealed_key" },
] as const;

/**
 * Seals every such value under the next key: all or none, in every copy.
 *
 * @returns how many.
 * @throws {CryptoError} ERR_SEAL_BROKEN, {CustodyError} ERR_KEK_CHANGED, ERR_KEK_TOKEN, ERR_KEYSTORE_COPY.
 */
export function rewrap(context: StoreContext, next: Kek): number {
  const updates = SEALED.flatMap(({ kind, table, id, column }) =>
    selectRows(context, `SELECT * FROM ${table}`).map((row) => {
      const name = textColumn(row, id);
      const binding = [kind, fromHex(name)] as const;
      const sealed = next.seal(binding, context.kek.open(binding, blobColumn(row, column)));
      return { sql: `UPDATE ${table} SET ${column} = ? WHERE ${id} = ?`, sealed, name };
    }),
  );
  commit(context, (database) => {
    for (const { sql, sealed, name } of updates) database.run(sql, sealed, name);
    database.run("INSERT OR REPLACE INTO meta VALUES ('kek_generation', ?)", String(context.kekGeneration + 1));
  });
  return updates.length;
}
