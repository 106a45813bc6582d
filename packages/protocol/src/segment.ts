/**
 * Sealed segments: what a terminal journals and what an envelope carries.
 *
 * Source: docs/format.md §5; paper A Fig. 1 (storage encryption), paper B eq. 3 (P').
 */
import { decodeCbor, encodeCbor } from "./cbor.ts";
import { ALGORITHM, decodeEncrypt0, decodePericardHeader, encodePericardHeader } from "./cose.ts";
import { BODY_KIND, decodeDescriptor, encodeDescriptor, type SegmentDescriptor } from "./descriptor.ts";
import { ProtocolError } from "./errors.ts";
import { readBoolean, readBytes, readInt, readOneOf, readOptional, readTuple, readUint32 } from "./fields.ts";
import { RecordingId, TenantId, TerminalId } from "./ids.ts";
import { KEYS_PER_BLOCK, SEALED_SEGMENT_BYTES_MAX, STREAM_MAX } from "./limits.ts";
import { readPericardSuite, type SUITE } from "./suites.ts";

/** external_aad of a sealed segment. */
export const SEGMENT_TYPE = "pericard/segment";

/** Names of the codecs that a segment may declare. */
export const CODECS = ["lead-residual", "raw", "gzip", "dedup", "gzip+dedup", "dedup+gzip"] as const;
export type CodecName = (typeof CODECS)[number];

/** Those of them that a segment of observations may declare. */
export const OBSERVATION_CODECS = ["raw", "gzip"] as const;
export type ObservationCodecName = (typeof OBSERVATION_CODECS)[number];

/** Which key of the block seals, and how often it was used. Source: paper A §II.F, H. */
export interface KeyUse {
  readonly cycle: number;
  /** 0 to 119. */
  readonly index: number;
  readonly use: number;
}

/** A segment's place in its recording. */
export interface SegmentPlace {
  readonly recording: RecordingId;
  readonly stream: number;
  readonly sequence: number;
}

/** Protected header of a sealed segment: complete, it is the AAD. */
export interface SegmentHeader extends KeyUse, SegmentPlace {
  readonly suite: typeof SUITE.pericard1;
  readonly tenant: TenantId;
  readonly terminal: TerminalId;
  readonly policyVersion: number;
  /** 32 random bytes. */
  readonly salt: Uint8Array;
  /** 32 bytes that bind the ciphertext to one key. */
  readonly commitment: Uint8Array;
  /** h of the segment before: in the stream, or, for the first, of the terminal's previous recording. */
  readonly prev: Uint8Array | null;
  /** Whether the recording ends here. */
  readonly final: boolean;
}

/** What a sealed segment contains. `digest` is paper B's P', SHA-256 of `encoded`. */
export interface SegmentBody {
  readonly descriptor: SegmentDescriptor;
  readonly codec: CodecName;
  readonly digest: Uint8Array;
  readonly encoded: Uint8Array;
}

/**
 * The deterministic bytes of a segment's protected header.
 *
 * @throws {ProtocolError} as {@link decodeSegmentHeader}: what no reader would take is never sealed.
 */
export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const fields = [
    header.suite,
    TenantId.toBytes(header.tenant),
    TerminalId.toBytes(header.terminal),
    RecordingId.toBytes(header.recording),
    header.stream,
    header.sequence,
    header.cycle,
    header.index,
    header.use,
    header.policyVersion,
    header.salt,
    header.commitment,
    header.prev,
    header.final,
  ];
  readSegmentHeader(fields);
  return encodePericardHeader(ALGORITHM.aes256Gcm, fields);
}

/** @throws {ProtocolError} with the code of the first thing that is wrong. */
export function decodeSegmentHeader(protectedBytes: Uint8Array): SegmentHeader {
  return readSegmentHeader(decodePericardHeader(protectedBytes, ALGORITHM.aes256Gcm));
}

function readSegmentHeader(value: unknown): SegmentHeader {
  const fields = readTuple("segment header", value, 14);
  return {
    suite: readPericardSuite(fields[0]),
    tenant: TenantId.fromBytes(fields[1]),
    terminal: TerminalId.fromBytes(fields[2]),
    recording: RecordingId.fromBytes(fields[3]),
    stream: readInt("stream", fields[4], 0, STREAM_MAX),
    sequence: readUint32("sequence", fields[5]),
    cycle: readUint32("cycle", fields[6]),
    index: readInt("key index", fields[7], 0, KEYS_PER_BLOCK - 1),
    use: readUint32("use", fields[8]),
    policyVersion: readUint32("policy version", fields[9]),
    salt: readBytes("salt", fields[10], 32),
    commitment: readBytes("commitment", fields[11], 32),
    prev: readOptional(fields[12], (prev) => readBytes("prev", prev, 32)),
    final: readBoolean("final", fields[13]),
  };
}

/** A sealed segment taken apart, nothing of it verified. */
export interface ParsedSegment {
  readonly header: SegmentHeader;
  readonly protectedBytes: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/** @throws {ProtocolError} with the code of the first thing that is wrong. */
export function parseSegment(bytes: Uint8Array): ParsedSegment {
  if (bytes.length > SEALED_SEGMENT_BYTES_MAX) {
    throw new ProtocolError("ERR_LENGTH_LIMIT", `sealed segment is ${bytes.length} bytes`);
  }
  const { protectedBytes, ciphertext } = decodeEncrypt0(bytes);
  return { header: decodeSegmentHeader(protectedBytes), protectedBytes, ciphertext };
}

/** The plaintext of a sealed segment, and the Data_i of a data package. @throws {ProtocolError} as the decoder. */
export function encodeSegmentBody(body: SegmentBody): Uint8Array {
  const digest = readBytes("digest", body.digest, 32);
  const codec = readCodecOf(body.descriptor, body.codec);
  return encodeCbor([encodeDescriptor(body.descriptor), codec, digest, body.encoded]);
}

/** Does not check that `digest` belongs to `encoded`: `crypto` does. @throws {ProtocolError} with the code of what is wrong. */
export function decodeSegmentBody(plain: Uint8Array): SegmentBody {
  const [descriptor, codec, digest, encoded] = readTuple("segment body", decodeCbor(plain), 4);
  if (!(encoded instanceof Uint8Array)) throw new ProtocolError("ERR_FIELD_RANGE", "encoded data is not bytes");
  const described = decodeDescriptor(descriptor);
  return {
    descriptor: described,
    codec: readCodecOf(described, codec),
    digest: readBytes("digest", digest, 32),
    encoded,
  };
}

/** A codec by its name. @throws {ProtocolError} ERR_CODEC_UNKNOWN. */
export function readCodec(value: unknown): CodecName {
  try {
    return readOneOf("codec", value, CODECS);
  } catch (cause) {
    throw new ProtocolError("ERR_CODEC_UNKNOWN", "segment declares an unknown codec", { cause });
  }
}

/** A codec that is one of the segment's body kind. */
function readCodecOf({ kind }: SegmentDescriptor, value: unknown): CodecName {
  const codec = readCodec(value);
  if (kind === BODY_KIND.waveform || OBSERVATION_CODECS.some((one) => one === codec)) return codec;
  throw new ProtocolError("ERR_CODEC_UNKNOWN", "segment of observations declares a codec of samples");
}
