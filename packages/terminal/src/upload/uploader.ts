/**
 * The uploader: pending items out, receipts in.
 *
 * Live items and backlog travel in lanes of their own, one request under way in each, so that what somebody may be
 * watching never waits behind what piled up. Polls carry what the server wants to say while nothing is sent.
 *
 * Source: docs/format.md §9.
 */
import type { RandomSource } from "@pericard/crypto";
import type { Bell } from "../bell.ts";
import type { Clock } from "../clock.ts";
import type { Journal } from "../journal/journal.ts";
import type { JournalEntry } from "../journal/journal-index.ts";
import { runLane, type LaneParts } from "./lane.ts";
import { isLiveItem, type LiveItems } from "./live-items.ts";
import type { Mailbox } from "./mailbox.ts";
import { Poll, type PollParts } from "./poll.ts";
import { sendBatch, type SenderParts } from "./sender.ts";
import type { PostAnswer } from "./transport.ts";

/** What is recorded while uploads run. */
export type Activity = "live" | "file" | "none";

/** What an uploader works with. */
export interface UploaderParts extends Pick<PollParts, "makeStatus" | "takeAnswer"> {
  readonly sender: SenderParts;
  readonly liveItems: LiveItems;
  readonly mailbox: Mailbox;
  readonly random: RandomSource;
  /** Rung when items became pending or done, and when the activity changed. */
  readonly bell: Bell;
  readonly activity: () => Activity;
}

/** How long a file's envelope waits for more segments after the last one, in milliseconds. */
const FILL_MS = 250;
const IDLE_MS = 60_000;

/** Uploads of one terminal; one run at a time. */
export class Uploader {
  readonly #parts: UploaderParts;
  readonly #clock: Clock;
  readonly #journal: Journal;
  #wasCutOff = false;

  constructor(parts: UploaderParts) {
    this.#parts = parts;
    this.#clock = parts.sender.clock;
    this.#journal = parts.sender.journal;
  }

  /**
   * Uploads until nothing is recorded and everything pending is receipted, and the server was told the final heads; or
   * until `signal` is aborted.
   *
   * @throws {TerminalError} ERR_SERVER_UNTRUSTED when there is no key to seal to or to believe.
   */
  async run(signal: AbortSignal): Promise<void> {
    this.#parts.sender.trust.requireUsable();
    const stop = new AbortController();
    const stopNow = (): void => stop.abort();
    signal.addEventListener("abort", stopNow);
    if (signal.aborted) stop.abort();
    try {
      const poll = this.#poll();
      await this.#untilDrained(stop, [
        this.#runLive(stop.signal),
        this.#runBacklog(stop.signal),
        poll.run(stop.signal),
      ]);
      await poll.once(signal);
    } finally {
      signal.removeEventListener("abort", stopNow);
    }
  }

  /** Waits for the end, and stops the others when one of them fails. */
  async #untilDrained(stop: AbortController, work: readonly Promise<void>[]): Promise<void> {
    const { bell } = this.#parts;
    const failed = Promise.all(work).catch((error: unknown) => {
      stop.abort();
      throw error;
    });
    while (!stop.signal.aborted && !this.#isDrained()) await bell.wait(this.#clock, IDLE_MS, stop.signal);
    stop.abort();
    await failed;
  }

  #isDrained(): boolean {
    return this.#parts.activity() === "none" && this.#journal.pending.size === 0;
  }

  #runLive(signal: AbortSignal): Promise<void> {
    const candidates = (): readonly JournalEntry[] => this.#parts.liveItems.list();
    return runLane({ ...this.#lane(), candidates, waitsForMoreUntilMs: () => 0 }, signal);
  }

  #runBacklog(signal: AbortSignal): Promise<void> {
    const candidates = (): Iterable<JournalEntry> => this.#backlog();
    const waitsForMoreUntilMs = (): number =>
      this.#parts.activity() === "file" ? this.#journal.lastAppendMs + FILL_MS : 0;
    return runLane({ ...this.#lane(), candidates, waitsForMoreUntilMs }, signal);
  }

  *#backlog(): Generator<JournalEntry> {
    const nowMs = this.#clock.monotonicMs();
    for (const entry of this.#journal.pending) if (!isLiveItem(entry, nowMs)) yield entry;
  }

  #lane(): Omit<LaneParts, "candidates" | "waitsForMoreUntilMs"> {
    const { sender, random, bell } = this.#parts;
    return {
      clock: this.#clock,
      random,
      bell,
      deliveries: sender.deliveries,
      send: (entries, signal) => sendBatch(sender, entries, signal),
      takeMail: (answer) => void this.#takeMail(answer),
    };
  }

  /** Whether an answer's mail was news. */
  #takeMail({ mail, target, cutOff }: PostAnswer): boolean {
    // What waited for the way to open may be due now.
    if (this.#wasCutOff && !cutOff) this.#parts.bell.ring();
    this.#wasCutOff = cutOff;
    const news = mail !== null && this.#parts.mailbox.take(mail);
    if (news) this.#parts.sender.transport.heard(target);
    return news;
  }

  #poll(): Poll {
    const { sender, random, makeStatus, takeAnswer } = this.#parts;
    const takeMail = (answer: PostAnswer): boolean => this.#takeMail(answer);
    return new Poll({ transport: sender.transport, clock: this.#clock, random, makeStatus, takeAnswer, takeMail });
  }
}
