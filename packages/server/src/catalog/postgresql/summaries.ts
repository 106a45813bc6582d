/** Sealed summaries of segments, and which segments have none. */
import { RecordingId } from "@pericard/protocol";
import { UNSUMMARISED_STREAMS_MAX, type Catalog, type UnsummarisedRows } from "../catalog.ts";
import { summaryRow } from "../rows.ts";
import { columnsOf, unnest } from "./columns.ts";
import type { Ask, Database } from "./database.ts";

type SummaryMethods = Pick<Catalog, "storeSummaries" | "findSummaries" | "findUnsummarised">;

export function summaryMethods({ ask, transact }: Database): SummaryMethods {
  return {
    storeSummaries: async (recordingKey, stream, rows) => {
      const values = rows.map(({ sequence, suspect, sealed }) => [sequence, suspect, sealed]);
      await ask(
        `INSERT INTO summaries SELECT $1, $2, q.* FROM ${unnest(["bigint", "boolean", "bytea"], 3)} AS q (sequence)` +
          " ORDER BY q.sequence ON CONFLICT (recording, stream, sequence)" +
          " DO UPDATE SET suspect = excluded.suspect, sealed = excluded.sealed",
        recordingKey,
        stream,
        ...columnsOf(values, 3),
      );
    },
    findSummaries: async (recordingKey, stream, fromSequence, toSequence) => {
      const rows = await ask(
        "SELECT * FROM summaries WHERE recording = $1 AND stream = $2 AND sequence BETWEEN $3 AND $4 ORDER BY sequence",
        recordingKey,
        stream,
        fromSequence,
        toSequence,
      );
      return rows.map(summaryRow);
    },
    findUnsummarised: (limit) => transact((inside) => findUnsummarised(inside, limit)),
  };
}

/**
 * Looks through streams that are marked, but not those that somebody writes to now. Those that have all their summaries
 * lose the mark.
 */
async function findUnsummarised(ask: Ask, limit: number): Promise<UnsummarisedRows> {
  const marked = await ask(
    "SELECT s.recording, s.stream, r.id FROM streams s JOIN recordings r ON r.key = s.recording WHERE s.unsummarised" +
      " ORDER BY s.recording, s.stream LIMIT $1 FOR NO KEY UPDATE OF s SKIP LOCKED",
    UNSUMMARISED_STREAMS_MAX,
  );
  const rows = await ask(
    `SELECT m.recording, m.stream, u.sequence FROM ${unnest(["bigint", "smallint"], 2)} AS m (recording, stream)` +
      " CROSS JOIN LATERAL (SELECT g.sequence FROM segments g WHERE g.recording = m.recording AND g.stream = m.stream" +
      " AND NOT EXISTS (SELECT 1 FROM summaries u WHERE u.recording = g.recording AND u.stream = g.stream" +
      " AND u.sequence = g.sequence) ORDER BY g.sequence LIMIT $1) u",
    limit,
    ...columnsOf(
      marked.map((row) => [row["recording"], row["stream"]]),
      2,
    ),
  );
  const nameOf = (row: (typeof rows)[number]): string => `${String(row["recording"])}/${String(row["stream"])}`;
  const ids = new Map(marked.map((row) => [nameOf(row), RecordingId.parse(String(row["id"]))]));
  const behind = new Set(rows.map(nameOf));
  const done = marked.filter((row) => !behind.has(nameOf(row)));
  if (done.length > 0) {
    await ask(
      `UPDATE streams s SET unsummarised = false FROM ${unnest(["bigint", "smallint"])} AS q (recording, stream)` +
        " WHERE s.recording = q.recording AND s.stream = q.stream",
      ...columnsOf(
        done.map((row) => [row["recording"], row["stream"]]),
        2,
      ),
    );
  }
  const segments = rows.slice(0, limit).flatMap((row) => {
    const recording = ids.get(nameOf(row));
    return recording ? [{ recording, stream: Number(row["stream"]), sequence: Number(row["sequence"]) }] : [];
  });
  return { segments, more: rows.length >= limit || marked.length === UNSUMMARISED_STREAMS_MAX };
}
