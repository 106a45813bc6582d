/** Recordings as the API shows them. Source: docs/format.md §9.4. */
import {
  BODY_KIND,
  leadCode,
  leadUnit,
  type LeadDescriptor,
  type SuiteName,
  type WaveformShape,
} from "@pericard/protocol";
import type { CatalogMethods, RecordingRow, StreamRow } from "../catalog/catalog.ts";
import { ServerError } from "../errors.ts";

/** A recording nothing was heard of for this long is not live any more, in milliseconds. */
const SILENCE_MS = 90_000;

export type RecordingState = "live" | "complete" | "interrupted";

export type Missing = ReturnType<CatalogMethods["findMissing"]>;

/** The stream of a recording with a number, or, without one, the one that stands for it: the first of samples, or else the first. */
export function findStream({ streams }: RecordingRow, stream: number | undefined): StreamRow {
  const found =
    stream === undefined
      ? (streams.find(({ kind }) => kind === BODY_KIND.waveform) ?? streams[0])
      : streams.find((one) => one.stream === stream);
  if (found) return found;
  throw new ServerError("ERR_NOT_FOUND", `recording has no stream ${stream}`);
}

/** A stream's shape. @throws {ServerError} ERR_REQUEST_RANGE when it is of observations. */
export function shapeOf({ stream, kind, shape }: StreamRow): WaveformShape {
  if (kind === BODY_KIND.waveform) return JSON.parse(shape) as WaveformShape;
  throw new ServerError("ERR_REQUEST_RANGE", `stream ${stream} is of observations, not of samples`);
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

/** A stream and what is missing of it. */
export interface SeenStream {
  readonly row: StreamRow;
  readonly missing: Missing;
}

/** Whether a recording is going on, is whole, or broke off: a stream that is not whole is not outweighed by others. */
export function stateOfAll(streams: readonly SeenStream[], nowUnixMs: number): RecordingState {
  const states = new Set(streams.map(({ row, missing }) => stateOf(row, missing, nowUnixMs)));
  if (states.has("live")) return "live";
  return states.has("interrupted") ? "interrupted" : "complete";
}

/** What a description needs beside the row. */
export interface DescribeContext {
  readonly patientName: string;
  readonly synthetic: boolean;
  /** Of the terminal's registration. */
  readonly suite: SuiteName;
  /** Every stream of the recording. */
  readonly streams: readonly SeenStream[];
  readonly nowUnixMs: number;
}

const leadDescription = (lead: LeadDescriptor) => ({
  ...lead,
  code: leadCode(lead.name),
  ucumUnit: leadUnit(lead.units),
});

/** One stream in full. What counts frames counts observations in a stream of these, which has no rate and no leads. */
function describeStream({ row, missing }: SeenStream, nowUnixMs: number) {
  const isWaveform = row.kind === BODY_KIND.waveform;
  const { frameRateHz, leads } = isWaveform ? shapeOf(row) : { frameRateHz: null, leads: [] };
  return {
    stream: row.stream,
    kind: isWaveform ? ("waveform" as const) : ("observation" as const),
    start: row.start,
    frameRateHz,
    leads: leads.map(leadDescription),
    frameCount: row.endFrame,
    state: stateOf(row, missing, nowUnixMs),
    segmentCount: row.segmentCount,
    pendingCount: pendingCount(row, missing),
    gaps: missing.map(({ fromFrame, toFrame, cause }) => ({ fromFrame, toFrame, cause })),
  };
}

/** What a recording says of the stream that stands for it. One of observations has a frame a second and no leads. */
function describeShown(streams: readonly ReturnType<typeof describeStream>[], number: number) {
  const shown = streams.find(({ stream }) => stream === number);
  const { frameRateHz, leads = [], frameCount = 0, gaps = [] } = shown ?? {};
  return { frameRateHz: frameRateHz ?? { num: 1, den: 1 }, leads, frameCount, gaps };
}

/** A recording in full. */
export function describeRecording(row: RecordingRow, context: DescribeContext) {
  const { nowUnixMs } = context;
  const streams = context.streams.map((stream) => describeStream(stream, nowUnixMs));
  const shown = describeShown(streams, findStream(row, undefined).stream);
  return {
    id: row.id,
    patientId: row.patient ?? "",
    patientName: context.patientName,
    terminalSerial: row.terminal,
    start: row.start,
    receivedAtUnixMs: row.firstReceivedUnixMs,
    lastReceivedAtUnixMs: row.lastReceivedUnixMs,
    ...shown,
    state: stateOfAll(context.streams, nowUnixMs),
    segmentCount: streams.reduce((sum, one) => sum + one.segmentCount, 0),
    pendingCount: streams.reduce((sum, one) => sum + one.pendingCount, 0),
    streams,
    predecessor: row.predecessor && { recordingId: row.predecessor, cause: row.predecessorCause ?? "start" },
    successor: row.successor && { recordingId: row.successor.recording, cause: row.successor.cause },
    synthetic: context.synthetic,
    suite: context.suite,
  };
}

export type RecordingDescription = ReturnType<typeof describeRecording>;
