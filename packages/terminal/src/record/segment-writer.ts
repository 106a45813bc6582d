/** Seals windows of samples into the chain of a terminal's recordings and journals them. */
import { sha256, type RandomSource } from "@pericard/crypto";
import { getSegmentCodec, type SegmentCodecName } from "@pericard/ecg";
import {
  BODY_KIND,
  parseJournalledHeader,
  RecordingId,
  type PredecessorCause,
  type WaveformDescriptor,
  type WaveformShape,
} from "@pericard/protocol";
import type { TerminalModule } from "@pericard/trsm";
import type { JournalItem } from "../journal/journal-frames.ts";
import { shapeHashOf } from "../shape.ts";
import type { RecordedHead } from "../state-file.ts";
import type { OpenRecording } from "./start.ts";

const STREAM = 0;

/** A window to be sealed. */
export interface Window {
  readonly leads: readonly Int32Array[];
  readonly frameCount: number;
  readonly shape: WaveformShape;
  readonly boot: WaveformDescriptor["boot"];
  readonly claimed: WaveformDescriptor["claimed"];
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
  readonly #codec: SegmentCodecName;
  readonly #sourceId: Uint8Array | null;
  #head: RecordedHead | null;
  #open: OpenRecording | null;
  #cause: PredecessorCause;

  constructor(
    module: TerminalModule,
    random: RandomSource,
    codec: SegmentCodecName,
    sourceId: Uint8Array | null,
    chain: {
      readonly head: RecordedHead | null;
      readonly open: OpenRecording | null;
      readonly cause: PredecessorCause;
    },
  ) {
    this.#module = module;
    this.#random = random;
    this.#codec = codec;
    this.#sourceId = sourceId;
    this.#head = chain.head;
    this.#open = chain.open;
    this.#cause = chain.cause;
  }

  /** The recording that the next window goes to; null when it begins a new one. */
  get open(): OpenRecording | null {
    return this.#open;
  }

  /** Leaves the open recording; the next window begins another, for this cause. */
  leave(cause: PredecessorCause): void {
    if (!this.#open) return;
    this.#open = null;
    this.#cause = cause;
  }

  /** Seals one window. It counts as written once {@link written} is told. */
  seal(window: Window): SealedWindow {
    const { final, leads, shape, nextFrame } = window;
    const open = this.#open ?? this.#begin();
    const place = { recording: open.recording, stream: STREAM, sequence: open.nextSequence };
    const names = shape.leads.map((lead) => lead.name);
    const encoded = getSegmentCodec(this.#codec).encode(leads, names);
    const descriptor = this.#describe(window, open);
    const sealed = this.#module.sealSegment(
      { ...place, prev: this.#head?.hash ?? null, final },
      { descriptor, codec: this.#codec, encoded },
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

  #describe(window: Window, open: OpenRecording): WaveformDescriptor {
    const isFirst = open.nextSequence === 0;
    return {
      kind: BODY_KIND.waveform,
      boot: window.boot,
      claimed: window.claimed,
      firstFrame: open.recordedFrames,
      frameCount: window.frameCount,
      shape: window.shape,
      predecessor: isFirst && this.#head ? { recording: this.#head.recording, cause: this.#cause } : null,
    };
  }
}
