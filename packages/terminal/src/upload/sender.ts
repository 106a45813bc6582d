/** Turns a batch into one signed message and posts it. */
import type { EnvelopeId } from "@pericard/protocol";
import type { Clock } from "../clock.ts";
import { TerminalError } from "../errors.ts";
import type { Journal } from "../journal/journal.ts";
import { isDiskError } from "../journal/journal-error.ts";
import type { JournalEntry } from "../journal/journal-index.ts";
import type { Deliveries } from "./deliveries.ts";
import { sealBody, type SealParts } from "./seal-body.ts";
import type { PostAnswer, Transport, WayAnswer } from "./transport.ts";

/** What a sender works with. */
export interface SenderParts extends SealParts {
  readonly journal: Journal;
  readonly transport: Transport;
  readonly deliveries: Deliveries;
  readonly clock: Clock;
  /** Told of an item that the medium no longer gives back. */
  readonly onUnreadable: (entry: JournalEntry) => void;
}

/** Whether an answer means that the message reached the path. It moves no responsibility: only a receipt does. */
export function isDelivered(answer: WayAnswer): boolean {
  return answer.status === 200 || answer.status === 202;
}

/**
 * Sends one batch. undefined when none of it could be read.
 *
 * @throws {TerminalError} as {@link Transport.post}; ERR_SERVER_UNTRUSTED.
 */
export async function sendBatch(
  parts: SenderParts,
  entries: readonly JournalEntry[],
  signal: AbortSignal,
): Promise<PostAnswer | undefined> {
  const { deliveries, transport, clock } = parts;
  const { body, envelope, sent } = makeBody(parts, entries);
  if (!body) return undefined;
  for (const { target, atMs, cutOff } of deliveries.unreceipted(sent)) if (!cutOff) transport.doubt(target, atMs);
  deliveries.sending(sent, envelope);
  let answer: PostAnswer | undefined;
  try {
    answer = await transport.post(body, { signal });
    return answer;
  } finally {
    if (answer && isDelivered(answer)) {
      const { target, cutOff } = answer;
      deliveries.delivered(sent, { target, cutOff, atMs: clock.monotonicMs() });
    } else deliveries.failed(sent);
  }
}

interface Body {
  readonly body: Uint8Array | undefined;
  readonly envelope: EnvelopeId | null;
  readonly sent: readonly JournalEntry[];
}

function makeBody(parts: SenderParts, entries: readonly JournalEntry[]): Body {
  const read = entries.flatMap((entry) => {
    const bytes = tryRead(parts, entry);
    return bytes ? [{ entry, bytes }] : [];
  });
  const sent = read.map(({ entry }) => entry);
  const [first] = read;
  if (!first) return { body: undefined, envelope: null, sent };
  if (first.entry.kind === "gap") return { body: first.bytes, envelope: null, sent };
  const segments = read.map(({ bytes }) => bytes);
  const { bytes, envelope } = sealBody(parts, segments);
  return { body: bytes, envelope, sent };
}

function tryRead(parts: SenderParts, entry: JournalEntry): Uint8Array | undefined {
  try {
    return parts.journal.read(entry);
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    // A disk that gives nothing may give it later: only bytes that are other ones are lost for good.
    if (isDiskError(error)) parts.deliveries.postpone(entry, parts.clock.monotonicMs());
    else parts.onUnreadable(entry);
    return undefined;
  }
}
