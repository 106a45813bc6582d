/** Recordings as the API shows them. Source: docs/format.md §9.4. */
import type { SuiteName, WaveformShape } from "@pericard/protocol";
import type { CatalogMethods, RecordingRow, StreamRow } from "../catalog/catalog.ts";

/** A recording nothing was heard of for this long is not live any more, in milliseconds. */
const SILENCE_MS = 90_000;

export type RecordingState = "live" | "complete" | "interrupted";

export type Missing = ReturnType<CatalogMethods["findMissing"]>;

/** The stream that stands for a recording: the first. */
export function shownStream({ streams }: RecordingRow): StreamRow {
  const [first] = streams;
  if (!first) throw new RangeError("recording has no stream");
  return first;
}

/** Segments that the chain shows but that have not come. */
export function pendingCount(row: StreamRow, missing: Missing): number {
  const inside = missing.filter(({ cause }) => cause === "pending").reduce((sum, hole) => sum + hole.sequenceCount, 0);
  return inside + Math.max(0, (row.finalSequence ?? row.toldSequence ?? -1) - row.highestSequence);
}

/** Whether a stream is going on, is whole, or broke off. */
export function stateOf(row: StreamRow, missing: Missing, nowUnixMs: number): RecordingState {
  if (row.finalSequence !== null && pendingCount(row, missing) === 0) return "complete";
  const heard = nowUnixMs - row.lastReceivedUnixMs < SILENCE_MS;
  return heard && (row.toldOpen || row.finalSequence !== null) ? "live" : "interrupted";
}

/** What a description needs beside the row. */
export interface DescribeContext {
  readonly patientName: string;
  readonly synthetic: boolean;
  /** Of the terminal's registration. */
  readonly suite: SuiteName;
  readonly missing: Missing;
  readonly nowUnixMs: number;
}

/** A recording in full. */
export function describeRecording(row: RecordingRow, context: DescribeContext) {
  const stream = shownStream(row);
  const { frameRateHz, leads } = JSON.parse(stream.shape) as WaveformShape;
  return {
    id: row.id,
    patientId: row.patient ?? "",
    patientName: context.patientName,
    terminalSerial: row.terminal,
    start: row.start,
    receivedAtUnixMs: row.firstReceivedUnixMs,
    lastReceivedAtUnixMs: row.lastReceivedUnixMs,
    frameRateHz,
    leads: [...leads],
    frameCount: stream.endFrame,
    state: stateOf(stream, context.missing, context.nowUnixMs),
    segmentCount: stream.segmentCount,
    pendingCount: pendingCount(stream, context.missing),
    gaps: context.missing.map(({ fromFrame, toFrame, cause }) => ({ fromFrame, toFrame, cause })),
    predecessor: row.predecessor && { recordingId: row.predecessor, cause: row.predecessorCause ?? "start" },
    successor: row.successor && { recordingId: row.successor.recording, cause: row.successor.cause },
    synthetic: context.synthetic,
    suite: context.suite,
  };
}

export type RecordingDescription = ReturnType<typeof describeRecording>;
