/**
 * `terminal.state`: what a terminal must know after its receipted segments left the journal.
 *
 *     [1, head / null, mailSeen, crc32]
 *     head = [recording, stream, sequence, h, final, nextFrame, recordedFrames, sourceId / null, shapeHash / null,
 *             cycle, index, use]
 *
 * Source: docs/format.md §11.5.
 */
import { crc32 } from "node:zlib";
import {
  decodeCanonical,
  encodeCbor,
  KEYS_PER_BLOCK,
  readBoolean,
  readBytes,
  readInt,
  readOptional,
  readTuple,
  readUint32,
  readUnixMs,
  RecordingId,
  STREAM_MAX,
  type CborValue,
  type KeyUse,
  type SegmentPlace,
} from "@pericard/protocol";
import type { Folder } from "@pericard/framelog";
import { TerminalError } from "./errors.ts";

const STATE_FILE = "terminal.state";
const FORMAT = 1;
const STATE_BYTES_MAX = 1024;

/** The newest segment that a terminal recorded. */
export interface RecordedHead extends SegmentPlace {
  readonly hash: Uint8Array;
  readonly final: boolean;
  /** Frames of the source before the next segment. */
  readonly nextFrame: number;
  /** Frames of the recording so far. */
  readonly recordedFrames: number;
  /** 32 bytes that name a file source; null for a live one. */
  readonly sourceId: Uint8Array | null;
  /** SHA-256 of the shape; null when the recording cannot be gone on with. */
  readonly shapeHash: Uint8Array | null;
  readonly keyUse: KeyUse;
}

/** Contents of the file. */
export interface TerminalState {
  /** null before the first recording. */
  readonly head: RecordedHead | null;
  /** Highest number of a mailbox message that was carried out. */
  readonly mailSeen: number;
}

/** What a terminal that never recorded has. */
export const EMPTY_STATE: TerminalState = { head: null, mailSeen: 0 };

/** Writes the state durably, in place of the older one. */
export function writeState(folder: Folder, state: TerminalState): void {
  const fields: CborValue[] = [FORMAT, state.head && encodeHead(state.head), state.mailSeen];
  folder.replace(STATE_FILE, encodeCbor([...fields, crc32(encodeCbor(fields))]));
}

/**
 * The state; {@link EMPTY_STATE} when there is no file.
 *
 * @throws {TerminalError} ERR_TERMINAL_STATE when the file is damaged.
 */
export function readState(folder: Folder): TerminalState {
  const bytes = folder.read(STATE_FILE);
  if (!bytes) return EMPTY_STATE;
  try {
    const fields = readTuple("state", decodeCanonical(bytes, STATE_BYTES_MAX), 4) as readonly CborValue[];
    const [format, head, mailSeen, checksum] = fields;
    if (format !== FORMAT || checksum !== crc32(encodeCbor(fields.slice(0, 3)))) {
      throw new TypeError("checksum is wrong");
    }
    return { head: readOptional(head, decodeHead), mailSeen: readUnixMs("mail seen", mailSeen) };
  } catch (cause) {
    throw new TerminalError("ERR_TERMINAL_STATE", `${STATE_FILE} is damaged`, { cause });
  }
}

function encodeHead(head: RecordedHead): CborValue {
  return [
    RecordingId.toBytes(head.recording),
    head.stream,
    head.sequence,
    head.hash,
    head.final,
    head.nextFrame,
    head.recordedFrames,
    head.sourceId,
    head.shapeHash,
    head.keyUse.cycle,
    head.keyUse.index,
    head.keyUse.use,
  ];
}

function decodeHead(value: unknown): RecordedHead {
  const fields = readTuple("head", value, 12);
  return {
    recording: RecordingId.fromBytes(fields[0]),
    stream: readInt("stream", fields[1], 0, STREAM_MAX),
    sequence: readUint32("sequence", fields[2]),
    hash: readBytes("h", fields[3], 32),
    final: readBoolean("final", fields[4]),
    nextFrame: readUnixMs("next frame", fields[5]),
    recordedFrames: readUnixMs("recorded frames", fields[6]),
    sourceId: readOptional(fields[7], (id) => readBytes("source id", id, 32)),
    shapeHash: readOptional(fields[8], (hash) => readBytes("shape hash", hash, 32)),
    keyUse: {
      cycle: readUint32("cycle", fields[9]),
      index: readInt("key index", fields[10], 0, KEYS_PER_BLOCK - 1),
      use: readUint32("use", fields[11]),
    },
  };
}
