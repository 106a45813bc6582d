/**
 * The recorder: frames of sources in, sealed and journalled segments out.
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
  /** One for each stream, in order of their numbers. More than one are all live. */
  readonly sources: readonly Source[];
  /** Where the first one goes on; others are live and begin. */
  readonly start: RecorderStart;
  readonly writer: SegmentWriter;
  readonly sink: SegmentSink;
  readonly run: RunClock;
  readonly codec: SegmentCodecName;
  /** Milliseconds of a window, 1,000 to 60,000; asked before each. */
  readonly segmentLengthMs: () => number;
}

/** A source, and what of it is not sealed yet. */
interface Stream {
  readonly number: number;
  readonly source: Source;
  window: FrameWindow;
  /** Frames of the source that are sealed. */
  sourceFrame: number;
}

/** Records sources once, as the streams of one recording after another. */
export class Recorder {
  readonly #parts: RecorderParts;
  readonly #streams: readonly Stream[];
  readonly #recordings = new Set<RecordingId>();
  #segmentCount = 0;
  #frameCount = 0;
  #sinkFailed = false;
  #order: "end" | { readonly leave: "conflict" | "patient" } | null = null;
  /** What is done with blocks and windows, one after the other, from whichever source they come. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: RecorderParts) {
    this.#parts = parts;
    this.#streams = parts.sources.map((source, number) => ({
      number,
      source,
      window: new FrameWindow(source.format),
      sourceFrame: number === 0 ? parts.start.fromFrame : 0,
    }));
  }

  /** The recording that the next frames go to; null when they begin a new one. */
  get recording(): RecordingId | null {
    return this.#parts.writer.recording;
  }

  /** Ends the recording with what it has when the next block comes; what follows is another recording. */
  endRecording(): void {
    this.#order ??= "end";
  }

  /** Leaves a recording that the server contradicts or erased, if it is the open one; its open windows move to the next. */
  leaveRecording(recording: RecordingId, cause: "conflict" | "patient"): void {
    if (this.recording === recording) this.#order = { leave: cause };
  }

  /**
   * Records until a source ends or `signal` is aborted. Aborted live sources are closed with what they have; an aborted
   * file is gone on with another time.
   *
   * @throws {TerminalError} ERR_JOURNAL_FULL, ERR_JOURNAL_DISK_FULL or ERR_JOURNAL_DISK; what a source throws. What
   * was journalled before stays.
   */
  async run(signal: AbortSignal): Promise<RecordReport> {
    const { start, sink } = this.#parts;
    const mayGoOn = !this.#isLive;
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

  get #isLive(): boolean {
    return this.#streams[0]?.source.kind === "live";
  }

  /** Takes what the sources give until one of them ends; the others end with it. @returns blocks taken. */
  async #takeAll(signal: AbortSignal): Promise<number> {
    const ended = new AbortController();
    const either = AbortSignal.any([signal, ended.signal]);
    const pumps = this.#streams.map((stream) => this.#pump(stream, either).finally(() => ended.abort()));
    const outcomes = await Promise.allSettled(pumps);
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (!failed)
      return outcomes.reduce((sum, outcome) => sum + (outcome.status === "fulfilled" ? outcome.value : 0), 0);
    // A live source that fails will not give these frames again.
    if (this.#isLive && !this.#sinkFailed) await this.#end("restart");
    throw failed.reason;
  }

  async #pump(stream: Stream, signal: AbortSignal): Promise<number> {
    let blockCount = 0;
    for await (const block of stream.source.blocks(stream.sourceFrame, signal)) {
      blockCount += 1;
      const arrivedAtMs = this.#parts.run.clock.monotonicMs();
      await this.#inTurn(() => this.#take(stream, block, arrivedAtMs));
      if (signal.aborted && stream.source.kind === "file") break;
    }
    return blockCount;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  #report(alreadyRecorded: boolean): RecordReport {
    const [segmentCount, frameCount] = [this.#segmentCount, this.#frameCount];
    return { alreadyRecorded, segmentCount, frameCount, recordings: [...this.#recordings] };
  }

  async #take(stream: Stream, block: SourceBlock, arrivedAtMs: number): Promise<void> {
    await this.#obey();
    if (block.format) await this.#change(stream, block.format);
    else if (block.gapBefore) await this.#end("gap");
    assertBlockShape(stream.window.format, block);
    stream.window.push(block, arrivedAtMs);
    await this.#cut(stream);
  }

  async #obey(): Promise<void> {
    const order = this.#order;
    this.#order = null;
    if (order === "end") await this.#end("patient");
    else if (order) this.#parts.writer.leave(order.leave);
  }

  async #change(stream: Stream, format: WaveformFormat): Promise<void> {
    await this.#end("format");
    stream.window = new FrameWindow(format);
  }

  /** Seals every window that is full, and the last of a recording that is as long as one may be. */
  async #cut(stream: Stream): Promise<void> {
    for (;;) {
      const { format, frameCount } = stream.window;
      const recorded = this.#parts.writer.recordedFrames(stream.number) ?? 0;
      const leftCount = Math.max(0, recordingFramesMax(format) - recorded);
      const wantedCount = Math.min(windowFrames(format, this.#parts.segmentLengthMs()), leftCount);
      if (frameCount < wantedCount) return;
      if (wantedCount === leftCount) await this.#end("duration", { stream, frameCount: wantedCount });
      else await this.#seal(stream, wantedCount, false);
      await this.#obey();
    }
  }

  /**
   * Ends the open recording with what is left over of each stream, were it nothing. The first stream ends last, so that a
   * terminal whose newest segment is final has ended them all. Without a recording and frames there is no end.
   *
   * @param full a stream whose recording is full, and what it still takes.
   */
  async #end(
    nextCause: PredecessorCause,
    full?: { readonly stream: Stream; readonly frameCount: number },
  ): Promise<void> {
    const { writer } = this.#parts;
    for (const stream of this.#streams.toReversed()) {
      const frameCount = stream === full?.stream ? full.frameCount : stream.window.frameCount;
      if (frameCount > 0 || writer.recordedFrames(stream.number) !== undefined) {
        await this.#seal(stream, frameCount, true);
      }
    }
    writer.leave(nextCause);
  }

  async #seal(stream: Stream, frameCount: number, final: boolean): Promise<void> {
    const { writer, run, codec } = this.#parts;
    const { number, source, window, sourceFrame } = stream;
    const times = windowTimes(source, run, sourceFrame, window.firstFrameAtMs());
    const nextFrame = sourceFrame + frameCount;
    const shape = shapeOf(window.format);
    const names = shape.leads.map((lead) => lead.name);
    const encoded = getSegmentCodec(codec).encode(window.take(frameCount), names);
    const sealed = writer.seal({ stream: number, codec, encoded, frameCount, shape, ...times, final, nextFrame });
    await this.#write(sealed);
    writer.written(sealed);
    stream.sourceFrame = nextFrame;
    this.#segmentCount += 1;
    this.#frameCount += frameCount;
    this.#recordings.add(sealed.head.recording);
  }

  async #write(sealed: SealedWindow): Promise<void> {
    try {
      await this.#parts.sink.write(sealed);
    } catch (error) {
      this.#sinkFailed = true;
      throw error;
    }
  }
}
