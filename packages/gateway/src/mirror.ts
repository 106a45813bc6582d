/**
 * What waits for terminals: copies of their mailboxes at the server, as far as answers from upstream have brought them.
 *
 * In memory alone, on purpose. A copy that is lost here is still at the server: a terminal whose receipt was lost uploads
 * again and is answered again, and a command is repeated until a signed status says that it was seen. A copy on disk
 * would add a sync to every answer and bring back, after a restart, what the terminal has long had by another way.
 *
 * A mailbox belongs to a client and a routing id, because nothing proves to a gateway that a message with a routing id
 * comes from its terminal: what one client's messages brought back is not handed to another.
 *
 * Source: docs/format.md §9.2.
 */
import { MAIL_ANSWER_BYTES_MAX, MAIL_MESSAGES_MAX, type RoutingId } from "@pericard/protocol";

/** Names one mailbox: a client and a routing id. */
export type MailboxKey = `${RoutingId}/${string}`;

/** The mailbox of a terminal as one client reaches it. */
export function mailboxKey(client: string, routing: RoutingId): MailboxKey {
  return `${routing}/${client}`;
}

/** How much a mirror holds. */
export interface MirrorLimits {
  readonly bytesMax: number;
  readonly boxesMax: number;
}

interface Mailbox {
  readonly messages: Uint8Array[];
  sizeBytes: number;
}

/** What a message adds to an answer beside its own bytes, at most; and the answer's own head. */
const MESSAGE_OVERHEAD_BYTES = 5;
const ANSWER_HEAD_BYTES = 3;

function costOf(message: Uint8Array): number {
  return message.length + MESSAGE_OVERHEAD_BYTES;
}

/** Mailboxes in memory. Over its bounds, the one that was touched longest ago goes first. */
export class Mirror {
  readonly #limits: MirrorLimits;
  /** In the order in which they were last touched. */
  readonly #boxes = new Map<MailboxKey, Mailbox>();
  readonly #listeners = new Map<MailboxKey, Set<() => void>>();
  #sizeBytes = 0;

  constructor(limits: MirrorLimits) {
    this.#limits = limits;
  }

  has(key: MailboxKey): boolean {
    return this.#boxes.has(key);
  }

  /** Adds messages, the same bytes only once. A mailbox holds what fits into one answer; its oldest messages go first. */
  put(key: MailboxKey, messages: readonly Uint8Array[]): void {
    if (messages.length === 0) return;
    const box = this.#boxes.get(key) ?? { messages: [], sizeBytes: ANSWER_HEAD_BYTES };
    this.#forget(key);
    for (const message of messages) addMessage(box, message);
    this.#boxes.set(key, box);
    this.#sizeBytes += box.sizeBytes;
    this.#shrink();
    for (const listener of this.#listeners.get(key) ?? []) listener();
  }

  /** Everything that waits, at most one answer's worth. What is taken is gone. */
  take(key: MailboxKey): readonly Uint8Array[] {
    const messages = this.#boxes.get(key)?.messages ?? [];
    this.#forget(key);
    return messages;
  }

  /** Calls `listener` whenever mail comes, until the function given back is called. */
  onMail(key: MailboxKey, listener: () => void): () => void {
    const listeners = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(key) === listeners) this.#listeners.delete(key);
    };
  }

  #forget(key: MailboxKey): void {
    this.#sizeBytes -= this.#boxes.get(key)?.sizeBytes ?? 0;
    this.#boxes.delete(key);
  }

  #shrink(): void {
    for (const key of this.#boxes.keys()) {
      if (this.#boxes.size <= this.#limits.boxesMax && this.#sizeBytes <= this.#limits.bytesMax) return;
      this.#forget(key);
    }
  }
}

function addMessage(box: Mailbox, message: Uint8Array): void {
  if (box.messages.some((known) => Buffer.compare(known, message) === 0)) return;
  box.messages.push(message);
  box.sizeBytes += costOf(message);
  while (box.messages.length > MAIL_MESSAGES_MAX || box.sizeBytes > MAIL_ANSWER_BYTES_MAX) {
    box.sizeBytes -= costOf(box.messages.shift() ?? message);
  }
}
