/** Erased recordings: what stays of them, and what was done about them. */
import { PatientId, RecordingId } from "@pericard/protocol";
import type { Catalog, ErasedRow } from "../catalog.ts";
import { erasedRow, stubRow } from "../rows.ts";
import { columnsOf, unnest } from "./columns.ts";
import type { Ask, Database } from "./database.ts";

type ErasureMethods = Pick<
  Catalog,
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

export function erasureMethods({ ask, transact }: Database): ErasureMethods {
  return {
    findOver: async (tenant, limits) => {
      const rows = await ask(
        "SELECT r.id, r.patient FROM recordings r WHERE r.tenant = $1 AND NOT EXISTS" +
          ` (SELECT 1 FROM streams s LEFT JOIN ${unnest(["smallint", "bigint"], 2)} AS q (kind, before) ON q.kind = s.kind` +
          " WHERE s.recording = r.key AND (q.before IS NULL OR s.last_received_ms >= q.before))" +
          " ORDER BY r.first_received_ms, r.key LIMIT 10000",
        tenant,
        ...columnsOf(
          limits.map(({ kind, beforeUnixMs }) => [kind, beforeUnixMs]),
          2,
        ),
      );
      return rows.map((row) => ({
        recording: RecordingId.parse(String(row["id"])),
        patient: typeof row["patient"] === "string" ? PatientId.parse(row["patient"]) : null,
      }));
    },
    lastErasure: async () => {
      const [row] = await ask("SELECT COALESCE(MAX(number), 0) AS n FROM erased");
      return Number(row?.["n"]);
    },
    listErased: async (afterNumber, limit) => {
      const text = "SELECT * FROM erased WHERE number > $1 ORDER BY number LIMIT $2";
      return (await ask(text, afterNumber, limit)).map(erasedRow);
    },
    eraseRecording: (erased) => transact((inside) => eraseRecording(inside, erased)),
    storeStubs: async (recording, stubs) => {
      await ask(
        `INSERT INTO stubs SELECT $1, q.*, true FROM ${unnest(["smallint", "bigint", "bytea", "bytea", "boolean"], 2)} AS q` +
          " ON CONFLICT (recording, stream, sequence) DO NOTHING",
        recording,
        ...columnsOf(
          stubs.map(({ stream, sequence, hash, prev, final }) => [stream, sequence, hash, prev, final]),
          5,
        ),
      );
    },
    findStubs: async (recording) => {
      const text = `SELECT ${STUB_COLUMNS} FROM stubs WHERE recording = $1 ORDER BY stream, sequence`;
      return (await ask(text, recording)).map(stubRow);
    },
    findUnpackedStubs: async (limit) => {
      const rows = await ask(
        `SELECT recording, ${STUB_COLUMNS} FROM stubs WHERE NOT packed AND (recording, stream) =` +
          " (SELECT recording, stream FROM stubs WHERE NOT packed ORDER BY recording, stream, sequence LIMIT 1)" +
          " ORDER BY sequence LIMIT $1",
        limit,
      );
      const [first] = rows;
      return first ? { recording: RecordingId.parse(String(first["recording"])), stubs: rows.map(stubRow) } : null;
    },
    markStubsPacked: async (recording, stubs) => {
      await ask(
        `UPDATE stubs s SET packed = true FROM ${unnest(["smallint", "bigint"], 2)} AS q (stream, sequence)` +
          " WHERE s.recording = $1 AND s.stream = q.stream AND s.sequence = q.sequence",
        recording,
        ...columnsOf(
          stubs.map(({ stream, sequence }) => [stream, sequence]),
          2,
        ),
      );
    },
  };
}

/**
 * Which recordings were erased: nothing of them may be stored. None of the others is erased until the transaction ends.
 * What makes recordings asks before it does; what has locked a stream need not, since an erasure takes the stream away.
 */
export async function findErased(ask: Ask, recordings: readonly RecordingId[]): Promise<ReadonlySet<RecordingId>> {
  await ask("LOCK TABLE erased IN ROW SHARE MODE");
  const rows = await ask("SELECT recording FROM erased WHERE recording = ANY ($1::text[])", recordings);
  return new Set(rows.map((row) => RecordingId.parse(String(row["recording"]))));
}

/** Moves the chain to the stubs and deletes every other row. */
async function eraseRecording(ask: Ask, { recording, number, erasedAtUnixMs }: ErasedRow): Promise<void> {
  await ask("LOCK TABLE erased IN EXCLUSIVE MODE");
  await ask(
    "INSERT INTO erased (recording, number, erased_ms) VALUES ($1, $2, $3)" +
      " ON CONFLICT (recording) DO UPDATE SET number = GREATEST(erased.number, excluded.number)",
    recording,
    number,
    erasedAtUnixMs,
  );
  const [known] = await ask("SELECT key FROM recordings WHERE id = $1", recording);
  if (!known) return;
  const key = known["key"];
  // Whoever writes to a stream of it comes to an end first.
  await ask("SELECT stream FROM streams WHERE recording = $1 ORDER BY stream FOR UPDATE", key);
  await ask(
    `INSERT INTO stubs SELECT $1, ${STUB_COLUMNS}, false FROM segments WHERE recording = $2` +
      " ON CONFLICT (recording, stream, sequence) DO NOTHING",
    recording,
    key,
  );
  await ask("DELETE FROM copies c USING packages p WHERE p.recording = $1 AND c.package = p.key", key);
  for (const table of ["packages", "segments", "summaries", "streams"]) {
    await ask(`DELETE FROM ${table} WHERE recording = $1`, key);
  }
  await ask("DELETE FROM recordings WHERE key = $1", key);
}
