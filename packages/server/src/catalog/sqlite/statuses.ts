/** What terminals said of themselves. */
import { TerminalId } from "@pericard/protocol";
import type { CatalogMethods, StatusRow } from "../catalog.ts";
import type { SqlContext } from "./sql-context.ts";

type StatusMethods = Pick<CatalogMethods, "storeStatus" | "findBootOffset" | "listStatus">;

export function statusMethods(context: SqlContext): StatusMethods {
  const { sql, transact } = context;
  return {
    storeStatus: (status) => transact(() => storeStatus(context, status)),
    findBootOffset: (terminal, bootId) => {
      const row = sql("SELECT offset_ms FROM boots WHERE terminal = ? AND boot_id = ?").get(terminal, bootId);
      return row ? Number(row["offset_ms"]) : null;
    },
    listStatus: (after, limit) =>
      sql("SELECT * FROM terminal_status WHERE terminal > ? ORDER BY terminal LIMIT ?")
        .all(after ?? "", limit)
        .map((row) => ({
          terminal: TerminalId.parse(String(row["terminal"])),
          receivedAtUnixMs: Number(row["received_ms"]),
          statusJson: String(row["status"]),
        })),
  };
}

function storeStatus({ sql }: SqlContext, status: StatusRow): ReturnType<CatalogMethods["storeStatus"]> {
  const known = sql("SELECT contact, status FROM terminal_status WHERE terminal = ?").get(status.terminal);
  const beforeJson = known ? String(known["status"]) : null;
  if (known && Number(known["contact"]) >= status.contact) return { kept: false, beforeJson };
  sql(
    "INSERT INTO terminal_status VALUES (?, ?, ?, ?) ON CONFLICT (terminal) DO UPDATE SET" +
      " contact = excluded.contact, received_ms = excluded.received_ms, status = excluded.status",
  ).run(status.terminal, status.contact, status.receivedAtUnixMs, status.statusJson);
  sql(
    "INSERT INTO boots VALUES (?, ?, ?) ON CONFLICT (terminal, boot_id) DO UPDATE SET" +
      " offset_ms = MIN(offset_ms, excluded.offset_ms)",
  ).run(status.terminal, status.bootId, status.bootOffsetMs);
  for (const head of status.heads) {
    sql(
      "UPDATE streams SET told_sequence = MAX(COALESCE(told_sequence, -1), ?), told_open = ?" +
        " WHERE recording = (SELECT key FROM recordings WHERE id = ? AND terminal = ?) AND stream = ?",
    ).run(head.sequence, head.open ? 1 : 0, head.recording, status.terminal, head.stream);
  }
  return { kept: true, beforeJson };
}
