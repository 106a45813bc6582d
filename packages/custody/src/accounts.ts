/** Who may sign in, and the one-time links that let them. */
import { equalSecrets, sha256 } from "@pericard/crypto";
import { TenantId, utf8 } from "@pericard/protocol";
import type { Account } from "./entities.ts";
import { CustodyError } from "./errors.ts";
import { blobColumn, integerColumn, textColumn, type Row } from "./rows.ts";
import { firstRow, type RowReader } from "./key-database.ts";
import { commit, selectRows, type StoreContext } from "./store-context.ts";

export function addAccount(context: StoreContext, tenant: TenantId, name: string, role: Account["role"]): Account {
  const id = Buffer.from(context.random(16)).toString("hex");
  commit(context, (database) => {
    database.run("INSERT INTO accounts VALUES (?, ?, ?, ?)", id, tenant, name, role);
  });
  return { id, tenant, name, role };
}

export function accounts(context: StoreContext): readonly Account[] {
  return selectRows(context, "SELECT * FROM accounts ORDER BY name, id").map(readAccount);
}

export function findAccount(context: StoreContext, id: string): Account | undefined {
  const [row] = selectRows(context, "SELECT * FROM accounts WHERE id = ?", id);
  return row && readAccount(row);
}

export function createSignInLink(context: StoreContext, accountId: string, expiresAtUnixMs: number): string {
  if (!findAccount(context, accountId)) throw new CustodyError("ERR_ACCOUNT_UNKNOWN", "account does not exist");
  const token = Buffer.from(context.random(32)).toString("base64url");
  const hash = sha256(utf8(token));
  commit(context, (database) => {
    database.run("INSERT INTO sign_in_links VALUES (?, ?, ?, NULL)", hash, accountId, expiresAtUnixMs);
  });
  return token;
}

export function redeemSignInLink(context: StoreContext, token: string, nowUnixMs: number): Account {
  const hash = sha256(utf8(token));
  // Anybody may send a token: only a good one is worth a write.
  const account = findValidLink(context.database, hash, nowUnixMs) && useLink(context, hash, nowUnixMs);
  const found = account === undefined ? undefined : findAccount(context, account);
  if (!found) throw new CustodyError("ERR_SIGN_IN_LINK", "sign-in link is not valid any more");
  return found;
}

function useLink(context: StoreContext, hash: Uint8Array, nowUnixMs: number): string | undefined {
  return commit(context, (database) => {
    const account = findValidLink(database, hash, nowUnixMs);
    database.run(
      "UPDATE sign_in_links SET used_at_ms = ? WHERE token_hash = ? AND used_at_ms IS NULL",
      nowUnixMs,
      hash,
    );
    return account;
  });
}

/** The account of a sign-in link that may be used. */
function findValidLink(database: RowReader, hash: Uint8Array, nowUnixMs: number): string | undefined {
  const row = firstRow(database, "SELECT * FROM sign_in_links WHERE token_hash = ?", hash);
  if (!row || !equalSecrets(blobColumn(row, "token_hash"), hash)) return undefined;
  if (row["used_at_ms"] !== null || integerColumn(row, "expires_at_ms") <= nowUnixMs) return undefined;
  return textColumn(row, "account");
}

function readAccount(row: Row): Account {
  if (textColumn(row, "role") !== "clinician") {
    throw new CustodyError("ERR_KEYSTORE_DAMAGED", "account has an unknown role");
  }
  const tenant = TenantId.parse(textColumn(row, "tenant"));
  return { id: textColumn(row, "id"), tenant, name: textColumn(row, "name"), role: "clinician" };
}
