/** Stretches of a stream that have no segment. */
import type { StatementSync } from "node:sqlite";
import type { CatalogMethods } from "../catalog.ts";

/**
 * Finds the holes between stored segments. A hole is "unreadable" or "quarantined" when the terminal signed that of
 * each of its places, and "pending" while some of its segments may still come.
 */
export function findMissingRows(
  sql: (text: string) => StatementSync,
  recordingKey: number,
  stream: number,
): ReturnType<CatalogMethods["findMissing"]> {
  const holes = sql(
    "SELECT * FROM (SELECT sequence, first_frame, LAG(sequence, 1, -1) OVER w AS before," +
      " LAG(first_frame + frame_count, 1, 0) OVER w AS before_end FROM segments" +
      " WHERE recording = ? AND stream = ? WINDOW w AS (ORDER BY sequence))" +
      " WHERE sequence <> before + 1 OR first_frame <> before_end",
  ).all(recordingKey, stream);
  return holes.map((hole) => {
    const [from, to] = [Number(hole["before"]) + 1, Number(hole["sequence"])];
    return {
      fromFrame: Number(hole["before_end"]),
      toFrame: Number(hole["first_frame"]),
      ...(from === to ? { cause: "gap", sequenceCount: 0 } : explain(sql, recordingKey, stream, from, to)),
    };
  });
}

/** A hole is explained when the terminal gave every one of its places up; otherwise the rest may still come. */
function explain(sql: (text: string) => StatementSync, recordingKey: number, stream: number, from: number, to: number) {
  const row = sql(
    "SELECT COUNT(*) AS n, MIN(g.cause) AS cause FROM gaps g JOIN recordings r ON r.id = g.recording" +
      " WHERE r.key = ? AND g.stream = ? AND g.sequence >= ? AND g.sequence < ?",
  ).get(recordingKey, stream, from, to);
  const pending = to - from - Number(row?.["n"]);
  return pending > 0
    ? { cause: "pending", sequenceCount: pending }
    : { cause: String(row?.["cause"]), sequenceCount: to - from };
}
