/**
 * Payloads of the signed statements between terminal and server.
 *
 * Source: docs/format.md §7.
 */
import type { CborValue } from "./cbor.ts";
import {
  readArray,
  readBoolean,
  readBytes,
  readInt,
  readOneOf,
  readOptional,
  readText,
  readTuple,
  readUint32,
  readUnixMs,
} from "./fields.ts";
import { BootId, EnvelopeId, RecordingId, RoutingId } from "./ids.ts";
import { KEYS_PER_BLOCK, SEGMENTS_PER_ENVELOPE_MAX, STREAM_MAX } from "./limits.ts";
import type { KeyUse, SegmentPlace } from "./segment.ts";
import { statementKind } from "./statement-kind.ts";

const hash = (value: unknown): Uint8Array => readBytes("h", value, 32);
const sequenceField = (value: unknown): number => readUint32("sequence", value);
const streamField = (value: unknown): number => readInt("stream", value, 0, STREAM_MAX);
const indexField = (value: unknown): number => readInt("key index", value, 0, KEYS_PER_BLOCK - 1);

/** Server to terminal: these sealed segments are durable in that many copies. What it lists may be deleted. */
export interface Receipt {
  readonly routing: RoutingId;
  readonly receivedAtUnixMs: number;
  readonly copyCount: number;
  /** h of each segment. */
  readonly hashes: readonly Uint8Array[];
}

export const Receipt = statementKind<Receipt>(
  "receipt",
  4,
  (receipt) => [RoutingId.toBytes(receipt.routing), receipt.receivedAtUnixMs, receipt.copyCount, receipt.hashes],
  (fields) => ({
    routing: RoutingId.fromBytes(fields[0]),
    receivedAtUnixMs: readUnixMs("received at", fields[1]),
    copyCount: readInt("copies", fields[2], 1, 255),
    hashes: readArray("hashes", fields[3], 1, SEGMENTS_PER_ENVELOPE_MAX).map(hash),
  }),
);

/** Why a segment contradicts what the server has. */
export const CONFLICT_CAUSES = ["sequence", "chain", "shape", "final", "overlap"] as const;

/** Server to terminal: this segment contradicts what is stored; nothing of it was stored. Re-seal into a new recording. */
export interface Conflict extends SegmentPlace {
  readonly routing: RoutingId;
  readonly detectedAtUnixMs: number;
  readonly hash: Uint8Array;
  readonly cause: (typeof CONFLICT_CAUSES)[number];
}

export const Conflict = statementKind<Conflict>(
  "conflict",
  7,
  (conflict) => [
    RoutingId.toBytes(conflict.routing),
    conflict.detectedAtUnixMs,
    conflict.hash,
    RecordingId.toBytes(conflict.recording),
    conflict.stream,
    conflict.sequence,
    conflict.cause,
  ],
  (fields) => ({
    routing: RoutingId.fromBytes(fields[0]),
    detectedAtUnixMs: readUnixMs("detected at", fields[1]),
    hash: hash(fields[2]),
    recording: RecordingId.fromBytes(fields[3]),
    stream: streamField(fields[4]),
    sequence: sequenceField(fields[5]),
    cause: readOneOf("cause", fields[6], CONFLICT_CAUSES),
  }),
);

/** Server to terminal: an envelope or segments that can never be taken. They go to quarantine; the queue moves on. */
export interface Rejected {
  readonly routing: RoutingId;
  readonly rejectedAtUnixMs: number;
  /** An error code of docs/errors.md. */
  readonly code: string;
  /** The envelope meant, when its inside could not be read. */
  readonly envelope: EnvelopeId | null;
  /** h of each segment meant, when the envelope's inside could be read. */
  readonly hashes: readonly Uint8Array[];
}

export const Rejected = statementKind<Rejected>(
  "rejected",
  5,
  (rejected) => [
    RoutingId.toBytes(rejected.routing),
    rejected.rejectedAtUnixMs,
    rejected.code,
    rejected.envelope && EnvelopeId.toBytes(rejected.envelope),
    rejected.hashes,
  ],
  (fields) => ({
    routing: RoutingId.fromBytes(fields[0]),
    rejectedAtUnixMs: readUnixMs("rejected at", fields[1]),
    code: readText("code", fields[2], 64),
    envelope: readOptional(fields[3], (value) => EnvelopeId.fromBytes(value)),
    hashes: readArray("hashes", fields[4], 0, SEGMENTS_PER_ENVELOPE_MAX).map(hash),
  }),
);

/** Why a sequence number has no segment. */
export const GAP_CAUSES = ["unreadable", "quarantined"] as const;

/** Terminal to server: this place has no segment and never will. */
export interface Gap extends SegmentPlace {
  readonly routing: RoutingId;
  readonly cause: (typeof GAP_CAUSES)[number];
  /** The terminal's monotonic clock and run, as evidence of when it was said. */
  readonly bootId: BootId;
  readonly monotonicMs: number;
}

export const Gap = statementKind<Gap>(
  "gap",
  7,
  (gap) => [
    RoutingId.toBytes(gap.routing),
    RecordingId.toBytes(gap.recording),
    gap.stream,
    gap.sequence,
    gap.cause,
    BootId.toBytes(gap.bootId),
    gap.monotonicMs,
  ],
  (fields) => ({
    routing: RoutingId.fromBytes(fields[0]),
    recording: RecordingId.fromBytes(fields[1]),
    stream: streamField(fields[2]),
    sequence: sequenceField(fields[3]),
    cause: readOneOf("cause", fields[4], GAP_CAUSES),
    bootId: BootId.fromBytes(fields[5]),
    monotonicMs: readUnixMs("monotonic", fields[6]),
  }),
);

/** The newest segment of one stream, as the terminal knows it. */
export interface StreamHead extends SegmentPlace {
  readonly hash: Uint8Array;
  /** Whether that segment was the recording's last. */
  readonly final: boolean;
  /** Whether the terminal records it now. */
  readonly open: boolean;
}

/** Terminal to server at each contact. `contact` rises strictly over the terminal's life: an older one is a replay. */
export interface Status extends KeyUse {
  readonly routing: RoutingId;
  readonly contact: number;
  readonly bootId: BootId;
  readonly monotonicMs: number;
  /** What the terminal's clock claims; null without one. */
  readonly clockUnixMs: number | null;
  /** Highest number of a mailbox message that was carried out. */
  readonly mailSeen: number;
  readonly journalItemCount: number;
  readonly journalBytes: number;
  readonly journalLimitBytes: number;
  readonly quarantineCount: number;
  readonly policyVersion: number;
  readonly segmentLengthMs: number;
  readonly heads: readonly StreamHead[];
}

/** Streams that one status may name. */
export const STATUS_HEADS_MAX = 64;

function encodeHead(head: StreamHead): CborValue {
  return [RecordingId.toBytes(head.recording), head.stream, head.sequence, head.hash, head.final, head.open];
}

function decodeHead(value: unknown): StreamHead {
  const fields = readTuple("head", value, 6);
  return {
    recording: RecordingId.fromBytes(fields[0]),
    stream: streamField(fields[1]),
    sequence: sequenceField(fields[2]),
    hash: hash(fields[3]),
    final: readBoolean("final", fields[4]),
    open: readBoolean("open", fields[5]),
  };
}

export const Status = statementKind<Status>(
  "status",
  16,
  (status) => [
    RoutingId.toBytes(status.routing),
    status.contact,
    BootId.toBytes(status.bootId),
    status.monotonicMs,
    status.clockUnixMs,
    status.mailSeen,
    status.journalItemCount,
    status.journalBytes,
    status.journalLimitBytes,
    status.quarantineCount,
    status.policyVersion,
    status.segmentLengthMs,
    status.cycle,
    status.index,
    status.use,
    status.heads.map(encodeHead),
  ],
  (fields) => ({
    routing: RoutingId.fromBytes(fields[0]),
    contact: readUnixMs("contact", fields[1]),
    bootId: BootId.fromBytes(fields[2]),
    monotonicMs: readUnixMs("monotonic", fields[3]),
    clockUnixMs: readOptional(fields[4], (value) => readInt("clock", value, -8.64e15, 8.64e15)),
    mailSeen: readUnixMs("mail seen", fields[5]),
    journalItemCount: readUnixMs("journal items", fields[6]),
    journalBytes: readUnixMs("journal bytes", fields[7]),
    journalLimitBytes: readUnixMs("journal limit", fields[8]),
    quarantineCount: readUnixMs("quarantine", fields[9]),
    policyVersion: readUint32("policy version", fields[10]),
    segmentLengthMs: readInt("segment length", fields[11], 1000, 60_000),
    cycle: readUint32("cycle", fields[12]),
    index: indexField(fields[13]),
    use: readUint32("use", fields[14]),
    heads: readArray("heads", fields[15], 0, STATUS_HEADS_MAX).map(decodeHead),
  }),
);

/** What a server key is for. */
export const KEY_PURPOSES = ["hpke", "receipt"] as const;
export type KeyPurpose = (typeof KEY_PURPOSES)[number];

/** Signed by the root key: this key of the server serves this purpose. A terminal takes rising versions only. */
export interface KeyStatement {
  readonly version: number;
  readonly purpose: KeyPurpose;
  /** 32 bytes: X25519 for hpke, Ed25519 for receipt. */
  readonly publicKey: Uint8Array;
  readonly notBeforeUnixMs: number;
  readonly notAfterUnixMs: number;
  /** 32 bytes: the root's Ed25519 key, whose SHA-256 begins with the terminal's 16-byte pin. */
  readonly rootPublicKey: Uint8Array;
}

export const KeyStatement = statementKind<KeyStatement>(
  "key statement",
  6,
  (statement) => [
    statement.version,
    statement.purpose,
    statement.publicKey,
    statement.notBeforeUnixMs,
    statement.notAfterUnixMs,
    statement.rootPublicKey,
  ],
  (fields) => ({
    version: readUint32("version", fields[0]),
    purpose: readOneOf("purpose", fields[1], KEY_PURPOSES),
    publicKey: readBytes("public key", fields[2], 32),
    notBeforeUnixMs: readUnixMs("not before", fields[3]),
    notAfterUnixMs: readUnixMs("not after", fields[4]),
    rootPublicKey: readBytes("root public key", fields[5], 32),
  }),
);

/** What a command asks of a terminal. */
export const COMMAND_NAMES = ["segment-length", "end-recording"] as const;

/** Server to terminal through the mailbox, numbered, with an expiry in server time. */
export interface Command {
  readonly routing: RoutingId;
  /** Rises strictly for one terminal. */
  readonly mailNumber: number;
  readonly issuedAtUnixMs: number;
  readonly expiresAtUnixMs: number;
  readonly name: (typeof COMMAND_NAMES)[number];
  /** `segment-length`: milliseconds, 1000 to 60000. `end-recording`: 0. */
  readonly value: number;
}

/** Bounds of a command's value, so that no terminal is told to make segments of no length. */
const COMMAND_VALUES = {
  "segment-length": { min: 1000, max: 60_000 },
  "end-recording": { min: 0, max: 0 },
} as const;

function readOrder(nameValue: unknown, value: unknown): Pick<Command, "name" | "value"> {
  const name = readOneOf("command", nameValue, COMMAND_NAMES);
  const { min, max } = COMMAND_VALUES[name];
  return { name, value: readInt("value", value, min, max) };
}

export const Command = statementKind<Command>(
  "command",
  6,
  (command) => [
    RoutingId.toBytes(command.routing),
    command.mailNumber,
    command.issuedAtUnixMs,
    command.expiresAtUnixMs,
    command.name,
    command.value,
  ],
  (fields) => ({
    routing: RoutingId.fromBytes(fields[0]),
    mailNumber: readUnixMs("mail number", fields[1]),
    issuedAtUnixMs: readUnixMs("issued at", fields[2]),
    expiresAtUnixMs: readUnixMs("expires at", fields[3]),
    ...readOrder(fields[4], fields[5]),
  }),
);
