/** Mirror of `entropy-encoder.ts`, over bytes that nobody has checked. Source: docs/codec-lead-residual.md §5. */
import { EcgError } from "../errors.ts";
import { BitReader } from "./bit-reader.ts";
import { ByteReader } from "./byte-reader.ts";
import { readCounts } from "./counts.ts";
import { RawBitReader } from "./raw-bits.ts";
import { buildDecodeTable, TABLE_LOG, TABLE_SIZE } from "./tans-table.ts";
import { CONTEXT_COUNT, extraBitCount, TOKEN_COUNT, tokenBase } from "./tokens.ts";

const EXTRA_BITS = Uint8Array.from({ length: TOKEN_COUNT }, (_, token) => extraBitCount(token));
const TOKEN_BASES = Int32Array.from({ length: TOKEN_COUNT }, (_, token) => tokenBase(token));

/** Yields symbols one after the other; the caller supplies each symbol's context. */
export class SymbolReader {
  /** Decode tables of all groups, one behind the other. */
  private readonly table: Int32Array;
  /** Where the table of each context starts in `table`. */
  private readonly tableBases: Int32Array;
  private readonly view: DataView;
  /** Position in the table for the next symbol. */
  private state = 0;
  /** Position for the symbol after it. */
  private otherState = 0;
  private readonly raw: RawBitReader;
  private bitOffset = 0;

  /** Reads the tables and the end of the bit stream, which fills the rest of `bytes`.
   * @throws {EcgError} ERR_CODEC_MALFORMED */
  constructor(bytes: Uint8Array, offsetBytes: number) {
    const reader = new BitReader(bytes, offsetBytes);
    this.tableBases = readGroups(reader);
    this.table = readTables(reader, (this.tableBases.at(-1) ?? 0) + TABLE_SIZE);
    const rest = new ByteReader(bytes.subarray(reader.alignToByte()));
    this.raw = new RawBitReader(rest.bytes(rest.varint()));
    const payload = rest.bytes(rest.leftBytes);
    const padded = new Uint8Array(payload.length + 8);
    padded.set(payload);
    this.view = new DataView(padded.buffer);
    this.bitOffset = endOfBits(payload);
    this.state = this.take(TABLE_LOG);
    this.otherState = this.take(TABLE_LOG);
  }

  /** The next value, an unsigned 32-bit pattern as int32. @throws {EcgError} ERR_CODEC_MALFORMED when the bits end before. */
  next(context: number): number {
    const entry = this.table[(this.tableBases[context] ?? 0) + this.state] ?? 0;
    const nextState = (entry >>> 16) + this.take((entry >>> 8) & 0xff);
    this.state = this.otherState;
    this.otherState = nextState;
    const token = entry & 0xff;
    return token < 16 ? token : (TOKEN_BASES[token] ?? 0) | this.raw.read(EXTRA_BITS[token] ?? 0);
  }

  /** @throws {EcgError} ERR_CODEC_MALFORMED unless the stream ended exactly here. */
  assertEnd(): void {
    this.raw.assertEnd();
    if (this.bitOffset !== 0 || this.state !== 0 || this.otherState !== 0) throw malformed("has bits left over");
  }

  private take(count: number): number {
    this.bitOffset -= count;
    if (this.bitOffset < 0) throw malformed("ends before its last sample");
    const word = this.view.getUint32(this.bitOffset >>> 3, true);
    return (word >>> (this.bitOffset & 7)) & ((1 << count) - 1);
  }
}

function readGroups(reader: BitReader): Int32Array {
  const tableBases = new Int32Array(CONTEXT_COUNT);
  let group = 0;
  for (let context = 1; context < CONTEXT_COUNT; context++) {
    group += reader.read(1);
    tableBases[context] = group << TABLE_LOG;
  }
  return tableBases;
}

function readTables(reader: BitReader, size: number): Int32Array {
  const table = new Int32Array(size);
  for (let base = 0; base < size; base += TABLE_SIZE) {
    table.set(buildDecodeTable(readCounts(reader).counts), base);
  }
  return table;
}

/** Offset of the highest 1 bit of the last byte: everything below it is content. */
function endOfBits(payload: Uint8Array): number {
  const last = payload.at(-1) ?? 0;
  if (last === 0) throw malformed("lacks its end mark");
  return (payload.length - 1) * 8 + (31 - Math.clz32(last));
}

function malformed(problem: string): EcgError {
  return new EcgError("ERR_CODEC_MALFORMED", `lead-residual bit stream ${problem}`);
}
