/**
 * Sealed segments of suite paper-2018: what such a terminal journals.
 *
 * Everything but the samples is in clear, and nothing is authenticated: the paper has neither header nor integrity.
 *
 * Source: docs/format-paper-2018.md §4; paper A Fig. 1.
 */
import { decodeCbor, encodeCbor } from "./cbor.ts";
import { decodeWaveformDescriptor, encodeDescriptor, type WaveformDescriptor } from "./descriptor.ts";
import { ProtocolError } from "./errors.ts";
import { readBoolean, readBytes, readInt, readOptional, readTuple, readUint32 } from "./fields.ts";
import { RecordingId, TenantId, TerminalId } from "./ids.ts";
import { KEYS_PER_BLOCK, SEALED_SEGMENT_BYTES_MAX, STREAM_MAX } from "./limits.ts";
import type { KeyUse, SegmentPlace } from "./segment.ts";
import { readPaperSuite, type SUITE } from "./suites.ts";
import { readDesBlocks } from "./paper-des-blocks.ts";

/** What stands in clear before the samples. */
export interface PaperSegmentHeader extends KeyUse, SegmentPlace {
  readonly suite: typeof SUITE.paper2018;
  readonly tenant: TenantId;
  readonly terminal: TerminalId;
  readonly policyVersion: number;
  /** h of the segment before: in the stream, or, for the first, of the terminal's previous recording. */
  readonly prev: Uint8Array | null;
  /** Whether the recording ends here. */
  readonly final: boolean;
}

/** A sealed segment. `ciphertext` is DES(k_i, samples), a multiple of 8 bytes. */
export interface PaperSegment {
  readonly header: PaperSegmentHeader;
  readonly descriptor: WaveformDescriptor;
  readonly ciphertext: Uint8Array;
}

/** The bytes of a sealed segment. @throws {ProtocolError} as {@link parsePaperSegment}. */
export function encodePaperSegment({ header, descriptor, ciphertext }: PaperSegment): Uint8Array {
  const bytes = encodeCbor([
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
    header.prev,
    header.final,
    encodeDescriptor(descriptor),
    ciphertext,
  ]);
  parsePaperSegment(bytes);
  return bytes;
}

/** @throws {ProtocolError} with the code of the first thing that is wrong. */
export function parsePaperSegment(bytes: Uint8Array): PaperSegment {
  if (bytes.length > SEALED_SEGMENT_BYTES_MAX) {
    throw new ProtocolError("ERR_LENGTH_LIMIT", `sealed segment is ${bytes.length} bytes`);
  }
  const fields = readTuple("paper segment", decodeCbor(bytes), 14);
  return {
    header: {
      suite: readPaperSuite(fields[0]),
      tenant: TenantId.fromBytes(fields[1]),
      terminal: TerminalId.fromBytes(fields[2]),
      recording: RecordingId.fromBytes(fields[3]),
      stream: readInt("stream", fields[4], 0, STREAM_MAX),
      sequence: readUint32("sequence", fields[5]),
      cycle: readUint32("cycle", fields[6]),
      index: readInt("key index", fields[7], 0, KEYS_PER_BLOCK - 1),
      use: readUint32("use", fields[8]),
      policyVersion: readUint32("policy version", fields[9]),
      prev: readOptional(fields[10], (prev) => readBytes("prev", prev, 32)),
      final: readBoolean("final", fields[11]),
    },
    descriptor: decodeWaveformDescriptor(fields[12]),
    ciphertext: readDesBlocks("ciphertext", fields[13], SEALED_SEGMENT_BYTES_MAX),
  };
}
