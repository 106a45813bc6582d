/** Where the copies of stored items lie, for those who look after them. */
import { RecordingId } from "@pericard/protocol";
import type { Copy, StoredKind } from "../../volumes/volume.ts";
import type { Catalog, CopiedItem, StoredStatement } from "../catalog.ts";
import { copyRow, type SqlRow } from "../rows.ts";
import { insertCopies } from "./package-rows.ts";
import type { Ask, Database } from "./database.ts";

type CopyMethods = Pick<
  Catalog,
  "keepStatement" | "walkCopies" | "findCopied" | "findItemHashes" | "replaceCopy" | "countCopies"
>;

/** An item with its copies as JSON. */
const ITEM =
  "SELECT p.key, p.kind, p.hash, r.id, (SELECT json_agg(c ORDER BY c.volume) FROM copies c WHERE c.package = p.key) AS copies" +
  " FROM packages p LEFT JOIN recordings r ON r.key = p.recording";

function copiedItem(row: SqlRow): CopiedItem {
  const copies = (row["copies"] ?? []) as readonly SqlRow[];
  return {
    key: Number(row["key"]),
    kind: Number(row["kind"]) as StoredKind,
    hash: row["hash"] as Uint8Array | null,
    recording: row["id"] === null ? null : RecordingId.parse(String(row["id"])),
    copies: copies.map(copyRow),
  };
}

export function copyMethods({ ask, transact }: Database): CopyMethods {
  return {
    keepStatement: (statement) => transact((inside) => keepStatement(inside, statement)),
    walkCopies: async (afterKey, limit) => {
      return (await ask(`${ITEM} WHERE p.key > $1 ORDER BY p.key LIMIT $2`, afterKey, limit)).map(copiedItem);
    },
    findCopied: async (key) => {
      const [row] = await ask(`${ITEM} WHERE p.key = $1`, key);
      return row ? copiedItem(row) : null;
    },
    findItemHashes: async (key, recording, stream, fromSequence, toSequence) => {
      const rows = await ask(
        "SELECT sequence, hash FROM segments WHERE recording = (SELECT key FROM recordings WHERE id = $1)" +
          " AND stream = $2 AND sequence BETWEEN $3 AND $4 AND package = $5 ORDER BY sequence",
        recording,
        stream,
        fromSequence,
        toSequence,
        key,
      );
      return rows.map((row) => ({ sequence: Number(row["sequence"]), hash: row["hash"] as Uint8Array }));
    },
    replaceCopy: (key, before, after) => transact((inside) => replaceCopy(inside, key, before, after)),
    countCopies: async () => {
      const rows = await ask("SELECT volume, COUNT(*) AS n FROM copies GROUP BY volume");
      return rows.map((row) => ({ volumeId: String(row["volume"]), copies: Number(row["n"]) }));
    },
  };
}

async function keepStatement(ask: Ask, { kind, hash, copies }: StoredStatement): Promise<void> {
  await ask(
    "INSERT INTO packages (recording, kind, hash) VALUES (0, $1, $2) ON CONFLICT (hash) WHERE hash IS NOT NULL DO NOTHING",
    kind,
    hash,
  );
  const [row] = await ask("SELECT key FROM packages WHERE hash = $1", hash);
  await insertCopies(ask, [{ packageKey: Number(row?.["key"]), copies }]);
}

/** The row of a place goes only while it is that place's: another may have moved the copy meanwhile. */
async function replaceCopy(ask: Ask, key: number, before: Copy | null, after: Copy | null): Promise<boolean> {
  // Whoever else changes this item's copies comes to an end first, and an erasure too.
  const [item] = await ask("SELECT key FROM packages WHERE key = $1 FOR UPDATE", key);
  if (!item) return false;
  const copies = (await ask("SELECT * FROM copies WHERE package = $1", key)).map(copyRow);
  const on = (volumeId: string): Copy | undefined => copies.find((copy) => copy.volumeId === volumeId);
  if (after && after.volumeId !== before?.volumeId && on(after.volumeId)) return false;
  if (before) {
    const there = on(before.volumeId);
    if (there?.fileNumber !== before.fileNumber || there.offsetBytes !== before.offsetBytes) return false;
    await ask("DELETE FROM copies WHERE package = $1 AND volume = $2", key, before.volumeId);
  }
  if (after) await insertCopies(ask, [{ packageKey: key, copies: [after] }]);
  return true;
}
