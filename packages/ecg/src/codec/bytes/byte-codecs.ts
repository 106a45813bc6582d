/** The paper's codecs over arbitrary bytes, alone and one after the other. Source: docs/codec-bytes.md §2; paper A §III, Table I. */
import { decodeDedup, encodeDedup } from "./dedup.ts";
import { decodeGzip, encodeGzip } from "./gzip.ts";

/** Names of the codecs, as written on the wire. The first named is done first, as in the paper's table. */
export const BYTE_CODEC_NAMES = ["gzip", "dedup", "gzip+dedup", "dedup+gzip"] as const;
export type ByteCodecName = (typeof BYTE_CODEC_NAMES)[number];

/** One way of making bytes fewer, and back, without loss. Nothing is kept from one call to the next. */
export interface ByteCodec {
  /** @param bytes any, also none; less than 2^31; not changed. */
  readonly encode: (bytes: Uint8Array) => Uint8Array;
  /** @param limitBytes most bytes of the result, checked before they are allocated.
   * @throws {EcgError} ERR_CODEC_MALFORMED, ERR_CODEC_LIMIT */
  readonly decode: (bytes: Uint8Array, limitBytes: number) => Uint8Array;
}

const GZIP: ByteCodec = { encode: encodeGzip, decode: decodeGzip };
const DEDUP: ByteCodec = { encode: encodeDedup, decode: decodeDedup };

/** All codecs over bytes. */
export const BYTE_CODECS: Readonly<Record<ByteCodecName, ByteCodec>> = {
  gzip: GZIP,
  dedup: DEDUP,
  "gzip+dedup": chain(GZIP, DEDUP),
  "dedup+gzip": chain(DEDUP, GZIP),
};

/** Two codecs, `first` nearer to the data. */
function chain(first: ByteCodec, second: ByteCodec): ByteCodec {
  return {
    encode: (bytes) => second.encode(first.encode(bytes)),
    decode: (bytes, limitBytes) => first.decode(second.decode(bytes, encodedLimit(limitBytes)), limitBytes),
  };
}

/** No output of either codec is longer, for `limitBytes` of input. */
function encodedLimit(limitBytes: number): number {
  return limitBytes + Math.ceil(limitBytes / 32) + 1024;
}
