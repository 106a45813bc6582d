/**
 * The indexer: makes summaries of what was stored, after the receipt, and marks impossible values.
 *
 * It takes what time ingest leaves: while uploads come it rests nineteen times as long as it works. What it had to leave
 * out it finds again in the catalog.
 */
import { releaseBytes, type RecordingId } from "@pericard/protocol";
import type { Audit } from "../access/audit.ts";
import type { Catalog, StoredPackage } from "../catalog/catalog.ts";
import type { RecordingKeys } from "../keys/recordings.ts";
import type { SealedSummary } from "./decode-thread.ts";
import type { SegmentReader } from "./segment-reader.ts";
import { summaryRow } from "./summaries.ts";

const QUEUE_MAX = 128;
/** Segments that wait are kept in memory up to this; others are read back. */
const QUEUE_BYTES_MAX = 32 * 1024 * 1024;
const REST_FACTOR = 19;
const SCAN_MS = 15_000;
const SCAN_COUNT = 64;
const NO_BYTES = new Uint8Array(0);

/** A segment that was just stored, by its Data_i. */
interface FreshJob {
  readonly recording: RecordingId;
  readonly stream: number;
  readonly sequence: number;
  readonly plain: Uint8Array;
}

/** Segments of one stream that are read back. */
interface StoredJob {
  readonly recording: RecordingId;
  readonly stream: number;
  readonly sequences: readonly number[];
}

export interface IndexerParts {
  readonly catalog: Catalog;
  readonly reader: SegmentReader;
  readonly recordingKeys: RecordingKeys;
  readonly audit: Audit;
  readonly monotonicMs: () => number;
  /** How often the catalog is looked through for what others left out, where servers share one; never without it. */
  readonly lookMs?: number | undefined;
  readonly onError: (error: unknown) => void;
}

export class Indexer {
  readonly #parts: IndexerParts;
  readonly #queue: (FreshJob | StoredJob)[] = [];
  #lastStoredMs = Number.NEGATIVE_INFINITY;
  #working = false;
  #closed = false;
  #queuedBytes = 0;
  /** Whether the catalog may have segments without a summary that are not in the queue. */
  #isBehind = true;
  #timer: NodeJS.Timeout;
  #lookTimer: NodeJS.Timeout | undefined;

  constructor(parts: IndexerParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => void this.#scan(), SCAN_MS);
    this.#timer.unref();
    if (parts.lookMs !== undefined) this.#lookTimer = setInterval(() => void this.#lookAgain(), parts.lookMs).unref();
    void this.#scan();
  }

  /** Takes note of a stored package. `plain` is the indexer's from now on. */
  add(stored: StoredPackage, plain: readonly Uint8Array[]): void {
    this.#lastStoredMs = this.#parts.monotonicMs();
    for (const [i, { sequence }] of stored.items.entries()) {
      const bytes = plain[i] ?? NO_BYTES;
      if (this.#queue.length < QUEUE_MAX && this.#queuedBytes + bytes.length <= QUEUE_BYTES_MAX) {
        this.#queuedBytes += bytes.length;
        this.#queue.push({ recording: stored.recording, stream: stored.stream, sequence, plain: bytes });
      } else {
        this.#isBehind = true;
        releaseBytes(bytes);
      }
    }
    void this.#work();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    clearInterval(this.#lookTimer);
  }

  #lookAgain(): Promise<void> {
    this.#isBehind = true;
    return this.#scan();
  }

  async #scan(): Promise<void> {
    if (!this.#isBehind || this.#queue.length > 0 || this.#closed) return;
    try {
      this.#isBehind = false;
      const { segments: found, more } = await this.#parts.catalog.findUnsummarised(SCAN_COUNT);
      for (const segments of Map.groupBy(found, (one) => `${one.recording}/${one.stream}`).values()) {
        const [first] = segments;
        if (!first) continue;
        const { recording, stream } = first;
        this.#queue.push({ recording, stream, sequences: segments.map(({ sequence }) => sequence) });
      }
      await this.#work();
      // After a failure `#isBehind` is true again: the next scan waits for the timer, so that nothing spins.
      if (!more || this.#isBehind) return;
      this.#isBehind = true;
      setImmediate(() => void this.#scan());
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#isBehind = true;
    if (!this.#closed) this.#parts.onError(error);
  }

  async #work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    for (let job = this.#queue.shift(); job && !this.#closed; job = this.#queue.shift()) {
      const begunMs = this.#parts.monotonicMs();
      if ("plain" in job) this.#queuedBytes -= job.plain.length;
      await this.#index(job).catch((error: unknown) => this.#fail(error));
      await this.#rest(this.#parts.monotonicMs() - begunMs);
    }
    this.#working = false;
  }

  #rest(workedMs: number): Promise<void> {
    const busy = this.#parts.monotonicMs() - this.#lastStoredMs < 100;
    return busy ? new Promise((resolve) => setTimeout(resolve, REST_FACTOR * workedMs)) : Promise.resolve();
  }

  async #index(job: FreshJob | StoredJob): Promise<void> {
    const { catalog, audit } = this.#parts;
    const row = await catalog.findRecording(job.recording);
    if (!row) return;
    const made = "plain" in job ? [await this.#summariseFresh(job)] : await this.#summariseStored(row.key, job);
    await catalog.storeSummaries(row.key, job.stream, made.map(summaryRow));
    for (const { sequence } of made.filter(({ suspect }) => suspect)) {
      const subject = `${job.recording} ${job.stream} ${sequence}`;
      await audit.record({ actor: "indexer", action: "mark suspect", subject, outcome: "done" });
    }
  }

  async #summariseFresh({ recording, stream, sequence, plain }: FreshJob): Promise<SealedSummary> {
    const { dataKey } = await this.#parts.recordingKeys.get(recording);
    const made = this.#parts.reader.decoder.summariseBody(plain, { recording, stream, dataKey }, sequence);
    releaseBytes(plain);
    return made;
  }

  async #summariseStored(recordingKey: number, job: StoredJob): Promise<readonly SealedSummary[]> {
    const { recording, stream, sequences } = job;
    const { catalog, reader } = this.#parts;
    const found = await Promise.all(sequences.map((sequence) => catalog.findPlacement(recordingKey, stream, sequence)));
    return reader.summarise(
      recording,
      stream,
      found.filter((placement) => placement !== null),
    );
  }
}
