/**
 * The recorder of observations: what sensors tell in, sealed and journalled segments out.
 *
 * Source: docs/format.md §5.6.
 */
import { BYTE_CODECS } from "@pericard/ecg";
import {
  encodeObservations,
  OBSERVATIONS_PER_SEGMENT_MAX,
  UINT32_MAX,
  type Observation,
  type PredecessorCause,
  type RecordingId,
} from "@pericard/protocol";
import type { Bell } from "../bell.ts";
import { TerminalError } from "../errors.ts";
import type { RecordReport } from "../record/recorder.ts";
import type { SegmentSink } from "../record/segment-sink.ts";
import type { SegmentWriter, Window } from "../record/segment-writer.ts";
import type { RunClock } from "../record/window-times.ts";
import { RECORDING_SECONDS_MAX } from "../shape.ts";
import type { Draft, Drafts } from "./drafts.ts";

/** What a sensor tells; when it came is noted here. */
export type TakenObservation = Omit<Observation, "afterMs">;

/** What a recorder of observations works with. */
export interface ObservationRecorderParts {
  readonly drafts: Drafts;
  readonly writer: SegmentWriter;
  readonly sink: SegmentSink;
  readonly run: RunClock;
  /** Rung when a receipt may have made room in the journal. */
  readonly bell: Bell;
  /** Whether the journal has room for a segment of so many bytes: one that it refuses would cost a use of a key. */
  readonly hasRoom: (sizeBytes: number) => boolean;
  /** Milliseconds that observations wait for others of their segment. */
  readonly segmentLengthMs: () => number;
}

/** A recording ends when nothing came for so long, in milliseconds: then it is whole, and no sensor costs anything. */
export const IDLE_END_MS = 15 * 60_000;
/** Observations that wait while the journal is full. */
const WAITING_MAX = 4 * OBSERVATIONS_PER_SEGMENT_MAX;
const ROOM_WAIT_MS = 1000;
/** Sensors of a bridge have a recording of their own. */
const STREAM = 0;
/** Header, descriptor, tags and frame around a segment's contents, and some more. */
const SEALED_OVERHEAD_BYTES = 2048;

interface Waiting {
  readonly taken: readonly TakenObservation[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Records what sensors tell until it is stopped. */
export class ObservationRecorder {
  readonly #parts: ObservationRecorderParts;
  readonly #recordings = new Set<RecordingId>();
  readonly #gathering: Waiting[] = [];
  #state: "new" | "running" | "ended" = "new";
  #failure: unknown;
  #full = false;
  #beganMs = 0;
  #lastMs = 0;
  #segmentCount = 0;
  #observationCount = 0;
  #order: "end" | { readonly leave: "conflict" | "patient" } | null = null;

  constructor(parts: ObservationRecorderParts) {
    this.#parts = parts;
  }

  /** The recording that the next observations go to; null when they begin a new one. */
  get recording(): RecordingId | null {
    return this.#parts.writer.recording;
  }

  /** Ends the recording with what it has; what follows is another recording. */
  endRecording(): void {
    this.#order ??= "end";
    this.#parts.bell.ring();
  }

  /** Leaves a recording that the server contradicts or erased, if it is the open one. */
  leaveRecording(recording: RecordingId, cause: "conflict" | "patient"): void {
    if (this.recording === recording) this.#order = { leave: cause };
  }

  /**
   * Takes observations, all or none of them. They are durable when this resolves.
   *
   * @throws {TerminalError} ERR_JOURNAL_FULL while it has no room, ERR_JOURNAL_DISK_FULL or ERR_JOURNAL_DISK,
   * ERR_TERMINAL_CLOSED when nothing is recorded any more.
   */
  take(taken: readonly TakenObservation[]): Promise<void> {
    const refusal = this.#refusal(taken.length);
    if (refusal !== undefined) return Promise.reject(refusal);
    return new Promise((resolve, reject) => {
      this.#gathering.push({ taken, resolve, reject });
      // Those that come in one turn of the event loop share one sync.
      if (this.#gathering.length === 1) setImmediate(() => this.#keep());
    });
  }

  /** Records until `signal` is aborted, then ends the recording. @throws {TerminalError} ERR_JOURNAL_DISK_FULL or ERR_JOURNAL_DISK. */
  async run(signal: AbortSignal): Promise<RecordReport> {
    const { drafts, bell, run } = this.#parts;
    this.#state = "running";
    try {
      while (!signal.aborted) {
        await this.#obey();
        await this.#sealWhatIsDue();
        if (signal.aborted) break;
        await bell.wait(run.clock, this.#untilDueMs(), signal);
        if (this.#failure !== undefined) throw this.#failure;
      }
      this.#keep();
      await this.#end("start");
      return this.#report();
    } finally {
      this.#state = "ended";
      this.#keep();
      this.#parts.sink.flush();
      drafts.close();
    }
  }

  #refusal(count: number): unknown {
    if (this.#failure !== undefined) return this.#failure;
    if (this.#state === "ended") return new TerminalError("ERR_TERMINAL_CLOSED", "terminal takes no observations");
    const gatheredCount = this.#gathering.reduce((sum, { taken }) => sum + taken.length, 0);
    const waitingCount = this.#parts.drafts.pending.length + gatheredCount;
    if (!this.#full && waitingCount + count <= WAITING_MAX) return undefined;
    return new TerminalError("ERR_JOURNAL_FULL", "journal has no room for observations");
  }

  /** Makes what was taken durable, and answers. */
  #keep(): void {
    const gathered = this.#gathering.splice(0);
    if (gathered.length === 0) return;
    const { drafts, run, bell } = this.#parts;
    const monotonicMs = run.clock.monotonicMs();
    const unixMs = run.clock.unixMs();
    const claimed = { unixMs, zoneOffsetMinutes: run.clock.zoneOffsetMinutes(unixMs) };
    const { bootId } = run;
    const kept = gathered.flatMap(({ taken }) => taken);
    try {
      if (this.#state === "ended") throw new TerminalError("ERR_TERMINAL_CLOSED", "terminal takes no observations");
      for (const observation of kept) {
        drafts.append({ bootId, monotonicMs, claimed, observation: { ...observation, afterMs: 0 } });
      }
      drafts.sync();
    } catch (error) {
      this.#failure ??= error;
      for (const { reject } of gathered) reject(error);
      bell.ring();
      return;
    }
    this.#lastMs = monotonicMs;
    for (const { resolve } of gathered) resolve();
    // The one that waits has to learn that something is due at all, or that a segment is full.
    if (drafts.pending.length === kept.length || drafts.pending.length >= OBSERVATIONS_PER_SEGMENT_MAX) bell.ring();
  }

  async #obey(): Promise<void> {
    const order = this.#order;
    this.#order = null;
    if (order === "end") await this.#end("patient");
    else if (order) this.#parts.writer.leave(order.leave);
  }

  /** The oldest drafts that can share a segment: of one run of the terminal, whose clock they have in common. */
  #nextBatch(): readonly Draft[] {
    const { pending } = this.#parts.drafts;
    const [first] = pending;
    if (!first) return [];
    const foreign = pending.findIndex(
      ({ bootId, monotonicMs }) => bootId !== first.bootId || monotonicMs - first.monotonicMs > UINT32_MAX,
    );
    return pending.slice(0, Math.min(foreign < 0 ? pending.length : foreign, OBSERVATIONS_PER_SEGMENT_MAX));
  }

  /** What was left by an earlier run is due at once, and so is a full segment. */
  #isDue(batch: readonly Draft[]): boolean {
    const [first] = batch;
    if (!first) return false;
    const { run, segmentLengthMs } = this.#parts;
    if (first.bootId !== run.bootId || batch.length >= OBSERVATIONS_PER_SEGMENT_MAX) return true;
    return run.clock.monotonicMs() - first.monotonicMs >= segmentLengthMs();
  }

  async #sealWhatIsDue(): Promise<void> {
    for (let batch = this.#nextBatch(); this.#isDue(batch); batch = this.#nextBatch()) {
      if (!(await this.#seal(batch, this.#endsWith(batch)))) return;
    }
    if (this.#isIdle()) await this.#end("start");
    else if (this.#isTooLong()) await this.#end("duration");
  }

  /** Why a recording ends with a batch: what an earlier run left is a recording of its own. */
  #endsWith(batch: readonly Draft[]): PredecessorCause | null {
    const { run, drafts } = this.#parts;
    const after = drafts.pending[batch.length];
    const isForeign = batch[0]?.bootId !== run.bootId;
    return isForeign && after?.bootId !== batch[0]?.bootId ? "restart" : null;
  }

  #isIdle(): boolean {
    const { run, drafts } = this.#parts;
    if (this.recording === null || drafts.pending.length > 0) return false;
    return run.clock.monotonicMs() - this.#lastMs >= IDLE_END_MS;
  }

  #isTooLong(): boolean {
    const { run, writer } = this.#parts;
    return writer.recording !== null && run.clock.monotonicMs() - this.#beganMs >= 1000 * RECORDING_SECONDS_MAX;
  }

  #untilDueMs(): number {
    const { drafts, run, segmentLengthMs } = this.#parts;
    if (this.#full) return ROOM_WAIT_MS;
    const [first] = drafts.pending;
    const nowMs = run.clock.monotonicMs();
    if (first) return Math.max(0, first.monotonicMs + segmentLengthMs() - nowMs);
    if (this.recording === null) return IDLE_END_MS;
    const endsAtMs = Math.min(this.#lastMs + IDLE_END_MS, this.#beganMs + 1000 * RECORDING_SECONDS_MAX);
    return Math.max(0, endsAtMs - nowMs);
  }

  /** Seals everything that waits, and the last segment of the open recording, were it empty. */
  async #end(nextCause: PredecessorCause): Promise<void> {
    for (let batch = this.#nextBatch(); batch.length > 0; batch = this.#nextBatch()) {
      const isLast = batch.length === this.#parts.drafts.pending.length;
      if (!(await this.#seal(batch, this.#endsWith(batch) ?? (isLast ? nextCause : null)))) return;
    }
    if (this.recording !== null) await this.#seal([], nextCause);
  }

  /**
   * Seals drafts as one segment. @param endCause why the recording ends with it, and another follows; null when it goes on.
   * @returns whether the journal had room.
   */
  async #seal(batch: readonly Draft[], endCause: PredecessorCause | null): Promise<boolean> {
    const { writer, sink, drafts, run, hasRoom } = this.#parts;
    const window = this.#windowOf(batch);
    this.#full = !hasRoom(window.encoded.length + SEALED_OVERHEAD_BYTES);
    if (this.#full) return false;
    const begins = this.recording === null;
    const sealed = writer.seal({ ...window, final: endCause !== null });
    await sink.write(sealed);
    if (begins) this.#beganMs = run.clock.monotonicMs();
    writer.written(sealed);
    if (endCause !== null) writer.leave(endCause);
    drafts.sealedUpTo(sealed.head.nextFrame);
    this.#segmentCount += 1;
    this.#observationCount += batch.length;
    this.#recordings.add(sealed.head.recording);
    return true;
  }

  #windowOf(batch: readonly Draft[]): Omit<Window, "final"> {
    const { clock, bootId } = this.#parts.run;
    const [first] = batch;
    const monotonicMs = first?.monotonicMs ?? clock.monotonicMs();
    const unixMs = clock.unixMs();
    const plain = encodeObservations(
      batch.map((draft) => ({ ...draft.observation, afterMs: draft.monotonicMs - monotonicMs })),
    );
    const packed = BYTE_CODECS.gzip.encode(plain);
    const isSmaller = packed.length < plain.length;
    return {
      stream: STREAM,
      codec: isSmaller ? "gzip" : "raw",
      encoded: isSmaller ? packed : plain,
      frameCount: batch.length,
      shape: null,
      boot: { bootId: first?.bootId ?? bootId, monotonicMs },
      claimed: first?.claimed ?? { unixMs, zoneOffsetMinutes: clock.zoneOffsetMinutes(unixMs) },
      nextFrame: this.#nextNumber(batch),
    };
  }

  #nextNumber(batch: readonly Draft[]): number {
    const last = batch.at(-1);
    return last ? last.number + 1 : (this.#parts.writer.head?.nextFrame ?? 0);
  }

  #report(): RecordReport {
    const [segmentCount, frameCount] = [this.#segmentCount, this.#observationCount];
    return { alreadyRecorded: false, segmentCount, frameCount, recordings: [...this.#recordings] };
  }
}
