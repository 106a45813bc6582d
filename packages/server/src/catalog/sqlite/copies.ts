/** Where the copies of stored items lie, for those who look after them. */
import { RecordingId } from "@pericard/protocol";
import type { Copy, StoredKind } from "../../volumes/volume.ts";
import type { CatalogMethods, CopiedItem } from "../catalog.ts";
import { copyRow, type SqlRow } from "../rows.ts";
import type { SqlContext } from "./sql-context.ts";

type CopyMethods = Pick<
  CatalogMethods,
  "keepStatement" | "walkCopies" | "findCopied" | "findItemHashes" | "replaceCopy" | "countCopies"
>;

const ITEM = "SELECT p.key, p.kind, p.hash, r.id FROM packages p LEFT JOIN recordings r ON r.key = p.recording";

export function copyMethods(context: SqlContext): CopyMethods {
  const { sql, transact } = context;
  return {
    keepStatement: (statement) => transact(() => keepStatement(context, statement)),
    walkCopies: (afterKey, limit) =>
      sql(`${ITEM} WHERE p.key > ? ORDER BY p.key LIMIT ?`)
        .all(afterKey, limit)
        .map((row) => copiedItem(context, row)),
    findCopied: (key) => {
      const row = sql(`${ITEM} WHERE p.key = ?`).get(key);
      return row ? copiedItem(context, row) : null;
    },
    findItemHashes: (key, recording, stream, fromSequence, toSequence) =>
      sql(
        "SELECT sequence, hash FROM segments WHERE recording = (SELECT key FROM recordings WHERE id = ?)" +
          " AND stream = ? AND sequence BETWEEN ? AND ? AND package = ?",
      )
        .all(recording, stream, fromSequence, toSequence, key)
        .map((row) => ({ sequence: Number(row["sequence"]), hash: row["hash"] as Uint8Array })),
    replaceCopy: (key, before, after) => transact(() => replaceCopy(context, key, before, after)),
    countCopies: () =>
      sql("SELECT volume, COUNT(*) AS n FROM copies GROUP BY volume")
        .all()
        .map((row) => ({ volumeId: String(row["volume"]), copies: Number(row["n"]) })),
  };
}

function keepStatement(
  { sql }: SqlContext,
  { kind, hash, copies }: Parameters<CatalogMethods["keepStatement"]>[0],
): void {
  sql("INSERT OR IGNORE INTO packages (recording, kind, hash) VALUES (0, ?, ?)").run(kind, hash);
  const key = Number(sql("SELECT key FROM packages WHERE hash = ?").get(hash)?.["key"]);
  for (const copy of copies) insertCopy({ sql }, key, copy);
}

function insertCopy({ sql }: Pick<SqlContext, "sql">, key: number, copy: Copy): void {
  const { volumeId, fileNumber, offsetBytes, sizeBytes } = copy;
  sql("INSERT OR IGNORE INTO copies VALUES (?, ?, ?, ?, ?)").run(volumeId, fileNumber, offsetBytes, sizeBytes, key);
}

function copiedItem({ sql }: SqlContext, row: SqlRow): CopiedItem {
  const key = Number(row["key"]);
  return {
    key,
    kind: Number(row["kind"]) as StoredKind,
    hash: row["hash"] as Uint8Array | null,
    recording: row["id"] === null ? null : RecordingId.parse(String(row["id"])),
    copies: sql("SELECT * FROM copies WHERE package = ? ORDER BY volume").all(key).map(copyRow),
  };
}

/** The row of a place goes only while it is that place's: another may have moved the copy meanwhile. */
function replaceCopy({ sql }: SqlContext, key: number, before: Copy | null, after: Copy | null): boolean {
  if (!sql("SELECT key FROM packages WHERE key = ?").get(key)) return false;
  if (after && after.volumeId !== before?.volumeId) {
    if (sql("SELECT package FROM copies WHERE package = ? AND volume = ?").get(key, after.volumeId)) return false;
  }
  if (before) {
    const { volumeId, fileNumber, offsetBytes } = before;
    const forget = sql('DELETE FROM copies WHERE package = ? AND volume = ? AND file = ? AND "offset" = ?');
    if (forget.run(key, volumeId, fileNumber, offsetBytes).changes === 0) return false;
  }
  if (after) insertCopy({ sql }, key, after);
  return true;
}
