/**
 * The recorder: frames of a source in, sealed and journalled segments out.
 *
 * Source: docs/format.md §5.
 */
import { assertBlockShape, getSegmentCodec, type SegmentCodecName, type WaveformFormat } from "@pericard/ecg";
import type { PredecessorCause, RecordingId } from "@pericard/protocol";
import { recordingFramesMax, shapeOf, windowFrames } from "../shape.ts";
import { TerminalError } from "../errors.ts";
import type { Source, SourceBlock } from "../sources/source.ts";
import { FrameWindow } from "./frame-window.ts";
import type { SegmentSink } from "./segment-sink.ts";
import type { SealedWindow, SegmentWriter } from "./segment-writer.ts";
import type { RecorderStart } from "./start.ts";
import { windowTimes, type RunClock } from "./window-times.ts";

/** What a recorder did. */
export interface RecordReport {
  /** Whether the file was recorded before, whole, so that there was nothing to do. */
  readonly alreadyRecorded: boolean;
  readonly segmentCount: number;
  readonly frameCount: number;
  /** Recordings that got segments, in order. */
  readonly recordings: readonly RecordingId[];
}

/** What a recorder works with. */
export interface RecorderParts {
  readonly source: Source;
  readonly start: RecorderStart;
  readonly writer: SegmentWriter;
  readonly sink: SegmentSink;
  readonly run: RunClock;
  readonly codec: SegmentCodecName;
  /** Milliseconds of a window, 1,000 to 60,000; asked before each. */
  readonly segmentLengthMs: () => number;
}

/** Records one source once. */
export class Recorder {
  readonly #parts: RecorderParts;
  readonly #recordings = new Set<RecordingId>();
  #window: FrameWindow;
  #sourceFrame: number;
  #segmentCount = 0;
  #frameCount = 0;
  #sinkFailed = false;
  #order: "end" | { readonly leave: "conflict" | "patient" } | null = null;

  constructor(parts: RecorderParts) {
    this.#parts = parts;
    this.#window = new FrameWindow(parts.source.format);
    this.#sourceFrame = parts.start.fromFrame;
  }

  /** The recording that the next frames go to; null when they begin a new one. */
  get recording(): RecordingId | null {
    return this.#parts.writer.open?.recording ?? null;
  }

  /** Ends the recording with what it has when the next block comes; what follows is another recording. */
  endRecording(): void {
    this.#order ??= "end";
  }

  /** Leaves a recording that the server contradicts or erased, if it is the open one; its open window moves to the next. */
  leaveRecording(recording: RecordingId, cause: "conflict" | "patient"): void {
    if (this.recording === recording) this.#order = { leave: cause };
  }

  /**
   * Records until the source ends or `signal` is aborted. An aborted live source is closed with what it has; an aborted
   * file is gone on with another time.
   *
   * @throws {TerminalError} ERR_JOURNAL_FULL, ERR_JOURNAL_DISK_FULL or ERR_JOURNAL_DISK; what the source throws. What
   * was journalled before stays.
   */
  async run(signal: AbortSignal): Promise<RecordReport> {
    const { source, start, sink } = this.#parts;
    const mayGoOn = source.kind === "file";
    try {
      const blockCount = await this.#takeAll(signal);
      const alreadyRecorded = start.maybeComplete && blockCount === 0 && !signal.aborted;
      if (!alreadyRecorded && !(signal.aborted && mayGoOn)) await this.#end("start");
      return this.#report(alreadyRecorded);
    } catch (error) {
      if (mayGoOn && signal.aborted && error instanceof TerminalError) return this.#report(false);
      throw error;
    } finally {
      sink.flush();
    }
  }

  async #takeAll(signal: AbortSignal): Promise<number> {
    const { source, start } = this.#parts;
    let blockCount = 0;
    try {
      for await (const block of source.blocks(start.fromFrame, signal)) {
        blockCount += 1;
        await this.#take(block);
        if (signal.aborted && source.kind === "file") break;
      }
      return blockCount;
    } catch (error) {
      // A live source that fails will not give these frames again.
      if (source.kind === "live" && !this.#sinkFailed) await this.#end("restart");
      throw error;
    }
  }

  #report(alreadyRecorded: boolean): RecordReport {
    const [segmentCount, frameCount] = [this.#segmentCount, this.#frameCount];
    return { alreadyRecorded, segmentCount, frameCount, recordings: [...this.#recordings] };
  }

  async #take(block: SourceBlock): Promise<void> {
    await this.#obey();
    if (block.format) await this.#change(block.format);
    else if (block.gapBefore) await this.#end("gap");
    assertBlockShape(this.#window.format, block);
    this.#window.push(block, this.#parts.run.clock.monotonicMs());
    await this.#cut();
  }

  async #obey(): Promise<void> {
    const order = this.#order;
    this.#order = null;
    if (order === "end") await this.#end("patient");
    else if (order) this.#parts.writer.leave(order.leave);
  }

  async #change(format: WaveformFormat): Promise<void> {
    await this.#end("format");
    this.#window = new FrameWindow(format);
  }

  /** Seals every window that is full, and the last of a recording that is as long as one may be. */
  async #cut(): Promise<void> {
    for (;;) {
      const { format, frameCount } = this.#window;
      const recorded = this.#parts.writer.open?.recordedFrames ?? 0;
      const leftCount = Math.max(0, recordingFramesMax(format) - recorded);
      const wantedCount = Math.min(windowFrames(format, this.#parts.segmentLengthMs()), leftCount);
      if (frameCount < wantedCount) return;
      await this.#seal(wantedCount, wantedCount === leftCount, "duration");
      await this.#obey();
    }
  }

  /** Ends the open recording with what is left over, were it nothing. Without a recording and frames there is no end. */
  async #end(nextCause: PredecessorCause): Promise<void> {
    if (!this.#parts.writer.open && this.#window.frameCount === 0) return;
    await this.#seal(this.#window.frameCount, true, nextCause);
  }

  async #seal(frameCount: number, final: boolean, nextCause: PredecessorCause): Promise<void> {
    const { source, writer, run, codec } = this.#parts;
    const times = windowTimes(source, run, this.#sourceFrame, this.#window.firstFrameAtMs());
    const nextFrame = this.#sourceFrame + frameCount;
    const shape = shapeOf(this.#window.format);
    const names = shape.leads.map((lead) => lead.name);
    const encoded = getSegmentCodec(codec).encode(this.#window.take(frameCount), names);
    const sealed = writer.seal({ codec, encoded, frameCount, shape, ...times, final, nextFrame });
    await this.#write(sealed);
    writer.written(sealed, nextCause);
    this.#count(sealed, frameCount);
  }

  async #write(sealed: SealedWindow): Promise<void> {
    try {
      await this.#parts.sink.write(sealed);
    } catch (error) {
      this.#sinkFailed = true;
      throw error;
    }
  }

  #count({ head }: SealedWindow, frameCount: number): void {
    this.#sourceFrame = head.nextFrame;
    this.#segmentCount += 1;
    this.#frameCount += frameCount;
    this.#recordings.add(head.recording);
  }
}
