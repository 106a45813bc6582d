/**
 * Inputs that were not taken, sealed, for whoever sets sensors up: the newest, in bounded room.
 *
 * Source: docs/format.md §11.9.
 */
import { CryptoError } from "@pericard/crypto";
import { FrameLog, type Folder } from "@pericard/framelog";
import {
  decodeCanonical,
  encodeCbor,
  ProtocolError,
  readBytesUpTo,
  readInt,
  readText,
  readTuple,
} from "@pericard/protocol";
import type { SecureModule } from "@pericard/trsm";
import { isDiskError, journalError } from "../journal/journal-error.ts";

const LOG_NAME = "refused";
const FRAME_KIND = 1;
const FILE_BYTES_MAX = 256 * 1024;
const FILES_MAX = 4;
/** What is kept of one input. */
const INPUT_BYTES_MAX = 4096;
const NOTE_BYTES_MAX = 8192;

/** One input that was not taken. */
export interface RefusedInput {
  /** The terminal's clock. */
  readonly atUnixMs: number;
  readonly topic: string;
  readonly reason: string;
  /** Its first 4,096 bytes. */
  readonly input: Uint8Array;
}

/** Keeps refused inputs. What its disk does not take is not kept: a wrong input must not stop right ones. */
export class RefusedLog {
  readonly #module: SecureModule;
  #log: FrameLog | undefined;
  #newest: RefusedInput[] = [];

  /** @throws {TerminalError} ERR_JOURNAL_DISK when the folder cannot be read. */
  constructor(folder: Folder, module: SecureModule) {
    this.#module = module;
    try {
      this.#log = FrameLog.open(folder, { name: LOG_NAME, fileBytesMax: FILE_BYTES_MAX });
      for (const entry of this.#log.replay()) {
        const note = entry.kind === "frame" ? openNote(module, entry.frame.number, entry.frame.content) : undefined;
        if (note) this.#newest.push(note);
      }
    } catch (cause) {
      throw journalError(cause);
    }
  }

  /** What is kept, oldest first. */
  get inputs(): readonly RefusedInput[] {
    return this.#newest;
  }

  /** Keeps one. */
  add(refused: RefusedInput): void {
    const kept = {
      ...refused,
      topic: refused.topic.slice(0, 256),
      reason: refused.reason.slice(0, 256),
      input: refused.input.slice(0, INPUT_BYTES_MAX),
    };
    this.#newest = [...this.#newest, kept].slice(-INPUTS_IN_MEMORY);
    try {
      const number = this.#log?.nextNumber ?? 0;
      this.#log?.append(FRAME_KIND, this.#module.sealNote("refused", number, encodeNote(kept)));
      this.#log?.sync();
      this.#removeOldest();
    } catch (cause) {
      if (!isDiskError(journalError(cause))) throw cause;
      this.#log?.close();
      this.#log = undefined;
    }
  }

  close(): void {
    this.#log?.close();
  }

  #removeOldest(): void {
    const [oldest] = this.#log?.fileNumbers ?? [];
    if (oldest !== undefined && (this.#log?.fileNumbers.length ?? 0) > FILES_MAX) this.#log?.removeFile(oldest);
  }
}

const INPUTS_IN_MEMORY = 256;

function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}]/gu, "?");
}

function encodeNote({ atUnixMs, topic, reason, input }: RefusedInput): Uint8Array {
  return encodeCbor([atUnixMs, printable(topic), printable(reason), input]);
}

function openNote(module: SecureModule, number: number, sealed: Uint8Array): RefusedInput | undefined {
  try {
    const plain = decodeCanonical(module.openNote("refused", number, sealed), NOTE_BYTES_MAX);
    const [atUnixMs, topic, reason, input] = readTuple("refused input", plain, 4);
    return {
      atUnixMs: readInt("time", atUnixMs, -8.64e15, 8.64e15),
      topic: readText("topic", topic, 256),
      reason: readText("reason", reason, 256),
      input: readBytesUpTo("input", input, INPUT_BYTES_MAX),
    };
  } catch (error) {
    if (error instanceof CryptoError || error instanceof ProtocolError) return undefined;
    throw error;
  }
}
