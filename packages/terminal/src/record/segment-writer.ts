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

const STREAM = 0;

/** A window to be sealed: samples, or observations, which have no shape. */
export interface Window extends Pick<SegmentBody, "codec" | "encoded"> {
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

/** The open recording and the chain behind it. */
export class SegmentWriter {
  readonly #module: TerminalModule;
  readonly #random: RandomSource;
  readonly #sourceId: Uint8Array | null;
  #head: RecordedHead | null;
  #open: OpenRecording | null;
  #cause: PredecessorCause;

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
    this.#module = module;
    this.#random = random;
    this.#sourceId = sourceId;
    this.#head = chain.head;
    this.#open = chain.open;
    this.#cause = chain.cause;
  }

  /** The recording that the next window goes to; null when it begins a new one. */
  get open(): OpenRecording | null {
    return this.#open;
  }

  /** The newest segment that was written; null before the terminal's first. */
  get head(): RecordedHead | null {
    return this.#head;
  }

  /** Leaves the open recording; the next window begins another, for this cause. */
  leave(cause: PredecessorCause): void {
    if (!this.#open) return;
    this.#open = null;
    this.#cause = cause;
  }

  /** Seals one window. It counts as written once {@link written} is told. */
  seal(window: Window): SealedWindow {
    const { final, shape, codec, encoded, nextFrame } = window;
    const open = this.#open ?? this.#begin();
    const place = { recording: open.recording, stream: STREAM, sequence: open.nextSequence };
    const descriptor = this.#describe(window, open);
    const sealed = this.#module.sealSegment(
      { ...place, prev: this.#head?.hash ?? null, final },
      { descriptor, codec, encoded },
    );
    const { cycle, index, use } = parseJournalledHeader(sealed);
    const head: RecordedHead = {
      ...place,
      final,
      nextFrame,
      hash: sha256(sealed),
      recordedFrames: open.recordedFrames + window.frameCount,
      sourceId: this.#sourceId,
      shapeHash: shapeHashOf(shape),
      keyUse: { cycle, index, use },
    };
    return { item: { sealed, nextFrame, sourceId: this.#sourceId }, head };
  }

  /** Goes on after a window that was journalled. */
  written({ head }: SealedWindow, nextCause: PredecessorCause): void {
    this.#head = head;
    const { recording, sequence, recordedFrames, final } = head;
    this.#open = final ? null : { recording, nextSequence: sequence + 1, recordedFrames };
    if (final) this.#cause = nextCause;
  }

  #begin(): OpenRecording {
    return { recording: RecordingId.fromBytes(this.#random(16)), nextSequence: 0, recordedFrames: 0 };
  }

  #describe({ boot, claimed, frameCount, shape }: Window, open: OpenRecording): SegmentDescriptor {
    const isFirst = open.nextSequence === 0;
    const predecessor = isFirst && this.#head ? { recording: this.#head.recording, cause: this.#cause } : null;
    const described = { boot, claimed, firstFrame: open.recordedFrames, frameCount, predecessor };
    return shape === null
      ? { kind: BODY_KIND.observation, ...described, shape }
      : { kind: BODY_KIND.waveform, ...described, shape };
  }
}
