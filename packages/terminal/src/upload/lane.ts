/** One lane of uploads: one request under way at a time, oldest items first. */
import type { RandomSource } from "@pericard/crypto";
import type { Bell } from "../bell.ts";
import type { Clock } from "../clock.ts";
import { TerminalError } from "../errors.ts";
import type { JournalEntry } from "../journal/journal-index.ts";
import { Backoff } from "./backoff.ts";
import { ENVELOPE_BATCH_BYTES_MAX, pickBatch, type Batch } from "./batch.ts";
import type { Deliveries } from "./deliveries.ts";
import { isDelivered } from "./sender.ts";
import type { PostAnswer } from "./transport.ts";

/** What a lane works with. */
export interface LaneParts {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly bell: Bell;
  readonly deliveries: Deliveries;
  /** Items of this lane, oldest first. */
  readonly candidates: () => Iterable<JournalEntry>;
  /** The monotonic clock until which a batch that is not full waits for more. */
  readonly waitsForMoreUntilMs: () => number;
  readonly send: (entries: readonly JournalEntry[], signal: AbortSignal) => Promise<PostAnswer | undefined>;
  readonly takeMail: (answer: PostAnswer) => void;
}

const PAYLOAD_TOO_LARGE = 413;
const BATCH_BYTES_MIN = 64 * 1024;
const IDLE_MS = 60_000;

/** Runs until `signal` is aborted. @throws {TerminalError} ERR_SERVER_UNTRUSTED; journal errors. */
export async function runLane(parts: LaneParts, signal: AbortSignal): Promise<void> {
  const lane = new Lane(parts);
  while (!signal.aborted) await lane.step(signal);
}

class Lane {
  readonly #parts: LaneParts;
  readonly #backoff: Backoff;
  #bytesMax = ENVELOPE_BATCH_BYTES_MAX;

  constructor(parts: LaneParts) {
    this.#parts = parts;
    this.#backoff = new Backoff(parts.random);
  }

  /** Sends one batch, or waits for one. */
  async step(signal: AbortSignal): Promise<void> {
    const { clock, bell, deliveries, candidates } = this.#parts;
    const nowMs = clock.monotonicMs();
    const batch = pickBatch(candidates(), deliveries, nowMs, this.#bytesMax);
    const waitMs = this.#waitMs(batch, nowMs);
    if (waitMs > 0) await bell.wait(clock, Math.min(waitMs, IDLE_MS), signal);
    else await this.#send(batch, signal);
  }

  #waitMs(batch: Batch, nowMs: number): number {
    if (batch.entries.length === 0) return Math.max(1, batch.nextDueMs - nowMs);
    return batch.full ? 0 : this.#parts.waitsForMoreUntilMs() - nowMs;
  }

  async #send(batch: Batch, signal: AbortSignal): Promise<void> {
    try {
      const answer = await this.#parts.send(batch.entries, signal);
      if (!answer) return;
      if (isDelivered(answer)) {
        this.#backoff.succeeded();
        this.#parts.takeMail(answer);
        return;
      }
      if (answer.status === PAYLOAD_TOO_LARGE) this.#bytesMax = Math.max(BATCH_BYTES_MIN, batch.sizeBytes / 2);
      await this.#rest(answer.retryAfterMs, signal);
    } catch (error) {
      if (!isTransient(error)) throw error;
      await this.#rest(null, signal);
    }
  }

  async #rest(retryAfterMs: number | null, signal: AbortSignal): Promise<void> {
    await this.#parts.clock.sleep(this.#backoff.failed(retryAfterMs), signal);
  }
}

/** Whether an error of a transport passes by itself. */
export function isTransient(error: unknown): boolean {
  return error instanceof TerminalError && error.code.startsWith("ERR_UPLOAD_");
}
