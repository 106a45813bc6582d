/** Removal of repeated stretches: content-defined chunks, each written once. Source: docs/codec-bytes.md §4; paper A §III, Table I. */
import { crc32 } from "node:zlib";
import { EcgError } from "../../errors.ts";
import { ByteReader } from "../byte-reader.ts";
import { chunkEnd } from "./gear.ts";
import { GrowingBytes } from "./growing-bytes.ts";

/** First byte of every stream. */
export const DEDUP_VERSION = 1;
/** Longest chunk that a reader takes. */
export const CHUNK_BYTES_LIMIT = 65_536;
/** Longest input; sizes are 31-bit numbers in this format. */
const RAW_BYTES_MAX = 0x7fff_ffff;

/** A run of chunks that came before, waiting to be written as one entry. */
interface Repeat {
  first: number;
  count: number;
}

/** Writes each chunk once, and runs of chunks that came before as numbers. What it has seen is forgotten afterwards.
 * @param bytes at most 2^31 - 1; not changed.
 * @returns at most `bytes.length` + `bytes.length` / 64 + 64 bytes; the same input gives the same bytes.
 * @throws {RangeError} when there are more bytes. Source: docs/codec-bytes.md §4. */
export function encodeDedup(bytes: Uint8Array): Uint8Array {
  if (bytes.length > RAW_BYTES_MAX) throw new RangeError(`bytes: expected at most 2^31 - 1, got ${bytes.length}`);
  const output = new GrowingBytes(bytes.length >> 2);
  const known = new ChunkIndex(bytes);
  output.append(Uint8Array.of(DEDUP_VERSION));
  output.varint(bytes.length);
  const repeat: Repeat = { first: 0, count: 0 };
  for (let start = 0; start < bytes.length;) {
    const end = chunkEnd(bytes, start);
    const number = known.findOrAdd(start, end);
    if (number === undefined) {
      writeRepeat(output, repeat);
      output.varint((end - start) * 2);
      output.append(bytes.subarray(start, end));
    } else if (repeat.count > 0 && number === repeat.first + repeat.count) {
      repeat.count += 1;
    } else {
      writeRepeat(output, repeat);
      [repeat.first, repeat.count] = [number, 1];
    }
    start = end;
  }
  writeRepeat(output, repeat);
  return output.finish();
}

function writeRepeat(output: GrowingBytes, repeat: Repeat): void {
  if (repeat.count === 0) return;
  output.varint(repeat.count * 2 + 1);
  output.varint(repeat.first);
  repeat.count = 0;
}

/** Chunks of one input by their content. Two contents with one checksum cost compression only: the second stays unknown. */
class ChunkIndex {
  readonly #bytes: Uint8Array;
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  readonly #numbers = new Map<number, number>();

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The number of a chunk with these bytes; undefined when there was none, and this is now the newest. */
  findOrAdd(start: number, end: number): number | undefined {
    const checksum = crc32(this.#bytes.subarray(start, end));
    const number = this.#numbers.get(checksum);
    if (number !== undefined && this.#isEqual(number, start, end)) return number;
    if (number === undefined) this.#numbers.set(checksum, this.#starts.length);
    this.#starts.push(start);
    this.#ends.push(end);
    return undefined;
  }

  #isEqual(number: number, start: number, end: number): boolean {
    const other = this.#starts[number] ?? 0;
    if ((this.#ends[number] ?? 0) - other !== end - start) return false;
    const bytes = this.#bytes;
    for (let at = start, from = other; at < end; at++, from++) if (bytes[at] !== bytes[from]) return false;
    return true;
  }
}

/** Gives back what `encodeDedup` was given, for bytes from anywhere. Memory is at most `limitBytes` and 16 bytes for each
 * chunk, whatever the bytes say.
 * @param limitBytes most bytes of the result.
 * @throws {EcgError} ERR_CODEC_MALFORMED for bytes that are no whole stream; ERR_CODEC_LIMIT, before anything is allocated,
 * when the result would be longer. */
export function decodeDedup(bytes: Uint8Array, limitBytes: number): Uint8Array {
  const reader = new ByteReader(bytes);
  const version = reader.byte();
  if (version !== DEDUP_VERSION) throw malformed(`version is ${version}, known is ${DEDUP_VERSION}`);
  const sizeBytes = reader.varint();
  if (sizeBytes > limitBytes) {
    throw new EcgError("ERR_CODEC_LIMIT", `dedup stream is of ${sizeBytes} bytes, allowed are ${limitBytes}`);
  }
  const output = new Uint8Array(sizeBytes);
  const chunkStarts: number[] = [];
  const chunkEnds: number[] = [];
  let at = 0;
  while (at < sizeBytes) {
    const head = reader.varint();
    const count = head >>> 1;
    if (count === 0) throw malformed("has an empty entry");
    if ((head & 1) === 0) {
      if (count > CHUNK_BYTES_LIMIT || count > sizeBytes - at) throw malformed("has a chunk that is too long");
      output.set(reader.bytes(count), at);
      chunkStarts.push(at);
      at += count;
      chunkEnds.push(at);
    } else {
      at = repeatChunks(output, at, { first: reader.varint(), count }, chunkStarts, chunkEnds);
    }
  }
  if (reader.leftBytes > 0) throw malformed("has bytes after its end");
  return output;
}

/** Copies a run of known chunks to `at`. Where the run ends. */
function repeatChunks(
  output: Uint8Array,
  at: number,
  { first, count }: Repeat,
  starts: readonly number[],
  ends: readonly number[],
): number {
  if (first + count > starts.length) throw malformed("repeats a chunk that did not come before");
  let end = at;
  for (let number = first; number < first + count; number++) {
    const [from = 0, to = 0] = [starts[number], ends[number]];
    if (to - from > output.length - end) throw malformed("repeats more than its length");
    output.copyWithin(end, from, to);
    end += to - from;
  }
  return end;
}

function malformed(problem: string): EcgError {
  return new EcgError("ERR_CODEC_MALFORMED", `dedup stream ${problem}`);
}
