/** Sealed summaries of segments, and which segments have none. */
import { RecordingId } from "@pericard/protocol";
import type { CatalogMethods } from "../catalog.ts";
import { summaryRow } from "../rows.ts";
import type { SqlContext } from "./sql-context.ts";

type SummaryMethods = Pick<CatalogMethods, "storeSummaries" | "findSummaries" | "findUnsummarised">;

export function summaryMethods({ sql, transact }: SqlContext): SummaryMethods {
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
    findUnsummarised: (limit) =>
      sql(
        "SELECT r.id, s.stream, s.sequence FROM segments s JOIN recordings r ON r.key = s.recording" +
          " LEFT JOIN summaries u ON u.recording = s.recording AND u.stream = s.stream AND u.sequence = s.sequence" +
          " WHERE u.sequence IS NULL LIMIT ?",
      )
        .all(limit)
        .map((row) => ({
          recording: RecordingId.parse(String(row["id"])),
          stream: Number(row["stream"]),
          sequence: Number(row["sequence"]),
        })),
  };
}
