/** Rows of the catalog's tables as values. */
import { msBeforeFirstFrame, PatientId, RecordingId, TenantId, TerminalId } from "@pericard/protocol";
import type { Copy } from "../volumes/volume.ts";
import type {
  AuditRow,
  ErasedRow,
  PatientSummaryRow,
  RecordingChain,
  RecordingFacts,
  RecordingRow,
  SegmentRow,
  Start,
  StreamRow,
  StubRow,
  SummaryRow,
} from "./catalog.ts";

export type SqlRow = Record<string, unknown>;

const numberOrNull = (value: unknown): number | null => (value === null || value === undefined ? null : Number(value));

const UNKNOWN_START: Start = { unixMs: null, certainty: "unknown" };

const recordingOrNull = (value: unknown) => (typeof value === "string" ? RecordingId.parse(value) : null);

function startOf(row: SqlRow): Start {
  const offsetMs = numberOrNull(row["offset_ms"]);
  const monotonicMs = numberOrNull(row["boot_monotonic_ms"]);
  if (offsetMs !== null && monotonicMs !== null) return { unixMs: offsetMs + monotonicMs, certainty: "measured" };
  const claimedMs = numberOrNull(row["claimed_ms"]);
  return claimedMs === null ? UNKNOWN_START : { unixMs: claimedMs, certainty: "claimed" };
}

/** What a stream's first stored package tells of its start, as the columns of its row, by the stream's first frame. */
export function startColumns(descriptor: RecordingFacts["descriptor"]) {
  const { boot, claimed } = descriptor;
  const sinceStartMs = Math.round(msBeforeFirstFrame(descriptor));
  return {
    bootId: boot?.bootId ?? null,
    bootMonotonicMs: boot ? boot.monotonicMs - sinceStartMs : null,
    claimedMs: claimed ? claimed.unixMs - sinceStartMs : null,
    claimedZone: claimed?.zoneOffsetMinutes ?? null,
  };
}

/** A row of the recordings table joined with its successor, and its streams, of which it has one at least. */
export function recordingRow(row: SqlRow, streams: readonly StreamRow[]): RecordingRow {
  const successor = recordingOrNull(row["successor"]);
  return {
    key: Number(row["key"]),
    id: RecordingId.parse(String(row["id"])),
    tenant: TenantId.parse(String(row["tenant"])),
    terminal: TerminalId.parse(String(row["terminal"])),
    patient: typeof row["patient"] === "string" ? PatientId.parse(row["patient"]) : null,
    start: streams[0]?.start ?? UNKNOWN_START,
    firstReceivedUnixMs: Number(row["first_received_ms"]),
    lastReceivedUnixMs: Math.max(...streams.map(({ lastReceivedUnixMs }) => lastReceivedUnixMs)),
    streams,
    predecessor: recordingOrNull(row["predecessor"]),
    predecessorCause: typeof row["predecessor_cause"] === "string" ? row["predecessor_cause"] : null,
    successor: successor && { recording: successor, cause: String(row["successor_cause"]) },
  };
}

/** A row of the streams table joined with its boot. */
export function streamRow(row: SqlRow): StreamRow {
  return {
    stream: Number(row["stream"]),
    start: startOf(row),
    kind: Number(row["kind"]),
    shape: String(row["shape"]),
    firstReceivedUnixMs: Number(row["first_received_ms"]),
    lastReceivedUnixMs: Number(row["last_received_ms"]),
    endFrame: Number(row["end_frame"]),
    segmentCount: Number(row["segment_count"]),
    highestSequence: Number(row["highest_sequence"]),
    finalSequence: numberOrNull(row["final_sequence"]),
    toldSequence: numberOrNull(row["told_sequence"]),
    toldOpen: Boolean(row["told_open"]),
  };
}

/** A stream with some of its segments. */
export function chainOf(stream: StreamRow, rows: readonly SegmentRow[]): RecordingChain {
  const { shape, highestSequence, finalSequence } = stream;
  return { shape, highestSequence, finalSequence, rows };
}

/** A patient's recordings, summed up. */
export function patientSummaryRow(row: SqlRow): PatientSummaryRow {
  return {
    patient: PatientId.parse(String(row["patient"])),
    recordingCount: Number(row["n"]),
    latestReceivedUnixMs: Number(row["latest"]),
    newestRecording: RecordingId.parse(String(row["newest"])),
  };
}

/** A row of the audit table. */
export function auditRow(row: SqlRow): AuditRow {
  return {
    number: Number(row["number"]),
    atUnixMs: Number(row["at_ms"]),
    actor: String(row["actor"]),
    action: String(row["action"]),
    subject: String(row["subject"]),
    outcome: row["outcome"] as AuditRow["outcome"],
    hash: row["hash"] as Uint8Array,
  };
}

/** A row of the copies table. */
export function copyRow(row: SqlRow): Copy {
  return {
    volumeId: String(row["volume"]),
    fileNumber: Number(row["file"]),
    offsetBytes: Number(row["offset"]),
    sizeBytes: Number(row["size"]),
  };
}

/** A row of the summaries table. */
export function summaryRow(row: SqlRow): SummaryRow {
  return {
    sequence: Number(row["sequence"]),
    suspect: Boolean(row["suspect"]),
    sealed: row["sealed"] as Uint8Array,
  };
}

/** A row of the erased table. */
export function erasedRow(row: SqlRow): ErasedRow {
  return {
    recording: RecordingId.parse(String(row["recording"])),
    number: Number(row["number"]),
    erasedAtUnixMs: Number(row["erased_ms"]),
  };
}

/** A row of the stubs table. */
export function stubRow(row: SqlRow): StubRow {
  return {
    stream: Number(row["stream"]),
    sequence: Number(row["sequence"]),
    hash: row["hash"] as Uint8Array,
    prev: row["prev"] as Uint8Array | null,
    final: Number(row["final"]) === 1,
  };
}

/** A row of the segments table. */
export function segmentRow(row: SqlRow): SegmentRow {
  return {
    sequence: Number(row["sequence"]),
    hash: row["hash"] as Uint8Array,
    prev: row["prev"] as Uint8Array | null,
    final: Boolean(row["final"]),
    firstFrame: Number(row["first_frame"]),
    frameCount: Number(row["frame_count"]),
  };
}
