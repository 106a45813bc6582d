/** What was sent and waits for its receipt. */
import type { EnvelopeId } from "@pericard/protocol";
import type { JournalEntry } from "../journal/journal-index.ts";

/** An item that was delivered and not receipted is sent again after this, doubled each time, in milliseconds. */
export const RESEND_MS = { first: 30_000, max: 600_000 } as const;
const ENVELOPES_MAX = 256;

interface Delivery {
  sentCount: number;
  dueAtMs: number;
  inFlight: boolean;
  /** Whether it travels alone, because an envelope that it was in could not be taken. */
  alone: boolean;
}

/** Items that were sent at least once. */
export class Deliveries {
  readonly #deliveries = new Map<JournalEntry, Delivery>();
  readonly #envelopes = new Map<EnvelopeId, readonly JournalEntry[]>();

  /** The monotonic clock from which an item may be sent; infinite while it is under way. */
  dueAtMs(entry: JournalEntry): number {
    const delivery = this.#deliveries.get(entry);
    if (!delivery) return 0;
    return delivery.inFlight ? Number.POSITIVE_INFINITY : delivery.dueAtMs;
  }

  travelsAlone(entry: JournalEntry): boolean {
    return this.#deliveries.get(entry)?.alone ?? false;
  }

  /** Notes that items are under way, in an envelope or as statements of their own. */
  sending(entries: readonly JournalEntry[], envelope: EnvelopeId | null): void {
    for (const entry of entries) this.#of(entry).inFlight = true;
    if (envelope === null) return;
    this.#envelopes.set(envelope, entries);
    const [oldest] = this.#envelopes.keys();
    if (oldest !== undefined && this.#envelopes.size > ENVELOPES_MAX) this.#envelopes.delete(oldest);
  }

  /** Notes that items reached the path: without a receipt they are due again later. */
  delivered(entries: readonly JournalEntry[], nowMs: number): void {
    for (const entry of entries) {
      const delivery = this.#deliveries.get(entry);
      if (!delivery) continue;
      delivery.inFlight = false;
      delivery.dueAtMs = nowMs + Math.min(RESEND_MS.first * 2 ** Math.min(delivery.sentCount, 16), RESEND_MS.max);
      delivery.sentCount += 1;
    }
  }

  /** Notes that items did not reach the path: they are due at once. */
  failed(entries: readonly JournalEntry[]): void {
    for (const entry of entries) {
      const delivery = this.#deliveries.get(entry);
      if (delivery) delivery.inFlight = false;
    }
  }

  /** Makes an item due later, as if it had been delivered. */
  postpone(entry: JournalEntry, nowMs: number): void {
    this.#of(entry);
    this.delivered([entry], nowMs);
  }

  /** Makes items due at once, each in an envelope of its own. */
  separate(entries: readonly JournalEntry[]): void {
    for (const entry of entries) {
      const delivery = this.#of(entry);
      delivery.alone = true;
      delivery.dueAtMs = 0;
    }
  }

  /** What an envelope of this run carried; undefined when it is not one of the last. */
  contentsOf(envelope: EnvelopeId): readonly JournalEntry[] | undefined {
    return this.#envelopes.get(envelope);
  }

  /** Forgets items that are done or set aside. */
  forget(entries: readonly JournalEntry[]): void {
    for (const entry of entries) this.#deliveries.delete(entry);
  }

  #of(entry: JournalEntry): Delivery {
    const known = this.#deliveries.get(entry);
    if (known) return known;
    const made = { sentCount: 0, dueAtMs: 0, inFlight: false, alone: false };
    this.#deliveries.set(entry, made);
    return made;
  }
}
