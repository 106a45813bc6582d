/** What receipts, conflicts, refusals, rewraps, erasures and commands do to the journal and the recorder. */
import type { Conflict, Erased, Receipt, RecordingId, Rejected, Rewrap, Command } from "@pericard/protocol";
import { TerminalError } from "../errors.ts";
import type { Bell } from "../bell.ts";
import type { Commands } from "../commands.ts";
import type { GapStatements } from "../gap-statements.ts";
import { hashKeyOf } from "../hash-key.ts";
import type { HeadKeeper } from "../head-keeper.ts";
import type { Journal } from "../journal/journal.ts";
import type { JournalEntry } from "../journal/journal-index.ts";
import type { ServerTrust } from "../server-trust.ts";
import type { Deliveries } from "./deliveries.ts";
import { takeKeyChange, type KeyChangeParts } from "./key-change-actions.ts";
import type { MailActions } from "./mailbox.ts";
import { resealAsConflict } from "./reseal.ts";

/** What of a recorder the server may move. */
export interface RecorderOrders {
  endRecording(): void;
  /** What is recorded from now on is another recording, for this cause. */
  leaveRecording(recording: RecordingId, cause: "conflict" | "patient"): void;
}

/** What the actions work with. */
export interface MailActionParts extends KeyChangeParts {
  readonly journal: Journal;
  readonly heads: HeadKeeper;
  readonly gaps: GapStatements;
  readonly commands: Commands;
  readonly deliveries: Deliveries;
  readonly trust: ServerTrust;
  readonly bell: Bell;
  /** The recorder of this moment; undefined when nothing is recorded. */
  readonly recorder: () => RecorderOrders | undefined;
  readonly keysChanged: () => void;
}

/** The actions of one terminal. */
export function createMailActions(parts: MailActionParts): MailActions {
  return {
    receipt: (receipt) => takeReceipt(parts, receipt),
    conflict: (conflict) => takeConflict(parts, conflict),
    rejected: (rejected) => takeRejected(parts, rejected),
    rewrap: (rewrap) => takeRewrap(parts, rewrap),
    erased: (erased) => takeErased(parts, erased),
    command: (command) => takeCommand(parts, command),
    keyChange: (type, message) => takeKeyChange(parts, type, message),
    keysChanged: parts.keysChanged,
  };
}

/** Marks exactly those items done whose bytes hash to what the receipt lists. */
function takeReceipt({ journal, deliveries, emit }: MailActionParts, { hashes, copyCount }: Receipt): boolean {
  const entries = hashes.flatMap((hash) => {
    const entry = journal.find(hashKeyOf(hash));
    return entry && (entry.state === "pending" || entry.state === "quarantined") ? [entry] : [];
  });
  if (entries.length === 0) return false;
  journal.markDone(entries);
  deliveries.forget(entries);
  emit({ type: "receipt", itemCount: entries.length, copyCount });
  return true;
}

/** Keeps the samples in a recording of their own; a recorder that is in the contradicted one begins another. */
function takeConflict(parts: MailActionParts, conflict: Conflict): boolean {
  const { deliveries, recorder, emit } = parts;
  const entry = parts.journal.find(hashKeyOf(conflict.hash));
  if (entry?.state !== "pending" || entry.kind !== "segment") return false;
  if (!tryReseal(parts, entry)) return true;
  const { recording, sequence } = entry.place;
  deliveries.forget([entry]);
  recorder()?.leaveRecording(recording, "conflict");
  emit({ type: "conflict", recording, sequence, cause: conflict.cause });
  return true;
}

function tryReseal(parts: MailActionParts, entry: JournalEntry): boolean {
  try {
    resealAsConflict(parts, entry);
    return true;
  } catch (error) {
    const isLost = error instanceof TerminalError && error.code === "ERR_JOURNAL_ITEM_UNREADABLE";
    if (!isLost) throw error;
    stateLost(parts, entry);
    return false;
  }
}

/** States the gap of an item that the medium no longer gives back. */
export function stateLost(
  { journal, gaps, deliveries, emit }: Pick<MailActionParts, "journal" | "gaps" | "deliveries" | "emit">,
  entry: JournalEntry,
): void {
  if (entry.kind === "segment") gaps.state(entry.place, "unreadable");
  journal.sync();
  journal.markDone([entry]);
  deliveries.forget([entry]);
  emit({ type: "gap", recording: entry.place.recording, sequence: entry.place.sequence, cause: "unreadable" });
}

/** Sets items aside. An envelope that could not be read as a whole is tried again item by item first. */
function takeRejected(parts: MailActionParts, { code, envelope, hashes }: Rejected): boolean {
  const { journal, deliveries } = parts;
  const named = hashes.flatMap((hash) => journal.find(hashKeyOf(hash)) ?? []);
  const carried = envelope === null || hashes.length > 0 ? [] : (deliveries.contentsOf(envelope) ?? []);
  const meant = [...named, ...carried].filter((entry) => entry.state === "pending");
  if (meant.length === 0) return false;
  if (carried.length > 1) deliveries.separate(meant);
  else for (const entry of meant) setAside(parts, entry, code);
  return true;
}

function setAside({ journal, gaps, deliveries, emit }: MailActionParts, entry: JournalEntry, code: string): void {
  journal.quarantine(entry, code);
  if (entry.kind === "segment") gaps.state(entry.place, "quarantined");
  journal.sync();
  deliveries.forget([entry]);
  emit({ type: "rejected", recording: entry.place.recording, sequence: entry.place.sequence, code });
}

/**
 * Marks exactly those items done that it lists, and only if they are of the recording that it names. A recorder that is in
 * that recording begins another: what it records from now on may be somebody else's.
 */
function takeErased(parts: MailActionParts, { recording, hashes }: Erased): boolean {
  const { journal, deliveries, recorder, emit } = parts;
  const entries = hashes.flatMap((hash) => {
    const entry = journal.find(hashKeyOf(hash));
    const isWaiting = entry?.state === "pending" || entry?.state === "quarantined";
    return entry && isWaiting && entry.place.recording === recording ? [entry] : [];
  });
  if (entries.length === 0) return false;
  journal.markDone(entries);
  deliveries.forget(entries);
  recorder()?.leaveRecording(recording, "patient");
  emit({ type: "erased", recording, itemCount: entries.length });
  return true;
}

/**
 * Sends what an envelope carried again at once, sealed to a newer key. Without a newer one it would only be refused again:
 * it is sent when it would have been without this word, and perhaps the statement of a newer key has come by then.
 */
function takeRewrap({ deliveries, trust, bell, emit }: MailActionParts, { envelope, hpkeKey }: Rewrap): boolean {
  if (trust.getRecipient().hpkeKey === hpkeKey) return false;
  const renewed = deliveries.renew(envelope);
  if (renewed.length === 0) return false;
  bell.ring();
  emit({ type: "rewrap", itemCount: renewed.length });
  return true;
}

/** Carries out what is newer than everything carried out before, and remembers that durably. */
function takeCommand({ heads, commands, recorder, emit }: MailActionParts, command: Command): boolean {
  if (command.mailNumber <= heads.mailSeen) return false;
  if (command.name === "segment-length") commands.takeSegmentLength(command);
  else recorder()?.endRecording();
  heads.setMailSeen(command.mailNumber);
  emit({ type: "command", name: command.name, value: command.value });
  return true;
}
