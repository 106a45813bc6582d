/** Sealed summaries of segments, and which segments have none. */
import { RecordingId } from "@pericard/protocol";
import { UNSUMMARISED_STREAMS_MAX, type CatalogMethods, type UnsummarisedRows } from "../catalog.ts";
import { summaryRow } from "../rows.ts";
import type { SqlContext } from "./sql-context.ts";

type SummaryMethods = Pick<CatalogMethods, "storeSummaries" | "findSummaries" | "findUnsummarised">;

export function summaryMethods(context: SqlContext): SummaryMethods {
  const { sql, transact } = context;
  return {
    storeSummaries: (recordingKey, stream, rows) =>
      transact(() => {
        const write = sql("INSERT OR REPLACE INTO summaries VALUES (?, ?, ?, ?, ?)");
        for (const { sequence, suspect, sealed } of rows) {
          write.run(recordingKey, stream, sequence, suspect ? 1 : 0, sealed);
        }
      }),
    findSummaries: (recordingKey, stream, fromSequence, toSequence) =>
      sql("SELECT * FROM summaries WHERE recording = ? AND stream = ? AND sequence BETWEEN ? AND ? ORDER BY sequence")
        .all(recordingKey, stream, fromSequence, toSequence)
        .map(summaryRow),
    findUnsummarised: (limit) => transact(() => findUnsummarised(context, limit)),
  };
}

/** Looks through streams that are marked. Those that have all their summaries lose the mark. */
function findUnsummarised({ sql }: SqlContext, limit: number): UnsummarisedRows {
  const marked = sql(
    "SELECT s.recording, s.stream, r.id FROM streams s JOIN recordings r ON r.key = s.recording" +
      " WHERE s.unsummarised = 1 ORDER BY s.recording, s.stream LIMIT ?",
  ).all(UNSUMMARISED_STREAMS_MAX);
  const segments: UnsummarisedRows["segments"][number][] = [];
  for (const row of marked) {
    const [key, stream] = [Number(row["recording"]), Number(row["stream"])];
    const recording = RecordingId.parse(String(row["id"]));
    const found = sql(
      "SELECT s.sequence FROM segments s WHERE s.recording = ? AND s.stream = ? AND NOT EXISTS (SELECT 1 FROM summaries u" +
        " WHERE u.recording = s.recording AND u.stream = s.stream AND u.sequence = s.sequence) ORDER BY s.sequence LIMIT ?",
    ).all(key, stream, limit - segments.length);
    if (found.length === 0) {
      sql("UPDATE streams SET unsummarised = 0 WHERE recording = ? AND stream = ?").run(key, stream);
    }
    segments.push(...found.map(({ sequence }) => ({ recording, stream, sequence: Number(sequence) })));
    if (segments.length >= limit) return { segments, more: true };
  }
  return { segments, more: marked.length === UNSUMMARISED_STREAMS_MAX };
}
