/** Brings a key store that an older version wrote to the version of this one, all at once. */
import { sealBlob, type RandomSource } from "@pericard/crypto";
import { TenantId, TerminalId } from "@pericard/protocol";
import { CustodyError } from "./errors.ts";
import type { Kek } from "./kek.ts";
import { blobColumn, textColumn } from "./rows.ts";
import { KEY_LIFE_TABLES, KEY_STORE_VERSION, MASTER_SEQUENCE_TABLE, PAPER_TABLES, TRANSFER_TABLES } from "./schema.ts";
import type { SqliteCopies, Writable } from "./sqlite-copies.ts";
import { selectRows } from "./store-context.ts";
import { blockContext } from "./terminals.ts";

function versionOf(database: Writable): number {
  return Number(database.prepare("SELECT value FROM meta WHERE name = 'version'").get()?.["value"]);
}

/**
 * Makes the store one of this version.
 *
 * @throws {CustodyError} ERR_KEYSTORE_FORMAT for a version that is not known; {CryptoError} ERR_SEAL_BROKEN when a store
 * of version 1 does not open under the key-encryption key.
 */
export function migrate(copies: SqliteCopies, kek: Kek, random: RandomSource): void {
  const version = versionOf(copies.reader);
  if (version === KEY_STORE_VERSION) return;
  if (version !== 1) {
    throw new CustodyError("ERR_KEYSTORE_FORMAT", `key store is of version ${version}, not ${KEY_STORE_VERSION}`);
  }
  const blocks = blocksUnderTenantKeys(copies, kek, random);
  copies.commit((database) => {
    // Another process may have been faster.
    if (versionOf(database) !== 1) return;
    database.exec(MASTER_SEQUENCE_TABLE);
    database.exec(KEY_LIFE_TABLES);
    database.exec(PAPER_TABLES);
    database.exec(TRANSFER_TABLES);
    for (const { serial, sealed } of blocks) {
      database.prepare("UPDATE terminals SET sealed_block = ? WHERE serial = ?").run(sealed, serial);
    }
    database.prepare("UPDATE meta SET value = '2' WHERE name = 'version'").run();
  });
}

/** Version 1 sealed blocks under the key-encryption key itself, so that a change of it would have touched each. */
function blocksUnderTenantKeys(copies: SqliteCopies, kek: Kek, random: RandomSource) {
  const tenantKeys = new Map(
    selectRows({ copies }, "SELECT id, sealed_key FROM tenants").map((row) => {
      const id = TenantId.parse(textColumn(row, "id"));
      return [id, kek.open(["tenant", TenantId.toBytes(id)], blobColumn(row, "sealed_key"))] as const;
    }),
  );
  return selectRows({ copies }, "SELECT serial, tenant, sealed_block FROM terminals").map((row) => {
    const serial = TerminalId.parse(textColumn(row, "serial"));
    const tenant = TenantId.parse(textColumn(row, "tenant"));
    const key = tenantKeys.get(tenant);
    if (!key) throw new CustodyError("ERR_KEYSTORE_DAMAGED", "tenant of a row is unknown");
    const block = kek.open(blockContext(tenant, serial), blobColumn(row, "sealed_block"));
    return { serial, sealed: sealBlob(key, blockContext(tenant, serial), block, random) };
  });
}
