/** The segment codecs by the name that stands in a sealed segment. A new codec is one more row. Source: ARCHITECTURE.md. */
import { BYTE_CODECS, type ByteCodec, type ByteCodecName } from "./codec/bytes/byte-codecs.ts";
import { RAW } from "./codec/bytes/raw.ts";
import { decodeSegmentBytes, encodeSegmentBytes } from "./codec/bytes/segment-bytes.ts";
import { decodeLeadResidual } from "./codec/decode-lead-residual.ts";
import { encodeLeadResidual } from "./codec/encode-lead-residual.ts";
import type { DecodeLimits } from "./codec/layout.ts";
import { EcgError } from "./errors.ts";

/** One way of turning the leads of a segment into bytes and back, without loss. */
export interface SegmentCodec {
  /** @param leads int32 samples, 1 to 64 leads of any lengths. @param leadNames one per lead. */
  readonly encode: (leads: readonly Int32Array[], leadNames: readonly string[]) => Uint8Array;
  /** @throws {EcgError} ERR_CODEC_MALFORMED, ERR_CODEC_LIMIT */
  readonly decode: (bytes: Uint8Array, limits: DecodeLimits) => Int32Array[];
}

/** Names of the codecs, as written on the wire. */
export type SegmentCodecName = "lead-residual" | "raw" | ByteCodecName;

/** All codecs. */
export const SEGMENT_CODECS: Readonly<Record<SegmentCodecName, SegmentCodec>> = {
  "lead-residual": { encode: encodeLeadResidual, decode: decodeLeadResidual },
  raw: overBytes(RAW),
  gzip: overBytes(BYTE_CODECS.gzip),
  dedup: overBytes(BYTE_CODECS.dedup),
  "gzip+dedup": overBytes(BYTE_CODECS["gzip+dedup"]),
  "dedup+gzip": overBytes(BYTE_CODECS["dedup+gzip"]),
};

function overBytes(codec: ByteCodec): SegmentCodec {
  return {
    encode: (leads) => encodeSegmentBytes(codec, leads),
    decode: (bytes, limits) => decodeSegmentBytes(codec, bytes, limits),
  };
}

/** The codec of a name from the wire. @throws {EcgError} ERR_CODEC_UNKNOWN */
export function getSegmentCodec(name: string): SegmentCodec {
  const isKnown = Object.hasOwn(SEGMENT_CODECS, name);
  if (!isKnown) throw new EcgError("ERR_CODEC_UNKNOWN", "segment codec is not known");
  return SEGMENT_CODECS[name as SegmentCodecName];
}
