/** Gaps, what terminals say, the audit trail, sessions, the server's own notes. */
import { TerminalId } from "@pericard/protocol";
import { auditHash, NO_AUDIT_HASH } from "../audit-chain.ts";
import type { AuditEntry, Catalog, StatusRow } from "../catalog.ts";
import { auditRow } from "../rows.ts";
import { columnsOf, unnest } from "./columns.ts";
import type { Ask, Database } from "./database.ts";

export function gapMethods({ ask }: Database): Pick<Catalog, "storeGap" | "findGapHash"> {
  return {
    storeGap: async ({ recording, stream, sequence, cause, hash }) => {
      const text =
        "INSERT INTO gaps VALUES ($1, $2, $3, $4, $5) ON CONFLICT (recording, stream, sequence)" +
        " DO UPDATE SET cause = excluded.cause, hash = excluded.hash";
      await ask(text, recording, stream, sequence, cause, hash);
    },
    findGapHash: async (recording, stream, sequence) => {
      const text = "SELECT hash FROM gaps WHERE recording = $1 AND stream = $2 AND sequence = $3";
      const [row] = await ask(text, recording, stream, sequence);
      return (row?.["hash"] as Uint8Array | undefined) ?? null;
    },
  };
}

export function statusMethods({
  ask,
  transact,
}: Database): Pick<Catalog, "storeStatus" | "findBootOffset" | "listStatus"> {
  return {
    storeStatus: (status) => transact((inside) => storeStatus(inside, status)),
    findBootOffset: async (terminal, bootId) => {
      const [row] = await ask("SELECT offset_ms FROM boots WHERE terminal = $1 AND boot_id = $2", terminal, bootId);
      return row ? Number(row["offset_ms"]) : null;
    },
    listStatus: async (after, limit) => {
      const text = "SELECT * FROM terminal_status WHERE terminal > $1 ORDER BY terminal LIMIT $2";
      return (await ask(text, after ?? "", limit)).map((row) => ({
        terminal: TerminalId.parse(String(row["terminal"])),
        receivedAtUnixMs: Number(row["received_ms"]),
        statusJson: String(row["status"]),
      }));
    },
  };
}

async function storeStatus(ask: Ask, status: StatusRow): ReturnType<Catalog["storeStatus"]> {
  const { terminal, contact, receivedAtUnixMs, statusJson, heads } = status;
  // The row is made first, so that of two first statuses one waits for the other.
  const values = [terminal, contact, receivedAtUnixMs, statusJson];
  const made = await ask(
    "INSERT INTO terminal_status VALUES ($1, $2, $3, $4) ON CONFLICT (terminal) DO NOTHING RETURNING terminal",
    ...values,
  );
  const [known] =
    made.length > 0
      ? []
      : await ask("SELECT contact, status FROM terminal_status WHERE terminal = $1 FOR UPDATE", terminal);
  const beforeJson = known ? String(known["status"]) : null;
  if (known && Number(known["contact"]) >= contact) return { kept: false, beforeJson };
  if (known) {
    await ask("UPDATE terminal_status SET contact = $2, received_ms = $3, status = $4 WHERE terminal = $1", ...values);
  }
  await ask(
    "INSERT INTO boots VALUES ($1, $2, $3) ON CONFLICT (terminal, boot_id)" +
      " DO UPDATE SET offset_ms = LEAST(boots.offset_ms, excluded.offset_ms)",
    terminal,
    status.bootId,
    status.bootOffsetMs,
  );
  if (heads.length === 0) return { kept: true, beforeJson };
  // The last head of a stream counts; streams are locked in the order that everybody keeps.
  const last = new Map(heads.map((head) => [`${head.recording}/${head.stream}`, head]));
  await ask(
    "WITH told AS (SELECT s.recording, s.stream, q.sequence, q.open" +
      ` FROM ${unnest(["text", "smallint", "bigint", "boolean"], 2)} AS q (id, stream, sequence, open)` +
      " JOIN recordings r ON r.id = q.id AND r.terminal = $1 JOIN streams s ON s.recording = r.key AND s.stream = q.stream" +
      " ORDER BY s.recording, s.stream FOR NO KEY UPDATE OF s)" +
      " UPDATE streams s SET told_sequence = GREATEST(COALESCE(s.told_sequence, -1), t.sequence), told_open = t.open" +
      " FROM told t WHERE s.recording = t.recording AND s.stream = t.stream",
    terminal,
    ...columnsOf(
      [...last.values()].map(({ recording, stream, sequence, open }) => [recording, stream, sequence, open]),
      4,
    ),
  );
  return { kept: true, beforeJson };
}

export function auditMethods({ ask, transact }: Database): Pick<Catalog, "appendAudit" | "countAudit" | "listAudit"> {
  return {
    appendAudit: async (entries) => (entries.length === 0 ? [] : transact((inside) => appendAudit(inside, entries))),
    countAudit: async () => {
      const [row] = await ask("SELECT COALESCE(MAX(number), 0) AS n FROM audit");
      return Number(row?.["n"]);
    },
    listAudit: async (afterNumber, limit) => {
      const text = "SELECT * FROM audit WHERE number > $1 ORDER BY number LIMIT $2";
      return (await ask(text, afterNumber, limit)).map(auditRow);
    },
  };
}

/** The trail is one chain: whoever appends holds its end. */
async function appendAudit(ask: Ask, entries: readonly AuditEntry[]): Promise<readonly number[]> {
  await ask("LOCK TABLE audit IN SHARE ROW EXCLUSIVE MODE");
  const [last] = await ask("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1");
  let hash = (last?.["hash"] as Uint8Array | undefined) ?? NO_AUDIT_HASH;
  const begin = Number(last?.["number"] ?? 0) + 1;
  const rows = entries.map((entry, i) => {
    hash = auditHash(hash, begin + i, entry);
    return [begin + i, entry.atUnixMs, entry.actor, entry.action, entry.subject, entry.outcome, hash];
  });
  const types = ["bigint", "bigint", "text", "text", "text", "text", "bytea"];
  await ask(`INSERT INTO audit SELECT * FROM ${unnest(types)}`, ...columnsOf(rows, types.length));
  return entries.map((_, i) => begin + i);
}

export function sessionMethods({
  ask,
  transact,
}: Database): Pick<Catalog, "storeSession" | "findSession" | "removeSession"> {
  return {
    storeSession: (tokenHash, account, expiresAtUnixMs, nowUnixMs) =>
      transact(async (inside) => {
        await inside("DELETE FROM sessions WHERE expires_ms <= $1", nowUnixMs);
        await inside("INSERT INTO sessions VALUES ($1, $2, $3)", tokenHash, account, expiresAtUnixMs);
      }),
    findSession: async (tokenHash, nowUnixMs) => {
      const text = "SELECT * FROM sessions WHERE token_hash = $1 AND expires_ms > $2";
      const [row] = await ask(text, tokenHash, nowUnixMs);
      return row ? { account: String(row["account"]), expiresAtUnixMs: Number(row["expires_ms"]) } : null;
    },
    removeSession: async (tokenHash) => {
      await ask("DELETE FROM sessions WHERE token_hash = $1", tokenHash);
    },
  };
}

export function fetchMethods({ ask }: Database): Pick<Catalog, "takeFetchContact"> {
  return {
    takeFetchContact: async (terminal, contact) => {
      const rows = await ask(
        "INSERT INTO fetch_contacts VALUES ($1, $2) ON CONFLICT (terminal) DO UPDATE SET contact = excluded.contact" +
          " WHERE excluded.contact > fetch_contacts.contact RETURNING terminal",
        terminal,
        contact,
      );
      return rows.length === 1;
    },
  };
}

export function noteMethods({ ask }: Database): Pick<Catalog, "storeNote" | "listNotes"> {
  return {
    storeNote: async (name, json) => {
      if (json === null) await ask("DELETE FROM notes WHERE name = $1", name);
      else
        await ask(
          "INSERT INTO notes VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET json = excluded.json",
          name,
          json,
        );
    },
    listNotes: async () => {
      const rows = await ask("SELECT name, json FROM notes ORDER BY name");
      return rows.map((row) => ({ name: String(row["name"]), json: String(row["json"]) }));
    },
  };
}
