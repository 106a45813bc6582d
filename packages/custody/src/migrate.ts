/** Brings a key store that an older version wrote to the version of this one, all at once. */
import { sealBlob, type RandomSource } from "@pericard/crypto";
import { TenantId, TerminalId } from "@pericard/protocol";
import { CustodyError } from "./errors.ts";
import type { Kek } from "./kek.ts";
import { firstRow, type KeyDatabase, type RowReader } from "./key-database.ts";
import { blobColumn, textColumn } from "./rows.ts";
import {
  ERASURE_TABLES,
  KEY_LIFE_TABLES,
  KEY_STORE_VERSION,
  MASTER_SEQUENCE_TABLE,
  PAPER_TABLES,
  TRANSFER_TABLES,
} from "./schema.ts";
import { selectRows } from "./store-context.ts";
import { blockContext } from "./terminals.ts";

function versionOf(database: RowReader): number {
  return Number(firstRow(database, "SELECT value FROM meta WHERE name = 'version'")?.["value"]);
}

/**
 * Makes the store one of this version.
 *
 * @throws {CustodyError} ERR_KEYSTORE_FORMAT for a version that is not known; {CryptoError} ERR_SEAL_BROKEN when a store
 * of version 1 does not open under the key-encryption key.
 */
export function migrate(database: KeyDatabase, kek: Kek, random: RandomSource): void {
  const version = versionOf(database);
  if (version === KEY_STORE_VERSION) return;
  if (version !== 1 && version !== 2 && version !== 3) {
    throw new CustodyError("ERR_KEYSTORE_FORMAT", `key store is of version ${version}, not ${KEY_STORE_VERSION}`);
  }
  if (version === 1) toVersion2(database, kek, random);
  database.commit((writer) => {
    const found = versionOf(writer);
    if (found === 2) writer.define(ERASURE_TABLES);
    // Version 4 has digests, which copies have by now: an older version would change rows without them.
    if (found === 2 || found === 3) writer.run("UPDATE meta SET value = '4' WHERE name = 'version'");
  });
}

function toVersion2(database: KeyDatabase, kek: Kek, random: RandomSource): void {
  const blocks = blocksUnderTenantKeys(database, kek, random);
  database.commit((writer) => {
    // Another process may have been faster.
    if (versionOf(writer) !== 1) return;
    writer.define(MASTER_SEQUENCE_TABLE);
    writer.define(KEY_LIFE_TABLES);
    writer.define(PAPER_TABLES);
    writer.define(TRANSFER_TABLES);
    for (const { serial, sealed } of blocks) {
      writer.run("UPDATE terminals SET sealed_block = ? WHERE serial = ?", sealed, serial);
    }
    writer.run("UPDATE meta SET value = '2' WHERE name = 'version'");
  });
}

/** Version 1 sealed blocks under the key-encryption key itself, so that a change of it would have touched each. */
function blocksUnderTenantKeys(database: KeyDatabase, kek: Kek, random: RandomSource) {
  const tenantKeys = new Map(
    selectRows({ database }, "SELECT id, sealed_key FROM tenants").map((row) => {
      const id = TenantId.parse(textColumn(row, "id"));
      return [id, kek.open(["tenant", TenantId.toBytes(id)], blobColumn(row, "sealed_key"))] as const;
    }),
  );
  return selectRows({ database }, "SELECT serial, tenant, sealed_block FROM terminals").map((row) => {
    const serial = TerminalId.parse(textColumn(row, "serial"));
    const tenant = TenantId.parse(textColumn(row, "tenant"));
    const key = tenantKeys.get(tenant);
    if (!key) throw new CustodyError("ERR_KEYSTORE_DAMAGED", "tenant of a row is unknown");
    const block = kek.open(blockContext(tenant, serial), blobColumn(row, "sealed_block"));
    return { serial, sealed: sealBlob(key, blockContext(tenant, serial), block, random) };
  });
}
