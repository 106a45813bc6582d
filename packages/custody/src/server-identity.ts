/**
 * The server's identity over the years: its keys are changed under the root, and what is retired is destroyed.
 *
 * - `hpke`: a retired key opens envelopes for 90 days more, since terminals and gateways may hold some that are sealed to
 *   it; then its private half is overwritten. The row stays: it says that there was such a key.
 * - `receipt`: the private half of a retired key is overwritten in the commit that brings the next one. Nobody needs it, and
 *   whoever had it could make terminals that have not heard of the next one delete what is not stored.
 *
 * Source: docs/keys.md, "The server's keys"; docs/format.md §7.6.
 */
import { KeyId, KEY_PURPOSES, equalBytes, fromHex, type KeyPurpose } from "@pericard/protocol";
import { CustodyError } from "./errors.ts";
import type { RowWriter } from "./key-database.ts";
import { blobColumn, integerColumn, textColumn, type Row } from "./rows.ts";
import { issueServerKey, serverKeyRow, type RootKey, type ServerKey } from "./server-keys.ts";
import { commit, selectRows, type StoreContext } from "./store-context.ts";

const DAY_MS = 24 * 3600 * 1000;

/** How long a retired hpke key still opens envelopes. */
export const RETIRED_HPKE_MS = 90 * DAY_MS;

const DESTROYED = new Uint8Array(0);
const VERSION_MAX = 2 ** 32 - 1;

/** What people may know of a server key. */
export interface ServerKeyRecord {
  readonly keyId: KeyId;
  readonly purpose: KeyPurpose;
  readonly version: number;
  /** 32 bytes, of destroyed keys too: what they signed can still be verified. */
  readonly publicBytes: Uint8Array;
  /** `current`: the newest of its purpose. `retired`: it still opens. `destroyed`: its private half is gone. */
  readonly state: "current" | "retired" | "destroyed";
  readonly notBeforeUnixMs: number;
  readonly notAfterUnixMs: number;
  /** When a retired hpke key is to be destroyed; null for every other. */
  readonly opensUntilUnixMs: number | null;
}

/** The server's keys of every version. */
export class ServerIdentity {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  /** Every key that there was, by purpose, newest first. */
  records(): readonly ServerKeyRecord[] {
    const sql = `SELECT key_id, purpose, version, public_key, LENGTH(sealed_private) AS size, not_before_ms, not_after_ms
      FROM server_keys WHERE purpose = ? ORDER BY version DESC`;
    return KEY_PURPOSES.flatMap((purpose) => {
      const rows = selectRows(this.#context, sql, purpose);
      return rows.map((row, i) => readRecord(row, purpose, rows[i - 1]));
    });
  }

  /**
   * Draws the next key of a purpose and has the root vouch for it. Durable in every copy when it returns; running servers
   * take it up by themselves.
   *
   * @param versionMin the least version that the key may get: higher than any that a terminal may know, when the key store was
   * restored from a copy.
   * @throws {CustodyError} ERR_ROOT_KEY when the root is another installation's, ERR_SERVER_KEY_TIME when the clock stands
   * before the present key's time, ERR_SERVER_KEY_VERSION when another process was faster or versions have run out.
   */
  rotate(root: RootKey, purpose: KeyPurpose, nowUnixMs: number, versionMin = 1): ServerKey {
    const present = this.records().find((record) => record.purpose === purpose);
    if (!present) throw new CustodyError("ERR_KEYSTORE_DAMAGED", `key store has no ${purpose} key`);
    this.#requireRoot(root);
    if (nowUnixMs < present.notBeforeUnixMs) {
      throw new CustodyError("ERR_SERVER_KEY_TIME", "clock stands before the time of the present key");
    }
    const version = Math.max(present.version + 1, versionMin);
    if (version > VERSION_MAX) throw new CustodyError("ERR_SERVER_KEY_VERSION", "there is no higher version");
    const key = issueServerKey(root, purpose, version, nowUnixMs, this.#context.random);
    const insert = serverKeyRow(key, this.#context.kek);
    commit(this.#context, (database) => {
      requireNewest(database, purpose, present.version);
      insert(database);
      if (purpose === "receipt") destroyBelow(database, purpose, version);
    });
    if (purpose === "receipt") this.#context.database.purge();
    return key;
  }

  /**
   * Overwrites the private halves of hpke keys that were retired 90 days ago or more. May be called at any time, by several
   * servers.
   *
   * @returns the keys that were destroyed now.
   */
  destroyRetired(nowUnixMs: number): readonly ServerKeyRecord[] {
    const due = this.records().filter(
      ({ state, opensUntilUnixMs }) => state === "retired" && (opensUntilUnixMs ?? 0) <= nowUnixMs,
    );
    if (due.length === 0) return due;
    commit(this.#context, (database) => {
      for (const { keyId } of due) {
        database.run("UPDATE server_keys SET sealed_private = ? WHERE key_id = ?", DESTROYED, keyId);
      }
    });
    this.#context.database.purge();
    return due;
  }

  #requireRoot({ publicBytes }: RootKey): void {
    const [row] = selectRows(this.#context, "SELECT value FROM meta WHERE name = 'root_public'");
    if (equalBytes(fromHex(textColumn(row ?? {}, "value")), publicBytes)) return;
    throw new CustodyError("ERR_ROOT_KEY", "root key is another installation's");
  }
}

function requireNewest(database: RowWriter, purpose: KeyPurpose, version: number): void {
  const [row] = database.rows("SELECT MAX(version) AS v FROM server_keys WHERE purpose = ?", purpose);
  if (row?.["v"] === version) return;
  throw new CustodyError("ERR_SERVER_KEY_VERSION", `another process has changed the ${purpose} key`);
}

function destroyBelow(database: RowWriter, purpose: KeyPurpose, version: number): void {
  const sql = "UPDATE server_keys SET sealed_private = ? WHERE purpose = ? AND version < ?";
  database.run(sql, DESTROYED, purpose, version);
}

/** @param next the row of the next version, or undefined for the newest. */
function readRecord(row: Row, purpose: KeyPurpose, next: Row | undefined): ServerKeyRecord {
  const isDestroyed = integerColumn(row, "size") === 0;
  const isRetired = next !== undefined && !isDestroyed;
  return {
    keyId: KeyId.parse(textColumn(row, "key_id")),
    purpose,
    version: integerColumn(row, "version"),
    publicBytes: blobColumn(row, "public_key"),
    state: isDestroyed ? "destroyed" : isRetired ? "retired" : "current",
    notBeforeUnixMs: integerColumn(row, "not_before_ms"),
    notAfterUnixMs: integerColumn(row, "not_after_ms"),
    opensUntilUnixMs: isRetired ? integerColumn(next, "not_before_ms") + RETIRED_HPKE_MS : null,
  };
}
