/**
 * A terminal: records sources into its journal and uploads what is there.
 *
 * Source: ARCHITECTURE.md.
 */
import { STREAMS_PER_RECORDING, SUITE, type RecordingId } from "@pericard/protocol";
import type { UploadTarget } from "@pericard/trsm";
import { TerminalError } from "./errors.ts";
import type { TerminalEvent, TerminalListener } from "./events.ts";
import { FetchBackClient } from "./fetch-back/fetch-back.ts";
import { RefusedLog } from "./bridge/refused-log.ts";
import { makeObservationRecorder, makeRecorder, type RecorderMakerParts } from "./make-recorder.ts";
import { hasDrafts } from "./observe/drafts.ts";
import type { ObservationRecorder, TakenObservation } from "./observe/observation-recorder.ts";
import type { RecordReport } from "./record/recorder.ts";
import type { Source } from "./sources/source.ts";
import { requireAllowed, requireKeyed } from "./suite-rules.ts";
import { openParts, type TerminalParts, type TerminalPorts, type TerminalProfile } from "./terminal-parts.ts";
import { makeTerminalStatus, type TerminalStatus } from "./terminal-status.ts";
import { createUploader, type MadeUploader } from "./upload/create-uploader.ts";
import { StreamHeads } from "./upload/heads.ts";
import { LiveItems } from "./upload/live-items.ts";
import type { RecorderOrders } from "./upload/mail-actions.ts";
import type { Transport } from "./upload/transport.ts";
import type { Activity } from "./upload/uploader.ts";

/** How to record. */
export interface RecordOptions {
  /** Ends the recording: a live source is closed with what it has, a file is gone on with another time. */
  readonly signal: AbortSignal;
  /** Whether to upload at the same time, and after the end until everything is receipted. */
  readonly upload: boolean;
  /** Milliseconds for which uploads go on after `signal` is aborted. Default 5,000. */
  readonly graceMs?: number;
}

/**
 * Takes observations of a sensor, all or none of them. They are durable when this resolves.
 *
 * @throws {TerminalError} ERR_JOURNAL_FULL while there is no room, ERR_JOURNAL_DISK_FULL or ERR_JOURNAL_DISK,
 * ERR_TERMINAL_CLOSED when nothing is recorded any more.
 */
export type TakeObservations = (taken: readonly TakenObservation[]) => Promise<void>;

/** What records at the moment. */
interface ActiveRecorder extends RecorderOrders {
  readonly recording: RecordingId | null;
  run(signal: AbortSignal): Promise<RecordReport>;
}

/** How a run makes its recorder, and how what it records is uploaded. */
interface RecordingPlan {
  readonly activity: "live" | "file";
  readonly make: (waitForRoom: (() => Promise<boolean>) | undefined) => ActiveRecorder;
}

/** What was recorded, and what of the whole journal has no receipt yet. */
export interface TerminalReport extends RecordReport {
  readonly pendingItems: number;
}

const GRACE_MS = 5000;
const ROOM_WAIT_MS = 1000;

/** An open terminal. */
export class Terminal {
  readonly #parts: TerminalParts;
  readonly #connect: (targets: readonly UploadTarget[]) => Transport;
  readonly #listeners = new Set<TerminalListener>();
  readonly #streamHeads: StreamHeads;
  readonly #liveItems: LiveItems;
  readonly #onClose: () => void;
  #made: MadeUploader | undefined;
  #recorder: ActiveRecorder | undefined;
  #activity: Activity = "none";
  #uploading = false;
  #receiptsVerified = 0;
  #lastReceiptAtUnixMs: number | null = null;

  /**
   * Opens a deployed terminal.
   *
   * @param onClose called once, after everything was closed.
   * @throws {TrsmError} when the module does not open.
   * @throws {TerminalError} ERR_TERMINAL_STATE or ERR_JOURNAL_DISK. @throws {RangeError} for a profile out of range.
   */
  constructor(ports: TerminalPorts, profile: TerminalProfile = {}, onClose: () => void = () => undefined) {
    this.#parts = openParts(ports, profile);
    this.#connect = ports.transport;
    this.#onClose = onClose;
    this.#streamHeads = new StreamHeads(this.#parts.journal, this.#parts.heads.head);
    this.#liveItems = new LiveItems(ports.clock);
  }

  /** Tells every event from now on to `listener`. The result ends that. */
  onEvent(listener: TerminalListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Records a source until it ends or the signal is aborted.
   *
   * @throws {TerminalError} ERR_TERMINAL_BUSY when something is recorded or, with `upload`, uploaded; ERR_JOURNAL_FULL,
   * ERR_JOURNAL_DISK_FULL or ERR_JOURNAL_DISK, with everything journalled before intact; with `upload`
   * ERR_SERVER_UNTRUSTED or ERR_UPLOAD_NO_TARGET before anything is recorded; ERR_SUITE_REFUSED when the terminal is of suite
   * paper-2018 and the source is no test data. What the source throws.
   */
  record(source: Source, options: RecordOptions): Promise<TerminalReport> {
    return this.recordStreams([source], options);
  }

  /**
   * Records live sources as the streams of one recording, numbered from 0 in the order given, until one of them ends or the
   * signal is aborted. A gap or another format in one of them ends the recording of all.
   *
   * @param sources one, or up to 16 that are all live. @throws {RangeError} otherwise. @throws {TerminalError} as
   * {@link record}.
   */
  async recordStreams(sources: readonly [Source, ...Source[]], options: RecordOptions): Promise<TerminalReport> {
    if (sources.length > STREAMS_PER_RECORDING || (sources.length > 1 && sources.some(({ kind }) => kind !== "live"))) {
      throw new RangeError(`sources: expected one, or up to ${STREAMS_PER_RECORDING} that are all live`);
    }
    this.#requireIdle();
    for (const source of sources) requireAllowed(this.#parts.module.suite, source);
    if (hasDrafts(this.#parts.folder)) await this.#settleDrafts();
    return this.#recordAs(
      { activity: sources[0].kind, make: (wait) => makeRecorder(this.#recorderParts, sources, wait) },
      options,
    );
  }

  /**
   * Records what sensors tell until the signal is aborted.
   *
   * @param onReady given the function that takes observations, before the first is expected.
   * @throws {TerminalError} as {@link record}; ERR_SUITE_REFUSED for every terminal of suite paper-2018.
   */
  async observe(options: RecordOptions, onReady: (take: TakeObservations) => void): Promise<TerminalReport> {
    this.#requireIdle();
    const make = (): ObservationRecorder => {
      const recorder = makeObservationRecorder(this.#recorderParts);
      onReady((taken) => recorder.take(taken));
      return recorder;
    };
    return this.#recordAs({ activity: "live", make }, options);
  }

  /** Inputs that a bridge did not take. @throws {TerminalError} ERR_SUITE_REFUSED for suite paper-2018; ERR_JOURNAL_DISK. */
  openRefusedLog(): RefusedLog {
    return new RefusedLog(this.#parts.folder, requireKeyed(this.#parts.module));
  }

  /**
   * Uploads until everything in the journal is receipted and nothing is recorded, or until the signal is aborted.
   *
   * @throws {TerminalError} ERR_TERMINAL_BUSY when an upload runs; ERR_SERVER_UNTRUSTED; ERR_UPLOAD_NO_TARGET.
   */
  async upload({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    if (this.#uploading) throw new TerminalError("ERR_TERMINAL_BUSY", "terminal is uploading");
    const { uploader } = this.#uploader();
    this.#uploading = true;
    try {
      await uploader.run(signal);
    } finally {
      this.#uploading = false;
    }
    if (this.#activity === "none") this.#parts.journal.settle();
  }

  /**
   * Asks the server for what it stored of this terminal's current assignment.
   *
   * @throws {TerminalError} ERR_SUITE_REFUSED for a terminal of suite paper-2018, which has no key to seal it to;
   * ERR_SERVER_UNTRUSTED; ERR_UPLOAD_NO_TARGET.
   */
  fetchBack(): FetchBackClient {
    const { module, trust, clock, random, provision } = this.#parts;
    if (module.suite !== SUITE.pericard1) {
      throw new TerminalError("ERR_SUITE_REFUSED", "suite paper-2018 has no key that something can be returned to");
    }
    trust.requireUsable();
    const { transport, mailbox } = this.#uploader();
    const takeMail = (mail: Uint8Array): void => void mailbox.take(mail);
    return new FetchBackClient({ module, trust, clock, random, transport, routing: provision.routing, takeMail });
  }

  /** The state at this moment. */
  status(): TerminalStatus {
    return makeTerminalStatus(this.#parts, {
      recording: this.#recorder?.recording ?? null,
      receiptsVerified: this.#receiptsVerified,
      lastReceiptAtUnixMs: this.#lastReceiptAtUnixMs,
      target: this.#made?.transport.target ?? null,
      sentBytes: this.#made?.transport.sentBytes ?? 0,
      badMail: this.#made?.mailbox.badCount ?? 0,
    });
  }

  /** Closes files and connections. Abort and await what runs before. */
  close(): void {
    this.#made?.transport.close();
    this.#parts.journal.close();
    this.#onClose();
  }

  get #recorderParts(): RecorderMakerParts {
    return {
      ...this.#parts,
      emit: (event) => this.#emit(event),
      onDurable: ({ head, entry, sealedBytes }) => {
        this.#streamHeads.note(head);
        this.#liveItems.add(entry);
        const { recording, sequence, final } = head;
        this.#emit({ type: "segment", recording, sequence, sealedBytes, final });
      },
    };
  }

  #requireIdle(): void {
    if (this.#recorder) throw new TerminalError("ERR_TERMINAL_BUSY", "terminal is recording");
  }

  async #recordAs(plan: RecordingPlan, options: RecordOptions): Promise<TerminalReport> {
    const report = options.upload
      ? await this.#recordAndUpload(plan, options)
      : await this.#run(plan.make(undefined), plan.activity, options.signal);
    return { ...report, pendingItems: this.#parts.journal.pending.size };
  }

  /** Seals what an interrupted run left of observations, so that nothing else comes between them and their segments. */
  async #settleDrafts(): Promise<void> {
    await this.#run(makeObservationRecorder(this.#recorderParts), "live", AbortSignal.abort());
    this.#requireIdle();
  }

  async #recordAndUpload({ activity, make }: RecordingPlan, options: RecordOptions): Promise<RecordReport> {
    const { signal, graceMs = GRACE_MS } = options;
    const { clock, bell, trust } = this.#parts;
    if (this.#uploading) throw new TerminalError("ERR_TERMINAL_BUSY", "terminal is uploading");
    trust.requireUsable();
    this.#uploader();
    const stop = new AbortController();
    let uploadEnded = false;
    const waitForRoom = async (): Promise<boolean> => {
      this.#emit({ type: "waiting-for-room" });
      await bell.wait(clock, ROOM_WAIT_MS, signal);
      return !signal.aborted && !uploadEnded;
    };
    const recorder = make(activity === "file" ? waitForRoom : undefined);
    // The uploads must see that something is recorded before they ask whether they are done.
    this.#activity = activity;
    const uploads = this.upload({ signal: stop.signal }).finally(() => {
      uploadEnded = true;
      bell.ring();
    });
    const stopSoon = (): void => void clock.sleep(graceMs, stop.signal).then(() => stop.abort());
    signal.addEventListener("abort", stopSoon);
    if (signal.aborted) stopSoon();
    const recorded = await settle(this.#run(recorder, activity, signal));
    if ("error" in recorded) stop.abort();
    const uploaded = await settle(uploads);
    stop.abort();
    signal.removeEventListener("abort", stopSoon);
    return valueOf(recorded, uploaded);
  }

  async #run(recorder: ActiveRecorder, activity: "live" | "file", signal: AbortSignal): Promise<RecordReport> {
    const { journal, bell } = this.#parts;
    this.#recorder = recorder;
    this.#activity = activity;
    try {
      if (journal.failure) throw journal.failure;
      return await recorder.run(signal);
    } finally {
      this.#recorder = undefined;
      this.#activity = "none";
      bell.ring();
    }
  }

  #uploader(): MadeUploader {
    this.#made ??= createUploader(
      this.#parts,
      {
        streamHeads: this.#streamHeads,
        liveItems: this.#liveItems,
        activity: () => this.#activity,
        recorder: () => this.#recorder,
        emit: (event) => this.#emit(event),
      },
      this.#connect(this.#parts.provision.targets),
    );
    return this.#made;
  }

  #emit(event: TerminalEvent): void {
    if (event.type === "receipt") {
      this.#receiptsVerified += event.itemCount;
      this.#lastReceiptAtUnixMs = this.#parts.clock.unixMs();
    }
    for (const listener of this.#listeners) listener(event);
  }
}

type Settled<T> = { readonly value: T } | { readonly error: unknown };

async function settle<T>(work: Promise<T>): Promise<Settled<T>> {
  try {
    return { value: await work };
  } catch (error) {
    return { error };
  }
}

/** What was recorded; the first thing that failed is thrown. */
function valueOf(recorded: Settled<RecordReport>, uploaded: Settled<void>): RecordReport {
  if ("error" in recorded) throw recorded.error;
  if ("error" in uploaded) throw uploaded.error;
  return recorded.value;
}
