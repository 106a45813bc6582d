/** Recordings as the API shows them. Source: docs/format.md §9.4. */
import type { SuiteName, WaveformShape } from "@pericard/protocol";
import type { CatalogMethods, RecordingRow } from "../catalog/catalog.ts";

/** A recording nothing was heard of for this long is not live any more, in milliseconds. */
const SILENCE_MS = 90_000;

export type RecordingState = "live" | "complete" | "interrupted";

export type Missing = ReturnType<CatalogMethods["findMissing"]>;

/** Segments that the chain shows but that have not come. */
export function pendingCount(row: RecordingRow, missing: Missing): number {
  const inside = missing.filter(({ cause }) => cause === "pending").reduce((sum, hole) => sum + hole.sequenceCount, 0);
  return inside + Math.max(0, (row.finalSequence ?? row.toldSequence ?? -1) - row.highestSequence);
}

/** Whether a recording is going on, is whole, or broke off. */
export function stateOf(row: RecordingRow, missing: Missing, nowUnixMs: number): RecordingState {
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
  const { frameRateHz, leads } = JSON.parse(row.shape) as WaveformShape;
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
    frameCount: row.endFrame,
    state: stateOf(row, context.missing, context.nowUnixMs),
    segmentCount: row.segmentCount,
    pendingCount: pendingCount(row, context.missing),
    gaps: context.missing.map(({ fromFrame, toFrame, cause }) => ({ fromFrame, toFrame, cause })),
    predecessor: row.predecessor && { recordingId: row.predecessor, cause: row.predecessorCause ?? "start" },
    successor: row.successor && { recordingId: row.successor.recording, cause: row.successor.cause },
    synthetic: context.synthetic,
    suite: context.suite,
  };
}

export type RecordingDescription = ReturnType<typeof describeRecording>;
