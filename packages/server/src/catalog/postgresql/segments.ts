/** Segments of a stream: the chain, where each lies, and what is missing. */
import type { Catalog, SegmentPlacement } from "../catalog.ts";
import { chainOf, copyRow, segmentRow, streamRow, type SqlRow } from "../rows.ts";
import type { Database } from "./database.ts";
import { findAround } from "./streams.ts";

type SegmentMethods = Pick<
  Catalog,
  "findChain" | "findSegments" | "findPlacement" | "findPlacementsFrom" | "findMissing"
>;

/** A segment with its package's copies as JSON. */
const PLACEMENT =
  "SELECT s.*, (SELECT json_agg(c ORDER BY c.volume) FROM copies c WHERE c.package = s.package) AS copies FROM segments s" +
  " WHERE s.recording = $1 AND s.stream = $2";

function placement(row: SqlRow): SegmentPlacement {
  const copies = (row["copies"] ?? []) as readonly SqlRow[];
  return { ...segmentRow(row), item: Number(row["item"]), copies: copies.map(copyRow) };
}

/** Holes between stored segments, and how many of each one's places the terminal gave up. */
const HOLES =
  "WITH hole AS (SELECT * FROM (SELECT sequence, first_frame, LAG(sequence, 1, -1::bigint) OVER w AS before," +
  " LAG(first_frame + frame_count, 1, 0::bigint) OVER w AS before_end FROM segments" +
  " WHERE recording = $1 AND stream = $2 WINDOW w AS (ORDER BY sequence)) s" +
  " WHERE sequence <> before + 1 OR first_frame <> before_end)" +
  " SELECT h.*, g.n, g.cause FROM hole h CROSS JOIN LATERAL (SELECT COUNT(*) AS n, MIN(g.cause) AS cause FROM gaps g" +
  " WHERE g.recording = (SELECT id FROM recordings WHERE key = $1) AND g.stream = $2" +
  " AND g.sequence > h.before AND g.sequence < h.sequence) g ORDER BY h.sequence";

/** As ../sqlite/missing.ts. */
function missingRow(row: SqlRow) {
  const [count, given] = [Number(row["sequence"]) - Number(row["before"]) - 1, Number(row["n"])];
  const place = { fromFrame: Number(row["before_end"]), toFrame: Number(row["first_frame"]) };
  if (count === 0) return { ...place, cause: "gap", sequenceCount: 0 };
  if (count > given) return { ...place, cause: "pending", sequenceCount: count - given };
  return { ...place, cause: String(row["cause"]), sequenceCount: count };
}

export function segmentMethods({ ask }: Database): SegmentMethods {
  return {
    findChain: async (recording, stream, fromSequence, toSequence) => {
      const [row] = await ask(
        "SELECT s.* FROM streams s JOIN recordings r ON r.key = s.recording WHERE r.id = $1 AND s.stream = $2",
        recording,
        stream,
      );
      if (!row) return null;
      const recordingKey = Number(row["recording"]);
      const rows = await findAround(ask, [{ recordingKey, stream, fromSequence, toSequence }]);
      return chainOf(
        streamRow(row),
        rows.map((segment) => segmentRow(segment)),
      );
    },
    findSegments: async (recordingKey, stream, fromFrame, toFrame, limit) => {
      const text = `${PLACEMENT} AND s.first_frame < $3 AND s.first_frame + s.frame_count > $4 ORDER BY s.sequence LIMIT $5`;
      return (await ask(text, recordingKey, stream, toFrame, fromFrame, limit)).map(placement);
    },
    findPlacement: async (recordingKey, stream, sequence) => {
      const [row] = await ask(`${PLACEMENT} AND s.sequence = $3`, recordingKey, stream, sequence);
      return row ? placement(row) : null;
    },
    findPlacementsFrom: async (recordingKey, stream, fromSequence, limit) => {
      const text = `${PLACEMENT} AND s.sequence >= $3 ORDER BY s.sequence LIMIT $4`;
      return (await ask(text, recordingKey, stream, fromSequence, limit)).map(placement);
    },
    findMissing: async (recordingKey, stream) => (await ask(HOLES, recordingKey, stream)).map(missingRow),
  };
}
