/**
 * Observations that are durable and wait for their segment.
 *
 * A sensor gets its answer as soon as its observation is here, and a segment, which costs a use of a key, is sealed only
 * now and then. A segment says up to which draft it holds, as it says of a file up to which frame: so none is lost or
 * doubled by a restart.
 *
 * Source: docs/format.md §11.9.
 */
import { CryptoError, sha256 } from "@pericard/crypto";
import { FrameLog, type Folder } from "@pericard/framelog";
import {
  BootId,
  decodeCanonical,
  decodeClaimedTime,
  decodeObservations,
  encodeCbor,
  encodeClaimedTime,
  encodeObservations,
  equalBytes,
  ProtocolError,
  readBytes,
  readBytesUpTo,
  readTuple,
  readUnixMs,
  utf8,
  type ClaimedTime,
  type Observation,
} from "@pericard/protocol";
import type { SecureModule } from "@pericard/trsm";
import { journalError } from "../journal/journal-error.ts";
import type { RecordedHead } from "../state-file.ts";

/** What names the drafts as the source of a segment. */
export const DRAFTS_SOURCE_ID = sha256(utf8("pericard/draft"));

const LOG_NAME = "draft";
const FRAME_KIND = 1;
const FILE_BYTES_MAX = 256 * 1024;
/** Files whose drafts are all sealed go when there are so many bytes of them: each removal costs two syncs. */
const REMOVED_BYTES_MIN = 64 * 1024;
const DRAFT_BYTES_MAX = 8192;

/** One observation as it came. `afterMs` of it is 0: its time is the draft's own. */
export interface Draft {
  readonly number: number;
  readonly bootId: BootId;
  readonly monotonicMs: number;
  /** The terminal's clock when it came. */
  readonly claimed: ClaimedTime;
  readonly observation: Observation;
}

/** Whether a folder may have drafts. */
export function hasDrafts(folder: Folder): boolean {
  return folder.list().some((name) => name.startsWith(`${LOG_NAME}-`));
}

/** The drafts of one terminal. */
export class Drafts {
  readonly #log: FrameLog;
  readonly #module: SecureModule;
  #pending: Draft[] = [];
  /** Drafts that were there but do not open, or that a damaged file held. */
  readonly lostCount: number;

  /**
   * Opens the drafts of a folder and finds those that no segment holds yet.
   *
   * @param head the newest segment that the terminal recorded. @throws {TerminalError} ERR_JOURNAL_DISK.
   */
  constructor(folder: Folder, module: SecureModule, head: RecordedHead | null) {
    this.#module = module;
    const sealedCount = head?.sourceId && equalBytes(head.sourceId, DRAFTS_SOURCE_ID) ? head.nextFrame : 0;
    try {
      this.#log = FrameLog.open(folder, { name: LOG_NAME, fileBytesMax: FILE_BYTES_MAX, numberMin: sealedCount });
      this.lostCount = this.#replay(sealedCount);
    } catch (cause) {
      throw journalError(cause);
    }
  }

  /** Drafts without a segment, oldest first. */
  get pending(): readonly Draft[] {
    return this.#pending;
  }

  /** Appends one; it is durable after {@link sync}. @throws {TerminalError} ERR_JOURNAL_DISK_FULL or ERR_JOURNAL_DISK. */
  append(draft: Omit<Draft, "number">): void {
    const number = this.#log.nextNumber;
    const sealed = this.#module.sealNote("draft", number, encodeDraft(draft));
    this.#guard(() => this.#log.append(FRAME_KIND, sealed));
    this.#pending.push({ ...draft, number });
  }

  /** @throws {TerminalError} as {@link append}; a failed sync is never tried again. */
  sync(): void {
    this.#guard(() => this.#log.sync());
  }

  /** Forgets drafts whose segment is durable in the journal. @throws {TerminalError} ERR_JOURNAL_DISK. */
  sealedUpTo(nextNumber: number): void {
    this.#pending = this.#pending.filter(({ number }) => number >= nextNumber);
    if (this.#pending.length === 0 && this.#log.sizeBytes >= REMOVED_BYTES_MIN) this.#removeFiles();
  }

  /** Removes what is not needed and closes. */
  close(): void {
    if (this.#pending.length === 0) this.#removeFiles();
    this.#log.close();
  }

  #removeFiles(): void {
    this.#guard(() => {
      for (const fileNumber of this.#log.fileNumbers) this.#log.removeFile(fileNumber);
    });
  }

  #replay(sealedCount: number): number {
    let lostCount = 0;
    let expected: number | undefined;
    for (const entry of this.#log.replay()) {
      if (entry.kind !== "frame") continue;
      const { number, content } = entry.frame;
      if (expected !== undefined) lostCount += Math.max(0, number - Math.max(expected, sealedCount));
      expected = number + 1;
      if (number < sealedCount) continue;
      const draft = openDraft(this.#module, number, content);
      if (draft) this.#pending.push(draft);
      else lostCount += 1;
    }
    return lostCount;
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      throw journalError(cause);
    }
  }
}

function encodeDraft({ bootId, monotonicMs, claimed, observation }: Omit<Draft, "number">): Uint8Array {
  const encoded = encodeObservations([observation]);
  return encodeCbor([BootId.toBytes(bootId), monotonicMs, encodeClaimedTime(claimed), encoded]);
}

/** A draft, or undefined when the bytes are none of this module. */
function openDraft(module: SecureModule, number: number, sealed: Uint8Array): Draft | undefined {
  try {
    const plain = module.openNote("draft", number, sealed);
    const [bootId, monotonicMs, claimed, encoded] = readTuple("draft", decodeCanonical(plain, DRAFT_BYTES_MAX), 4);
    const [observation] = decodeObservations(readBytesUpTo("observation", encoded, DRAFT_BYTES_MAX), 1);
    return {
      number,
      bootId: BootId.fromBytes(readBytes("boot id", bootId, 8)),
      monotonicMs: readUnixMs("monotonic", monotonicMs),
      claimed: decodeClaimedTime(claimed),
      observation: observation as Observation,
    };
  } catch (error) {
    if (error instanceof CryptoError || error instanceof ProtocolError) return undefined;
    throw error;
  }
}
