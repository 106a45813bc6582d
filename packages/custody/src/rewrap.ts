/**
 * Everything that the key-encryption key seals, sealed anew under the next one: a few rows, however much is stored.
 *
 * Source: docs/keys.md; docs/format.md §12.4.
 */
import { fromHex, toHex } from "@pericard/protocol";
import type { Kek } from "./kek.ts";
import type { RowWriter } from "./key-database.ts";
import { blobColumn, textColumn } from "./rows.ts";
import { commit, type StoreContext } from "./store-context.ts";

/** Where values under the key-encryption key are. Each has the context [kind, id]. Source: docs/format.md §4.4. */
export const SEALED_UNDER_KEK = [
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
  // What is sealed for the first copy goes into the others too: their rows are the same while the commit holds them.
  const anew = new Map<string, Uint8Array>();
  const sealAnew = (kind: string, name: string, sealed: Uint8Array): Uint8Array => {
    const label = `${kind}/${name}/${toHex(sealed)}`;
    const binding = [kind, fromHex(name)] as const;
    const known = anew.get(label) ?? next.seal(binding, context.kek.open(binding, sealed));
    anew.set(label, known);
    return known;
  };
  return commit(context, (database) => {
    const counts = SEALED_UNDER_KEK.map((place) => rewrapColumn(database, place, sealAnew));
    database.run("DELETE FROM meta WHERE name = 'kek_generation'");
    database.run("INSERT INTO meta VALUES ('kek_generation', ?)", String(context.kekGeneration + 1));
    return counts.reduce((sum, count) => sum + count, 0);
  });
}

/** @returns how many values. One that was destroyed is empty, and stays so. */
function rewrapColumn(
  database: RowWriter,
  { kind, table, id, column }: (typeof SEALED_UNDER_KEK)[number],
  sealAnew: (kind: string, name: string, sealed: Uint8Array) => Uint8Array,
): number {
  const rows = database.rows(`SELECT ${id}, ${column} FROM ${table} WHERE LENGTH(${column}) > 0 ORDER BY ${id}`);
  for (const row of rows) {
    const name = textColumn(row, id);
    const sealed = sealAnew(kind, name, blobColumn(row, column));
    database.run(`UPDATE ${table} SET ${column} = ? WHERE ${id} = ?`, sealed, name);
  }
  return rows.length;
}
