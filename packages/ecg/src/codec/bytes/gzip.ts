/** One gzip member, with a header of one form alone. Source: docs/codec-bytes.md §3; RFC 1952, RFC 1951; paper A §III, Table I. */
import { crc32, gzipSync, inflateRawSync } from "node:zlib";
import { EcgError } from "../../errors.ts";

const HEADER_BYTES = 10;
const TRAILER_BYTES = 8;
/** gzip's own default, which the paper's figures are assumed to be of. */
const LEVEL = 6;
/** Magic, deflate, no flags, no time, no hint, system unknown: what says nothing of the data. */
const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff);

/** Compresses with gzip -6. @param bytes less than 2^32; not changed. */
export function encodeGzip(bytes: Uint8Array): Uint8Array {
  const member = gzipSync(bytes, { level: LEVEL });
  member.set(HEADER);
  return new Uint8Array(member.buffer, member.byteOffset, member.length);
}

/** Decompresses one member, for bytes from anywhere. Memory is at most `limitBytes` and zlib's window.
 * @param limitBytes most bytes of the result.
 * @throws {EcgError} ERR_CODEC_MALFORMED unless the bytes are exactly one member with the header of `encodeGzip` whose checksum
 * and length are right; ERR_CODEC_LIMIT, before anything is allocated, when the result would be longer. */
export function decodeGzip(bytes: Uint8Array, limitBytes: number): Uint8Array {
  if (bytes.length < HEADER_BYTES + TRAILER_BYTES) throw malformed("is too short");
  if (HEADER.some((value, at) => bytes[at] !== value)) throw malformed("has another header");
  const trailer = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - TRAILER_BYTES, TRAILER_BYTES);
  const sizeBytes = trailer.getUint32(4, true);
  if (sizeBytes > limitBytes) {
    throw new EcgError("ERR_CODEC_LIMIT", `gzip stream is of ${sizeBytes} bytes, allowed are ${limitBytes}`);
  }
  const output = inflate(bytes.subarray(HEADER_BYTES, bytes.length - TRAILER_BYTES), sizeBytes);
  if (output.length !== sizeBytes || crc32(output) !== trailer.getUint32(0, true)) {
    throw malformed("does not have its checksum and length");
  }
  return output;
}

/** Inflates all of `deflated`, to at most `sizeBytes`. */
function inflate(deflated: Uint8Array, sizeBytes: number): Uint8Array {
  const { buffer, engine } = inflateWithEngine(deflated, sizeBytes);
  if (engine.bytesWritten !== deflated.length) throw malformed("has bytes after its end");
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

/** What `info: true` returns, which its type does not say. */
interface Inflated {
  readonly buffer: Buffer;
  /** `bytesWritten`: bytes of the input that were used. */
  readonly engine: { readonly bytesWritten: number };
}

function inflateWithEngine(deflated: Uint8Array, sizeBytes: number): Inflated {
  try {
    // A limit of 0 is refused by zlib; a longer result is found by its length.
    return inflateRawSync(deflated, { maxOutputLength: Math.max(1, sizeBytes), info: true }) as unknown as Inflated;
  } catch (cause) {
    throw new EcgError("ERR_CODEC_MALFORMED", "gzip stream does not inflate to its length", { cause });
  }
}

function malformed(problem: string): EcgError {
  return new EcgError("ERR_CODEC_MALFORMED", `gzip stream ${problem}`);
}
