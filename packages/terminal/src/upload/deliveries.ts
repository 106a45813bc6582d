/** What was sent and waits for its receipt. */
import type { EnvelopeId } from "@pericard/protocol";
import type { JournalEntry } from "../journal/journal-index.ts";
import type { Transport } from "./transport.ts";

/** When an item that was delivered and not receipted is sent again, in milliseconds: after `first`, doubled each time. */
export const RESEND_MS = { first: 30_000, max: 600_000 } as const;

/** What deliveries know of the way. */
export type DeliveryPath = Pick<Transport, "preferred" | "quietSinceMs">;
const ENVELOPES_MAX = 256;

/** How a target took an item. */
export interface Taken {
  readonly target: string;
  readonly atMs: number;
  readonly cutOff: boolean;
}

interface Delivery {
  sentCount: number;
  dueAtMs: number;
  /** Which target took it last and when, and whether that could pass nothing on; null when none did. */
  taken: Taken | null;
  inFlight: boolean;
  /** Whether it travels alone, because an envelope that it was in could not be taken. */
  alone: boolean;
  /** The last envelope that carried it. */
  envelope: EnvelopeId | null;
}

/** Items that were sent at least once. */
export class Deliveries {
  readonly #deliveries = new Map<JournalEntry, Delivery>();
  readonly #envelopes = new Map<EnvelopeId, readonly JournalEntry[]>();
  readonly #path: DeliveryPath;
  readonly #receiptWaitMs: number;

  /**
   * @param receiptWaitMs how long a receipt is waited for before an item is sent again the first time.
   */
  constructor(path: DeliveryPath, receiptWaitMs: number = RESEND_MS.first) {
    this.#path = path;
    this.#receiptWaitMs = receiptWaitMs;
  }

  /**
   * The monotonic clock from which an item may be sent; infinite while it is under way, and while it waits in a gateway that
   * is cut off and would be asked again.
   */
  dueAtMs(entry: JournalEntry): number {
    const delivery = this.#deliveries.get(entry);
    if (!delivery) return 0;
    if (delivery.inFlight) return Number.POSITIVE_INFINITY;
    const { taken, dueAtMs } = delivery;
    if (!taken?.cutOff || taken.target !== this.#path.preferred) return dueAtMs;
    return Math.max(dueAtMs, this.#path.quietSinceMs(taken.target) + this.#receiptWaitMs);
  }

  /** How items were taken before that are sent again because no receipt came. */
  unreceipted(entries: readonly JournalEntry[]): readonly Taken[] {
    return entries.flatMap((entry) => this.#deliveries.get(entry)?.taken ?? []);
  }

  travelsAlone(entry: JournalEntry): boolean {
    return this.#deliveries.get(entry)?.alone ?? false;
  }

  /** Notes that items are under way, in an envelope or as statements of their own. */
  sending(entries: readonly JournalEntry[], envelope: EnvelopeId | null): void {
    for (const entry of entries) {
      const delivery = this.#of(entry);
      delivery.inFlight = true;
      delivery.envelope = envelope;
    }
    if (envelope === null) return;
    this.#envelopes.set(envelope, entries);
    const [oldest] = this.#envelopes.keys();
    if (oldest !== undefined && this.#envelopes.size > ENVELOPES_MAX) this.#envelopes.delete(oldest);
  }

  /** Notes that items reached the path: without a receipt they are due again later. */
  delivered(entries: readonly JournalEntry[], taken: Taken): void {
    for (const entry of entries) {
      const delivery = this.#deliveries.get(entry);
      if (!delivery) continue;
      delivery.taken = taken;
      this.#dueLater(delivery, taken.atMs);
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
    this.#dueLater(this.#of(entry), nowMs);
  }

  /** Makes items due at once, each in an envelope of its own. */
  separate(entries: readonly JournalEntry[]): void {
    for (const entry of entries) {
      const delivery = this.#of(entry);
      delivery.alone = true;
      delivery.taken = null;
      delivery.dueAtMs = 0;
    }
  }

  /**
   * Makes due at once what was sent in an envelope and in none since. Said again of the same envelope, it does nothing.
   *
   * @returns those items.
   */
  renew(envelope: EnvelopeId): readonly JournalEntry[] {
    const renewed = (this.#envelopes.get(envelope) ?? []).filter((entry) => {
      const delivery = this.#deliveries.get(entry);
      return delivery?.envelope === envelope && !delivery.inFlight;
    });
    for (const entry of renewed) {
      const delivery = this.#of(entry);
      delivery.taken = null;
      delivery.dueAtMs = 0;
      delivery.envelope = null;
    }
    return renewed;
  }

  /** What an envelope of this run carried; undefined when it is not one of the last. */
  contentsOf(envelope: EnvelopeId): readonly JournalEntry[] | undefined {
    return this.#envelopes.get(envelope);
  }

  /** Forgets items that are done or set aside. */
  forget(entries: readonly JournalEntry[]): void {
    for (const entry of entries) this.#deliveries.delete(entry);
  }

  #dueLater(delivery: Delivery, nowMs: number): void {
    const maxMs = Math.max(RESEND_MS.max, this.#receiptWaitMs);
    delivery.inFlight = false;
    delivery.dueAtMs = nowMs + Math.min(this.#receiptWaitMs * 2 ** Math.min(delivery.sentCount, 16), maxMs);
    delivery.sentCount += 1;
  }

  #of(entry: JournalEntry): Delivery {
    const known = this.#deliveries.get(entry);
    if (known) return known;
    const made = { sentCount: 0, dueAtMs: 0, taken: null, inFlight: false, alone: false, envelope: null };
    this.#deliveries.set(entry, made);
    return made;
  }
}
