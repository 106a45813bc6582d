/** Where a recorder goes on: in the recording of an earlier run, after it, or anew. Pure. */
import { equalBytes, type PredecessorCause, type RecordingId } from "@pericard/protocol";
import { recordingFramesMax, shapeHashOf, shapeOf } from "../shape.ts";
import type { Source } from "../sources/source.ts";
import type { RecordedHead } from "../state-file.ts";

/** A recording that is gone on with. */
export interface OpenRecording {
  readonly recording: RecordingId;
  readonly nextSequence: number;
  readonly recordedFrames: number;
}

/** The first thing that a recorder does. */
export interface RecorderStart {
  readonly fromFrame: number;
  /** null: the first frames begin a new recording. */
  readonly open: OpenRecording | null;
  /** Why a new recording follows the one before. */
  readonly cause: PredecessorCause;
  /** Whether the whole source may have been recorded already: true when its last recording was ended. */
  readonly maybeComplete: boolean;
}

/** Decides by the newest recorded segment, whose source may be this one. */
export function planStart(source: Source, head: RecordedHead | null): RecorderStart {
  if (!head) return anew("start");
  if (!isSameSource(source, head)) return anew(head.final ? "start" : "restart");
  const goesOn = { fromFrame: head.nextFrame, open: null, maybeComplete: head.final };
  if (head.final) {
    const isFull = head.recordedFrames >= recordingFramesMax(source.format);
    return { ...goesOn, cause: isFull ? "duration" : "restart" };
  }
  const isSameShape = head.shapeHash !== null && equalBytes(head.shapeHash, shapeHashOf(shapeOf(source.format)));
  if (!isSameShape) return { ...goesOn, cause: "restart" };
  const { recording, sequence, recordedFrames } = head;
  return { ...goesOn, open: { recording, nextSequence: sequence + 1, recordedFrames }, cause: "restart" };
}

function anew(cause: PredecessorCause): RecorderStart {
  return { fromFrame: 0, open: null, cause, maybeComplete: false };
}

function isSameSource(source: Source, head: RecordedHead): boolean {
  if (source.kind !== "file" || source.sourceId === null || head.sourceId === null) return false;
  return equalBytes(source.sourceId, head.sourceId);
}
