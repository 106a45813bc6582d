/** Erased recordings: what stays of them, and what was done about them. */
import { PatientId, RecordingId } from "@pericard/protocol";
import type { CatalogMethods } from "../catalog.ts";
import { erasedRow, stubRow } from "../rows.ts";
import type { SqlContext } from "./sql-context.ts";

type ErasureMethods = Pick<
  CatalogMethods,
  | "findOver"
  | "lastErasure"
  | "listErased"
  | "eraseRecording"
  | "storeStubs"
  | "findStubs"
  | "findUnpackedStubs"
  | "markStubsPacked"
>;

const STUB_COLUMNS = "stream, sequence, hash, prev, final";

export function erasureMethods(context: SqlContext): ErasureMethods {
  const { sql, transact } = context;
  return {
    findOver: (tenant, limits) => {
      if (limits.length === 0) return [];
      const within = limits.map(() => "(s.kind = ? AND s.last_received_ms < ?)").join(" OR ");
      const find = sql(
        "SELECT r.id, r.patient FROM recordings r WHERE r.tenant = ? AND r.first_received_ms < ? AND NOT EXISTS" +
          ` (SELECT 1 FROM streams s WHERE s.recording = r.key AND NOT (${within})) ORDER BY r.first_received_ms, r.key LIMIT 10000`,
      );
      const newest = Math.max(...limits.map(({ beforeUnixMs }) => beforeUnixMs));
      return find
        .all(tenant, newest, ...limits.flatMap(({ kind, beforeUnixMs }) => [kind, beforeUnixMs]))
        .map((row) => ({
          recording: RecordingId.parse(String(row["id"])),
          patient: typeof row["patient"] === "string" ? PatientId.parse(row["patient"]) : null,
        }));
    },
    lastErasure: () => Number(sql("SELECT COALESCE(MAX(number), 0) AS n FROM erased").get()?.["n"]),
    listErased: (afterNumber, limit) =>
      sql("SELECT * FROM erased WHERE number > ? ORDER BY number LIMIT ?").all(afterNumber, limit).map(erasedRow),
    eraseRecording: (erased) => transact(() => eraseRecording(context, erased)),
    storeStubs: (recording, stubs) =>
      transact(() => {
        for (const { stream, sequence, hash, prev, final } of stubs) {
          const insert = sql("INSERT OR IGNORE INTO stubs VALUES (?, ?, ?, ?, ?, ?, 1)");
          insert.run(recording, stream, sequence, hash, prev, final ? 1 : 0);
        }
      }),
    findStubs: (recording) =>
      sql(`SELECT ${STUB_COLUMNS} FROM stubs WHERE recording = ? ORDER BY stream, sequence`)
        .all(recording)
        .map(stubRow),
    findUnpackedStubs: (limit) => {
      const first = sql("SELECT recording, stream FROM stubs WHERE packed = 0 LIMIT 1").get();
      if (!first) return null;
      const recording = RecordingId.parse(String(first["recording"]));
      const find = sql(
        `SELECT ${STUB_COLUMNS} FROM stubs WHERE packed = 0 AND recording = ? AND stream = ? ORDER BY sequence LIMIT ?`,
      );
      return { recording, stubs: find.all(recording, Number(first["stream"]), limit).map(stubRow) };
    },
    markStubsPacked: (recording, stubs) =>
      transact(() => {
        for (const { stream, sequence } of stubs) {
          const mark = sql("UPDATE stubs SET packed = 1 WHERE recording = ? AND stream = ? AND sequence = ?");
          mark.run(recording, stream, sequence);
        }
      }),
  };
}

/** Whether a recording was erased: nothing of it may be stored. */
export function isErased({ sql }: Pick<SqlContext, "sql">, recording: RecordingId): boolean {
  return sql("SELECT number FROM erased WHERE recording = ?").get(recording) !== undefined;
}

/** Moves the chain to the stubs and deletes every other row. */
function eraseRecording({ sql }: SqlContext, { recording, number, erasedAtUnixMs }: ErasedRecordingRow): void {
  const known = sql("SELECT key FROM recordings WHERE id = ?").get(recording);
  const key = known ? Number(known["key"]) : null;
  sql(
    "INSERT INTO erased (key, recording, number, erased_ms) VALUES (?, ?, ?, ?)" +
      " ON CONFLICT (recording) DO UPDATE SET number = MAX(number, excluded.number)",
  ).run(key, recording, number, erasedAtUnixMs);
  if (key === null) return;
  sql(`INSERT OR IGNORE INTO stubs SELECT ?, ${STUB_COLUMNS}, 0 FROM segments WHERE recording = ?`).run(recording, key);
  sql("DELETE FROM copies WHERE package IN (SELECT key FROM packages WHERE recording = ?)").run(key);
  for (const table of ["packages", "segments", "summaries", "streams"]) {
    sql(`DELETE FROM ${table} WHERE recording = ?`).run(key);
  }
  sql("DELETE FROM recordings WHERE key = ?").run(key);
}

type ErasedRecordingRow = Parameters<CatalogMethods["eraseRecording"]>[0];
