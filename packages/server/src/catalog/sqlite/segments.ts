/** Segments of a stream: the chain, and where each lies. */
import type { Copy } from "../../volumes/volume.ts";
import type { CatalogMethods, RecordingChain, SegmentPlacement, SegmentRow } from "../catalog.ts";
import { chainOf, copyRow, segmentRow, streamRow, type SqlRow } from "../rows.ts";
import { findMissingRows } from "./missing.ts";
import type { SqlContext } from "./sql-context.ts";

type SegmentMethods = Pick<
  CatalogMethods,
  "findChain" | "findSegments" | "findPlacement" | "findPlacementsFrom" | "findMissing"
>;

export function segmentMethods(context: SqlContext): SegmentMethods {
  const { sql } = context;
  const copiesOf = (packageKey: number): readonly Copy[] =>
    sql("SELECT * FROM copies WHERE package = ?").all(packageKey).map(copyRow);
  const placement = (row: SqlRow): SegmentPlacement => ({
    ...segmentRow(row),
    item: Number(row["item"]),
    copies: copiesOf(Number(row["package"])),
  });
  return {
    findChain: (recording, stream, fromSequence, toSequence) => {
      const row = sql("SELECT key FROM recordings WHERE id = ?").get(recording);
      return row ? readChain(context, Number(row["key"]), stream, fromSequence, toSequence) : null;
    },
    findSegments: (recordingKey, stream, fromFrame, toFrame, limit) =>
      sql(
        "SELECT * FROM segments WHERE recording = ? AND stream = ? AND first_frame < ? AND first_frame + frame_count > ?" +
          " ORDER BY sequence LIMIT ?",
      )
        .all(recordingKey, stream, toFrame, fromFrame, limit)
        .map(placement),
    findPlacement: (recordingKey, stream, sequence) => {
      const find = sql("SELECT * FROM segments WHERE recording = ? AND stream = ? AND sequence = ?");
      const row = find.get(recordingKey, stream, sequence);
      return row ? placement(row) : null;
    },
    findPlacementsFrom: (recordingKey, stream, fromSequence, limit) =>
      sql("SELECT * FROM segments WHERE recording = ? AND stream = ? AND sequence >= ? ORDER BY sequence LIMIT ?")
        .all(recordingKey, stream, fromSequence, limit)
        .map(placement),
    findMissing: (recordingKey, stream) => findMissingRows(sql, recordingKey, stream),
  };
}

/** As the port's findChain, by the recording's key. */
export function readChain(
  { sql }: SqlContext,
  recordingKey: number,
  stream: number,
  fromSequence: number,
  toSequence: number,
): RecordingChain | null {
  const found = sql("SELECT * FROM streams WHERE recording = ? AND stream = ?");
  const row = found.get(recordingKey, stream);
  if (!row) return null;
  const rows = sql(
    "SELECT * FROM segments WHERE recording = ?1 AND stream = ?2" +
      " AND sequence >= COALESCE((SELECT MAX(sequence) FROM segments WHERE recording = ?1 AND stream = ?2 AND sequence < ?3), ?3)" +
      " AND sequence <= COALESCE((SELECT MIN(sequence) FROM segments WHERE recording = ?1 AND stream = ?2 AND sequence > ?4), ?4)",
  ).all(recordingKey, stream, fromSequence, toSequence);
  return chainOf(
    streamRow(row),
    rows.map((segment): SegmentRow => segmentRow(segment)),
  );
}
