/**
 * Data packages: what the storage server writes, sealed, to its file systems.
 *
 * Source: docs/format.md §8; paper B Table 2.
 */
import { arrayHead, byteStringHead, decodeCbor } from "./cbor.ts";
import { ALGORITHM, decodeEncrypt0, decodePericardHeader, encodePericardHeader } from "./cose.ts";
import { BODY_KIND, FIRST_FRAME_MAX, type BodyKind } from "./descriptor.ts";
import { ProtocolError } from "./errors.ts";
import {
  readArray,
  readBoolean,
  readBytes,
  readBytesUpTo,
  readInt,
  readOptional,
  readTuple,
  readUint32,
  readUnixMs,
} from "./fields.ts";
import { RecordingId, TenantId } from "./ids.ts";
import {
  FRAMES_PER_SEGMENT_MAX,
  KEYS_PER_BLOCK,
  PACKAGE_BYTES_MAX,
  SEALED_SEGMENT_BYTES_MAX,
  SEGMENTS_PER_ENVELOPE_MAX,
  STREAM_MAX,
} from "./limits.ts";
import { readCodec, type CodecName, type KeyUse } from "./segment.ts";
import { readPericardSuite, type SUITE } from "./suites.ts";

/** external_aad of a data package. */
export const PACKAGE_TYPE = "pericard/package";

/** Header of one Data_i: what the catalog and the chain need, and what stays as a stub. */
export interface PackageItem extends KeyUse {
  /** Data_Sequence. */
  readonly sequence: number;
  /** h of the sealed segment as the terminal journalled it. */
  readonly hash: Uint8Array;
  readonly prev: Uint8Array | null;
  readonly final: boolean;
  readonly policyVersion: number;
  readonly firstFrame: number;
  readonly frameCount: number;
  /** Data_Length: bytes of Data_i. */
  readonly sizeBytes: number;
  /** What Data_i's samples are encoded with. */
  readonly codec: CodecName;
}

/** Protected header of a data package. */
export interface PackageHeader {
  readonly suite: typeof SUITE.pericard1;
  readonly tenant: TenantId;
  readonly recording: RecordingId;
  readonly stream: number;
  /** Data_type. */
  readonly bodyKind: BodyKind;
  readonly receivedAtUnixMs: number;
  readonly salt: Uint8Array;
  readonly commitment: Uint8Array;
  readonly items: readonly PackageItem[];
}

function encodeItem(item: PackageItem) {
  return [
    item.sequence,
    item.hash,
    item.prev,
    item.final,
    item.cycle,
    item.index,
    item.use,
    item.policyVersion,
    item.firstFrame,
    item.frameCount,
    item.sizeBytes,
    item.codec,
  ];
}

function decodeItem(value: unknown): PackageItem {
  const fields = readTuple("package item", value, 12);
  return {
    sequence: readUint32("sequence", fields[0]),
    hash: readBytes("h", fields[1], 32),
    prev: readOptional(fields[2], (prev) => readBytes("prev", prev, 32)),
    final: readBoolean("final", fields[3]),
    cycle: readUint32("cycle", fields[4]),
    index: readInt("key index", fields[5], 0, KEYS_PER_BLOCK - 1),
    use: readUint32("use", fields[6]),
    policyVersion: readUint32("policy version", fields[7]),
    firstFrame: readInt("first frame", fields[8], 0, FIRST_FRAME_MAX),
    frameCount: readInt("frame count", fields[9], 0, FRAMES_PER_SEGMENT_MAX),
    sizeBytes: readInt("data length", fields[10], 0, SEALED_SEGMENT_BYTES_MAX),
    codec: readCodec(fields[11]),
  };
}

/** The deterministic bytes of a data package's protected header. @throws {ProtocolError} as {@link parsePackage}. */
export function encodePackageHeader(header: PackageHeader): Uint8Array {
  const fields = [
    header.suite,
    TenantId.toBytes(header.tenant),
    RecordingId.toBytes(header.recording),
    header.stream,
    header.bodyKind,
    header.receivedAtUnixMs,
    header.salt,
    header.commitment,
    header.items.map(encodeItem),
  ];
  readPackageHeader(fields);
  return encodePericardHeader(ALGORITHM.aes256Gcm, fields);
}

function readPackageHeader(value: unknown): PackageHeader {
  const fields = readTuple("package header", value, 9);
  return {
    suite: readPericardSuite(fields[0]),
    tenant: TenantId.fromBytes(fields[1]),
    recording: RecordingId.fromBytes(fields[2]),
    stream: readInt("stream", fields[3], 0, STREAM_MAX),
    bodyKind: readInt("data type", fields[4], BODY_KIND.waveform, BODY_KIND.observation) as BodyKind,
    receivedAtUnixMs: readUnixMs("received at", fields[5]),
    salt: readBytes("salt", fields[6], 32),
    commitment: readBytes("commitment", fields[7], 32),
    items: readArray("items", fields[8], 1, SEGMENTS_PER_ENVELOPE_MAX).map(decodeItem),
  };
}

/** A data package taken apart, nothing of it verified. */
export interface ParsedPackage {
  readonly header: PackageHeader;
  readonly protectedBytes: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/** @throws {ProtocolError} with the code of the first thing that is wrong. */
export function parsePackage(bytes: Uint8Array): ParsedPackage {
  if (bytes.length > PACKAGE_BYTES_MAX) {
    throw new ProtocolError("ERR_LENGTH_LIMIT", `data package is ${bytes.length} bytes`);
  }
  const { protectedBytes, ciphertext } = decodeEncrypt0(bytes);
  const header = readPackageHeader(decodePericardHeader(protectedBytes, ALGORITHM.aes256Gcm));
  return { header, protectedBytes, ciphertext };
}

/**
 * Body of a data package: Data_1 … Data_n, each the plaintext of one sealed segment. In parts, to be joined by whoever
 * encrypts them, since they are large.
 *
 * @throws {ProtocolError} ERR_FIELD_RANGE when it does not fit the header's items.
 */
export function encodePackageBody(data: readonly Uint8Array[], items: readonly PackageItem[]): readonly Uint8Array[] {
  return [arrayHead(items.length), ...readData(data, items).flatMap((one) => [byteStringHead(one.length), one])];
}

/** @throws {ProtocolError} ERR_FIELD_RANGE when the body does not fit its header's items. */
export function decodePackageBody(plain: Uint8Array, items: readonly PackageItem[]): readonly Uint8Array[] {
  return readData(decodeCbor(plain), items);
}

function readData(value: unknown, items: readonly PackageItem[]): readonly Uint8Array[] {
  return readArray("package body", value, items.length, items.length).map((data, i) => {
    const bytes = readBytesUpTo("data", data, SEALED_SEGMENT_BYTES_MAX);
    if (bytes.length !== items[i]?.sizeBytes) {
      throw new ProtocolError("ERR_FIELD_RANGE", `data ${i} does not have its declared length`);
    }
    return bytes;
  });
}
