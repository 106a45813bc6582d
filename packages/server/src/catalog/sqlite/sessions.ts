/** Sessions of signed-in accounts. */
import type { CatalogMethods } from "../catalog.ts";
import type { SqlContext } from "./sql-context.ts";

type SessionMethods = Pick<CatalogMethods, "storeSession" | "findSession" | "removeSession">;

export function sessionMethods({ sql, transact }: SqlContext): SessionMethods {
  return {
    storeSession: (tokenHash, account, expiresAtUnixMs, nowUnixMs) =>
      transact(() => {
        sql("DELETE FROM sessions WHERE expires_ms <= ?").run(nowUnixMs);
        sql("INSERT INTO sessions VALUES (?, ?, ?)").run(tokenHash, account, expiresAtUnixMs);
      }),
    findSession: (tokenHash, nowUnixMs) => {
      const row = sql("SELECT * FROM sessions WHERE token_hash = ? AND expires_ms > ?").get(tokenHash, nowUnixMs);
      return row ? { account: String(row["account"]), expiresAtUnixMs: Number(row["expires_ms"]) } : null;
    },
    removeSession: (tokenHash) => void sql("DELETE FROM sessions WHERE token_hash = ?").run(tokenHash),
  };
}
