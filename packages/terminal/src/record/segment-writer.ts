/** Seals windows of samples or observations into the chain of a terminal's recordings and journals them. */
import { sha256, type RandomSource } from "@pericard/crypto";
import {
  BODY_KIND,
  parseJournalledHeader,
  RecordingId,
  type PredecessorCause,
  type SegmentBody,
  type SegmentDescriptor,
  type WaveformShape,
} from "@pericard/protocol";
import type { TerminalModule } from "@pericard/trsm";
import type { JournalItem } from "../journal/journal-frames.ts";
import { shapeHashOf } from "../shape.ts";
import type { RecordedHead } from "../state-file.ts";
import type { OpenRecording } from "./start.ts";

/** A window to be sealed: samples, or observations, which have no shape. */
export interface Window extends Pick<SegmentBody, "codec" | "encoded"> {
  readonly stream: number;
  readonly frameCount: number;
  readonly shape: WaveformShape | null;
  readonly boot: SegmentDescriptor["boot"];
  readonly claimed: SegmentDescriptor["claimed"];
  /** Whether the recording ends with it. */
  readonly final: boolean;
  /** Frames of the source before the window after it. */
  readonly nextFrame: number;
}

/** A sealed window, not journalled yet. */
export interface SealedWindow {
  readonly item: JournalItem;
  readonly head: RecordedHead;
}

/** How far a stream of the open recording is. */
interface StreamEnd {
  readonly nextSequence: number;
  readonly recordedFrames: number;
  /** h of its newest segment; in a stream that has none, of the newest one before the recording. */
  readonly prev: Uint8Array | null;
}

interface Open {
  readonly recording: RecordingId;
  /** The terminal's newest segment before the recording; null when there was none. */
  readonly before: RecordedHead | null;
  readonly streams: Map<number, StreamEnd>;
}

/** The open recording with its streams, and the chain behind it. */
export class SegmentWriter {
  readonly #module: TerminalModule;
  readonly #random: RandomSource;
  readonly #sourceId: Uint8Array | null;
  #head: RecordedHead | null;
  #open: Open | null;
  #cause: PredecessorCause;

  /** @param chain `open`: a recording of one stream that is gone on with. */
  constructor(
    module: TerminalModule,
    random: RandomSource,
    sourceId: Uint8Array | null,
    chain: {
      readonly head: RecordedHead | null;
      readonly open: OpenRecording | null;
      readonly cause: PredecessorCause;
    },
  ) {
    const { head, open, cause } = chain;
    this.#module = module;
    this.#random = random;
    this.#sourceId = sourceId;
    this.#head = head;
    this.#cause = cause;
    const end = open && { ...open, prev: head?.hash ?? null };
    this.#open = end && { recording: end.recording, before: head, streams: new Map([[head?.stream ?? 0, end]]) };
  }

  /** The recording that the next window goes to; null when it begins a new one. */
  get recording(): RecordingId | null {
    return this.#open?.recording ?? null;
  }

  /** The newest segment that was written; null before the terminal's first. */
  get head(): RecordedHead | null {
    return this.#head;
  }

  /** Frames of a stream in the open recording; undefined when it has no segment of the stream. */
  recordedFrames(stream: number): number | undefined {
    return this.#open?.streams.get(stream)?.recordedFrames;
  }

  /** Leaves the open recording; the next window begins another, for this cause. */
  leave(cause: PredecessorCause): void {
    if (!this.#open) return;
    this.#open = null;
    this.#cause = cause;
  }

  /** Seals one window. It counts as written once {@link written} is told. */
  seal(window: Window): SealedWindow {
    const { stream, final, shape, codec, encoded, nextFrame } = window;
    this.#open ??= this.#begin();
    const { recording } = this.#open;
    const { nextSequence: sequence, recordedFrames, prev } = this.#endOf(this.#open, stream);
    const place = { recording, stream, sequence };
    const descriptor = this.#describe(window, this.#open, { sequence, recordedFrames });
    const sealed = this.#module.sealSegment({ ...place, prev, final }, { descriptor, codec, encoded });
    const { cycle, index, use } = parseJournalledHeader(sealed);
    const head: RecordedHead = {
      ...place,
      final,
      nextFrame,
      hash: sha256(sealed),
      recordedFrames: recordedFrames + window.frameCount,
      sourceId: this.#sourceId,
      shapeHash: shapeHashOf(shape),
      keyUse: { cycle, index, use },
    };
    return { item: { sealed, nextFrame, sourceId: this.#sourceId }, head };
  }

  /** Goes on after a window that was journalled. */
  written({ head }: SealedWindow): void {
    const { stream, sequence, recordedFrames, hash } = head;
    this.#head = head;
    this.#open?.streams.set(stream, { nextSequence: sequence + 1, recordedFrames, prev: hash });
  }

  #begin(): Open {
    return { recording: RecordingId.fromBytes(this.#random(16)), before: this.#head, streams: new Map() };
  }

  #endOf({ streams, before }: Open, stream: number): StreamEnd {
    return streams.get(stream) ?? { nextSequence: 0, recordedFrames: 0, prev: before?.hash ?? null };
  }

  #describe(
    { boot, claimed, frameCount, shape }: Window,
    { before }: Open,
    { sequence, recordedFrames }: { readonly sequence: number; readonly recordedFrames: number },
  ): SegmentDescriptor {
    const predecessor = sequence === 0 && before ? { recording: before.recording, cause: this.#cause } : null;
    const described = { boot, claimed, firstFrame: recordedFrames, frameCount, predecessor };
    return shape === null
      ? { kind: BODY_KIND.observation, ...described, shape }
      : { kind: BODY_KIND.waveform, ...described, shape };
  }
}
