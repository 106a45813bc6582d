/** Rows of the catalog's tables as values. */
import { PatientId, RecordingId, TenantId, TerminalId } from "@pericard/protocol";
import type { RecordingRow, SegmentRow } from "./catalog.ts";

export type SqlRow = Record<string, unknown>;

const numberOrNull = (value: unknown): number | null => (value === null || value === undefined ? null : Number(value));

const recordingOrNull = (value: unknown) => (typeof value === "string" ? RecordingId.parse(value) : null);

/** Where a recording begins in server time, and how that is known. Source: docs/format.md §5.3. */
function startOf(row: SqlRow): RecordingRow["start"] {
  const offsetMs = numberOrNull(row["offset_ms"]);
  const monotonicMs = numberOrNull(row["boot_monotonic_ms"]);
  if (offsetMs !== null && monotonicMs !== null) return { unixMs: offsetMs + monotonicMs, certainty: "measured" };
  const claimedMs = numberOrNull(row["claimed_ms"]);
  return claimedMs === null ? { unixMs: null, certainty: "unknown" } : { unixMs: claimedMs, certainty: "claimed" };
}

/** A row of the recordings table joined with its boot and its successor. */
export function recordingRow(row: SqlRow): RecordingRow {
  const successor = recordingOrNull(row["successor"]);
  return {
    key: Number(row["key"]),
    id: RecordingId.parse(String(row["id"])),
    tenant: TenantId.parse(String(row["tenant"])),
    terminal: TerminalId.parse(String(row["terminal"])),
    patient: typeof row["patient"] === "string" ? PatientId.parse(row["patient"]) : null,
    shape: String(row["shape"]),
    start: startOf(row),
    firstReceivedUnixMs: Number(row["first_received_ms"]),
    lastReceivedUnixMs: Number(row["last_received_ms"]),
    endFrame: Number(row["end_frame"]),
    segmentCount: Number(row["segment_count"]),
    highestSequence: Number(row["highest_sequence"]),
    finalSequence: numberOrNull(row["final_sequence"]),
    toldSequence: numberOrNull(row["told_sequence"]),
    toldOpen: row["told_open"] === 1,
    predecessor: recordingOrNull(row["predecessor"]),
    predecessorCause: typeof row["predecessor_cause"] === "string" ? row["predecessor_cause"] : null,
    successor: successor && { recording: successor, cause: String(row["successor_cause"]) },
  };
}

/** A row of the segments table. */
export function segmentRow(row: SqlRow): SegmentRow {
  return {
    sequence: Number(row["sequence"]),
    hash: row["hash"] as Uint8Array,
    prev: row["prev"] as Uint8Array | null,
    final: row["final"] === 1,
    firstFrame: Number(row["first_frame"]),
    frameCount: Number(row["frame_count"]),
  };
}
