/** The newest recorded segment, across restarts: from the journal while its item is there, from `terminal.state` after. */
import { CryptoError } from "@pericard/crypto";
import type { Folder } from "@pericard/framelog";
import { compareKeyUse, parseJournalledHeader } from "@pericard/protocol";
import type { TerminalModule } from "@pericard/trsm";
import { hashOf } from "./hash-key.ts";
import type { Journal } from "./journal/journal.ts";
import { journalError } from "./journal/journal-error.ts";
import type { JournalEntry } from "./journal/journal-index.ts";
import { shapeHashOf } from "./shape.ts";
import { readState, writeState, type RecordedHead, type TerminalState } from "./state-file.ts";

/** Keeps head and mail number. Heads that were appended but not synced are the recorder's own. */
export class HeadKeeper {
  readonly #folder: Folder;
  #saved: TerminalState;
  #head: RecordedHead | null;
  #headFileNumber: number | null = null;

  /** Finds the newest durable head. @throws {TerminalError} ERR_TERMINAL_STATE when `terminal.state` is damaged. */
  constructor(folder: Folder, journal: Journal, module: TerminalModule) {
    this.#folder = folder;
    this.#saved = readState(folder);
    this.#head = this.#saved.head;
    const { newest } = journal.replay;
    const entry = newest && journal.find(newest.key);
    if (!entry || (this.#head && compareKeyUse(newest.keyUse, this.#head.keyUse) <= 0)) return;
    this.setHead(headOfItem(journal, entry, module), entry);
  }

  /** The newest durable segment; null before the first recording. */
  get head(): RecordedHead | null {
    return this.#head;
  }

  get mailSeen(): number {
    return this.#saved.mailSeen;
  }

  /** Notes a head whose item is durable in the journal. */
  setHead(head: RecordedHead, entry: JournalEntry): void {
    this.#head = head;
    this.#headFileNumber = entry.position.fileNumber;
  }

  /** Notes, durably, that a mailbox message was carried out. @throws {TerminalError} ERR_JOURNAL_DISK_FULL or ERR_JOURNAL_DISK. */
  setMailSeen(mailSeen: number): void {
    this.#save({ ...this.#saved, mailSeen });
  }

  /** Saves the head durably when the file that is about to go is the only one that tells it. */
  beforeRemove(fileNumber: number): void {
    if (this.#headFileNumber !== fileNumber) return;
    this.#save({ ...this.#saved, head: this.#head });
    this.#headFileNumber = null;
  }

  #save(state: TerminalState): void {
    this.#saved = state;
    try {
      writeState(this.#folder, state);
    } catch (cause) {
      throw journalError(cause);
    }
  }
}

/** The head that an item of an earlier run makes. One that does not open, or follows damage, is not gone on with. */
function headOfItem(journal: Journal, entry: JournalEntry, module: TerminalModule): RecordedHead {
  const { sealed, nextFrame, sourceId } = journal.readItem(entry);
  const { recording, stream, sequence, final, cycle, index, use } = parseJournalledHeader(sealed);
  const described = describe(module, sealed);
  return {
    recording,
    stream,
    sequence,
    final,
    sourceId,
    hash: hashOf(entry.key),
    nextFrame: nextFrame ?? 0,
    recordedFrames: described?.recordedFrames ?? 0,
    shapeHash: journal.replay.tailDamaged ? null : (described?.shapeHash ?? null),
    keyUse: { cycle, index, use },
  };
}

function describe(module: TerminalModule, sealed: Uint8Array) {
  try {
    const { descriptor } = module.openSegment(sealed);
    const recordedFrames = descriptor.firstFrame + descriptor.frameCount;
    return { recordedFrames, shapeHash: shapeHashOf(descriptor.shape) };
  } catch (error) {
    if (error instanceof CryptoError) return undefined;
    throw error;
  }
}
