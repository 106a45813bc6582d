/**
 * What the server says of erased recordings: to the terminal, to its own packs, and to people.
 *
 * Source: docs/format.md §7.11.
 */
import type { CborValue } from "./cbor.ts";
import { ProtocolError } from "./errors.ts";
import {
  readArray,
  readBoolean,
  readBytes,
  readInt,
  readOptional,
  readText,
  readTuple,
  readUint32,
  readUnixMs,
} from "./fields.ts";
import { ErasureId, PatientId, RecordingId, RoutingId, TenantId, TerminalId } from "./ids.ts";
import { SEGMENTS_PER_ENVELOPE_MAX, STREAM_MAX } from "./limits.ts";
import { statementKind } from "./statement-kind.ts";

const hash = (value: unknown): Uint8Array => readBytes("h", value, 32);

/** Server to terminal: these items are of a recording that was erased. They may be deleted and must not be sent again. */
export interface Erased {
  readonly routing: RoutingId;
  readonly erasedAtUnixMs: number;
  readonly recording: RecordingId;
  /** h of each segment, or H of each gap statement. */
  readonly hashes: readonly Uint8Array[];
}

export const Erased = statementKind<Erased>(
  "erased",
  4,
  (erased) => [
    RoutingId.toBytes(erased.routing),
    erased.erasedAtUnixMs,
    RecordingId.toBytes(erased.recording),
    erased.hashes,
  ],
  (fields) => ({
    routing: RoutingId.fromBytes(fields[0]),
    erasedAtUnixMs: readUnixMs("erased at", fields[1]),
    recording: RecordingId.fromBytes(fields[2]),
    hashes: readArray("hashes", fields[3], 1, SEGMENTS_PER_ENVELOPE_MAX).map(hash),
  }),
);

/** What stays of an erased segment: its place in the chain, no contents. */
export interface Stub {
  readonly sequence: number;
  readonly hash: Uint8Array;
  readonly prev: Uint8Array | null;
  readonly final: boolean;
}

/** Stubs of one stream of an erased recording, as they lie in packs. */
export interface Stubs {
  readonly tenant: TenantId;
  readonly recording: RecordingId;
  readonly stream: number;
  readonly erasedAtUnixMs: number;
  /** 1 to {@link STUBS_MAX}, sequences rising. */
  readonly stubs: readonly Stub[];
}

/** Stubs in one signed message; more take more messages. */
export const STUBS_MAX = 256;

const encodeStub = ({ sequence, hash: h, prev, final }: Stub): CborValue => [sequence, h, prev, final];

function decodeStub(value: unknown): Stub {
  const fields = readTuple("stub", value, 4);
  return {
    sequence: readUint32("sequence", fields[0]),
    hash: hash(fields[1]),
    prev: readOptional(fields[2], hash),
    final: readBoolean("final", fields[3]),
  };
}

function requireRising(stubs: readonly Stub[]): readonly Stub[] {
  if (stubs.every(({ sequence }, i) => i === 0 || sequence > (stubs[i - 1]?.sequence ?? 0))) return stubs;
  throw new ProtocolError("ERR_FIELD_RANGE", "sequences of stubs do not rise");
}

export const Stubs = statementKind<Stubs>(
  "stubs",
  5,
  (stubs) => [
    TenantId.toBytes(stubs.tenant),
    RecordingId.toBytes(stubs.recording),
    stubs.stream,
    stubs.erasedAtUnixMs,
    stubs.stubs.map(encodeStub),
  ],
  (fields) => ({
    tenant: TenantId.fromBytes(fields[0]),
    recording: RecordingId.fromBytes(fields[1]),
    stream: readInt("stream", fields[2], 0, STREAM_MAX),
    erasedAtUnixMs: readUnixMs("erased at", fields[3]),
    stubs: requireRising(readArray("stubs", fields[4], 1, STUBS_MAX).map(decodeStub)),
  }),
);

/** One recording of a certificate. */
export interface ErasedRecording {
  readonly recording: RecordingId;
  readonly terminal: TerminalId;
  /** Segments that were stored, and stay as stubs. */
  readonly segmentCount: number;
  /** SHA-256 over the stubs. Source: docs/format.md §7.11. */
  readonly stubDigest: Uint8Array;
}

/** A part of an erasure's certificate. */
export interface ErasureCertificate {
  readonly erasure: ErasureId;
  readonly tenant: TenantId;
  /** null when single recordings were erased. */
  readonly patient: PatientId | null;
  readonly erasedAtUnixMs: number;
  readonly reason: string;
  /** Who asked for it. */
  readonly by: string;
  /** Copies of the key store in which the keys were overwritten. */
  readonly keyCopyCount: number;
  /** When the last backup of the key store that could still hold the keys expires. */
  readonly backupsExpireAtUnixMs: number;
  /** 1 to `partCount`. */
  readonly part: number;
  readonly partCount: number;
  /** 0 to {@link CERTIFICATE_RECORDINGS_MAX}. */
  readonly recordings: readonly ErasedRecording[];
}

/** Recordings in one part of a certificate. */
export const CERTIFICATE_RECORDINGS_MAX = 256;
/** Length of a reason and of who asked, in UTF-16 code units. */
export const ERASURE_REASON_MAX = 500;
export const ERASURE_BY_MAX = 100;
const PARTS_MAX = 65_535;

function encodeErasedRecording({ recording, terminal, segmentCount, stubDigest }: ErasedRecording): CborValue {
  return [RecordingId.toBytes(recording), TerminalId.toBytes(terminal), segmentCount, stubDigest];
}

function decodeErasedRecording(value: unknown): ErasedRecording {
  const fields = readTuple("erased recording", value, 4);
  return {
    recording: RecordingId.fromBytes(fields[0]),
    terminal: TerminalId.fromBytes(fields[1]),
    segmentCount: readUint32("segment count", fields[2]),
    stubDigest: hash(fields[3]),
  };
}

export const ErasureCertificate = statementKind<ErasureCertificate>(
  "erasure certificate",
  11,
  (certificate) => [
    ErasureId.toBytes(certificate.erasure),
    TenantId.toBytes(certificate.tenant),
    certificate.patient && PatientId.toBytes(certificate.patient),
    certificate.erasedAtUnixMs,
    certificate.reason,
    certificate.by,
    certificate.keyCopyCount,
    certificate.backupsExpireAtUnixMs,
    certificate.part,
    certificate.partCount,
    certificate.recordings.map(encodeErasedRecording),
  ],
  (fields) => {
    const partCount = readInt("parts", fields[9], 1, PARTS_MAX);
    return {
      erasure: ErasureId.fromBytes(fields[0]),
      tenant: TenantId.fromBytes(fields[1]),
      patient: readOptional(fields[2], (value) => PatientId.fromBytes(value)),
      erasedAtUnixMs: readUnixMs("erased at", fields[3]),
      reason: readText("reason", fields[4], ERASURE_REASON_MAX),
      by: readText("by", fields[5], ERASURE_BY_MAX),
      keyCopyCount: readInt("copies", fields[6], 1, 255),
      backupsExpireAtUnixMs: readUnixMs("backups expire at", fields[7]),
      part: readInt("part", fields[8], 1, partCount),
      partCount,
      recordings: readArray("recordings", fields[10], 0, CERTIFICATE_RECORDINGS_MAX).map(decodeErasedRecording),
    };
  },
);
