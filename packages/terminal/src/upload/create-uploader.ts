/** Makes a terminal's uploader from its parts. */
import type { RecordingId } from "@pericard/protocol";
import type { TerminalEvent } from "../events.ts";
import { isDiskError } from "../journal/journal-error.ts";
import type { JournalEntry } from "../journal/journal-index.ts";
import { keepTrustedKeys, type TerminalParts } from "../terminal-parts.ts";
import { Answers } from "./answers.ts";
import { Deliveries } from "./deliveries.ts";
import type { StreamHeads } from "./heads.ts";
import type { LiveItems } from "./live-items.ts";
import { createMailActions, stateLost, type MailActionParts, type RecorderOrders } from "./mail-actions.ts";
import { Mailbox } from "./mailbox.ts";
import { signStatus } from "./status-statement.ts";
import type { Transport } from "./transport.ts";
import { Uploader, type Activity } from "./uploader.ts";

/** What an uploader must know of the terminal at any moment. */
export interface UploadView {
  readonly streamHeads: StreamHeads;
  readonly liveItems: LiveItems;
  readonly activity: () => Activity;
  readonly recorder: () => (RecorderOrders & { readonly recording: RecordingId | null }) | undefined;
  readonly emit: (event: TerminalEvent) => void;
}

/** An uploader and what its counters are read from. */
export interface MadeUploader {
  readonly uploader: Uploader;
  readonly mailbox: Mailbox;
  readonly transport: Transport;
}

/** @param transport closed by the caller. */
export function createUploader(parts: TerminalParts, view: UploadView, transport: Transport): MadeUploader {
  const { journal, module, envelopeCodec, clock, random, bell, trust } = parts;
  const { routing } = parts.provision;
  const deliveries = new Deliveries(transport, parts.receiptWaitMs);
  const answers = new Answers();
  const keysChanged = (): void => {
    view.emit({ type: "server-keys" });
    keepTrustedKeys(parts);
  };
  const actions: MailActionParts = { ...parts, ...view, routing, answers, deliveries, keysChanged };
  const mailbox = new Mailbox(routing, trust, createMailActions(actions));
  const onUnreadable = (entry: JournalEntry): void => tryStateLost(actions, entry, clock.monotonicMs());
  const sender = { journal, module, envelopeCodec, routing, trust, transport, deliveries, clock, onUnreadable };
  const { liveItems, activity } = view;
  const uploader = new Uploader({
    sender,
    liveItems,
    mailbox,
    random,
    bell,
    activity,
    takeAnswer: () => answers.take(),
    makeStatus: () => makeStatus(parts, view),
  });
  return { uploader, mailbox, transport };
}

function makeStatus(parts: TerminalParts, { streamHeads, recorder }: UploadView) {
  const { heads, told } = streamHeads.list(parts.journal, recorder()?.recording ?? null);
  const { routing } = parts.provision;
  const { mailSeen } = parts.heads;
  const segmentLengthMs = parts.commands.segmentLengthMs();
  return { signed: signStatus({ ...parts, routing, mailSeen, segmentLengthMs, heads }), told };
}

/** A disk that takes no statement now is asked again when the item would have been sent again. */
function tryStateLost(actions: MailActionParts, entry: JournalEntry, nowMs: number): void {
  try {
    stateLost(actions, entry);
  } catch (error) {
    if (!isDiskError(error)) throw error;
    actions.deliveries.postpone(entry, nowMs);
  }
}
