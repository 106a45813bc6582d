/**
 * The indexer: makes summaries of what was stored, after the receipt, and marks impossible values.
 *
 * It takes what time ingest leaves: while uploads come it rests four times as long as it works. What it had to leave
 * out it finds again in the catalog.
 */
import type { RecordingId } from "@pericard/protocol";
import type { Audit } from "../access/audit.ts";
import type { Catalog, StoredPackage } from "../catalog/catalog.ts";
import type { RecordingKeys } from "../keys/recordings.ts";
import type { SegmentReader } from "./segment-reader.ts";

const QUEUE_MAX = 128;
/** Segments that wait are kept in memory up to this; others are read back. */
const QUEUE_BYTES_MAX = 32 * 1024 * 1024;
const REST_FACTOR = 4;
const SCAN_MS = 15_000;
const SCAN_COUNT = 64;

interface Job {
  readonly recording: RecordingId;
  readonly sequence: number;
  readonly plain: Uint8Array | null;
}

export interface IndexerParts {
  readonly catalog: Catalog;
  readonly reader: SegmentReader;
  readonly recordingKeys: RecordingKeys;
  readonly audit: Audit;
  readonly monotonicMs: () => number;
  readonly onError: (error: unknown) => void;
}

export class Indexer {
  readonly #parts: IndexerParts;
  readonly #queue: Job[] = [];
  #lastStoredMs = Number.NEGATIVE_INFINITY;
  #working = false;
  #closed = false;
  #queuedBytes = 0;
  /** Whether the catalog may have segments without a summary that are not in the queue. */
  #isBehind = true;
  #timer: NodeJS.Timeout;

  constructor(parts: IndexerParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => void this.#scan(), SCAN_MS);
    this.#timer.unref();
    void this.#scan();
  }

  /** Takes note of a stored package. */
  add(stored: StoredPackage, plain: readonly Uint8Array[]): void {
    this.#lastStoredMs = this.#parts.monotonicMs();
    if (stored.stream !== 0) return;
    for (const [i, { sequence }] of stored.items.entries()) {
      const bytes = plain[i];
      if (this.#queue.length >= QUEUE_MAX || !bytes || this.#queuedBytes + bytes.length > QUEUE_BYTES_MAX) {
        this.#isBehind = true;
        break;
      }
      this.#queuedBytes += bytes.length;
      this.#queue.push({ recording: stored.recording, sequence, plain: bytes });
    }
    void this.#work();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
  }

  async #scan(): Promise<void> {
    if (!this.#isBehind || this.#queue.length > 0 || this.#closed) return;
    try {
      this.#isBehind = false;
      const jobs = await this.#parts.catalog.findUnsummarised(SCAN_COUNT);
      this.#queue.push(...jobs.map((job) => ({ ...job, plain: null })));
      await this.#work();
      // After a failure `#isBehind` is true again: the next scan waits for the timer, so that nothing spins.
      if (jobs.length < SCAN_COUNT || this.#isBehind) return;
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
      this.#queuedBytes -= job.plain?.length ?? 0;
      await this.#index(job).catch((error: unknown) => this.#fail(error));
      await this.#rest(this.#parts.monotonicMs() - begunMs);
    }
    this.#working = false;
  }

  #rest(workedMs: number): Promise<void> {
    const busy = this.#parts.monotonicMs() - this.#lastStoredMs < 100;
    return busy ? new Promise((resolve) => setTimeout(resolve, REST_FACTOR * workedMs)) : Promise.resolve();
  }

  async #index({ recording, sequence, plain }: Job): Promise<void> {
    const { catalog, reader, recordingKeys, audit } = this.#parts;
    const row = await catalog.findRecording(recording);
    if (!row) return;
    const { dataKey } = await recordingKeys.get(recording);
    const made = plain
      ? await reader.decoder.summariseBody(plain, dataKey, recording, sequence)
      : await this.#indexStored(row.key, recording, sequence, dataKey);
    if (!made) return;
    await catalog.storeSummaries(row.key, [{ sequence, suspect: made.suspect, sealed: made.sealed }]);
    if (!made.suspect) return;
    const subject = `${recording} ${sequence}`;
    await audit.record({ actor: "indexer", action: "mark suspect", subject, outcome: "done" });
  }

  async #indexStored(recordingKey: number, recording: RecordingId, sequence: number, dataKey: Uint8Array) {
    const { catalog, reader } = this.#parts;
    const placement = await catalog.findPlacement(recordingKey, sequence);
    if (!placement) return undefined;
    return reader.fromAnyCopy(placement, (bytes) =>
      reader.decoder.summarisePackage(bytes, dataKey, placement.item, recording, sequence),
    );
  }
}
