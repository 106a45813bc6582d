/**
 * Deterministic CBOR: the one encoding that every Pericard structure uses.
 *
 * Source: RFC 8949 §4.2.1; docs/format.md §1.
 */
import { decode, decodeFirst, encode, rfc8949EncodeOptions, Token, Tokenizer, Type } from "cborg";
import { equalBytes } from "./bytes.ts";
import { ProtocolError } from "./errors.ts";
import { CBOR_ITEMS_MAX } from "./limits.ts";

/** What CBOR carries here: no floats, no tags inside, no undefined. Maps have integer or text keys. */
export type CborValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly CborValue[]
  | ReadonlyMap<number | string, CborValue>;

const DECODE_OPTIONS = {
  allowIndefinite: false,
  allowUndefined: false,
  allowNaN: false,
  allowInfinity: false,
  strict: true,
  useMaps: true,
  rejectDuplicateMapKeys: true,
  allowBigInt: true,
} as const;

/** Heads of byte strings with a length of 16 and of 32 bits. */
const HEAD_16_BITS = 0x59;
const HEAD_32_BITS = 0x5a;
/** Byte strings from this length on are given as views; shorter ones as copies, so that an h never holds a message. */
const VIEW_BYTES_MIN = 1024;

/**
 * Refuses what Pericard never writes, before it is built: floats, text that is not UTF-8, and more items than any
 * structure has. The last bounds both memory and depth.
 */
class BoundedTokenizer extends Tokenizer {
  readonly #itemCountMax: number;
  #itemCount = 0;

  constructor(bytes: Uint8Array, itemCountMax: number) {
    // A plain view: slices of a Buffer would share its memory.
    super(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength), DECODE_OPTIONS);
    this.#itemCountMax = itemCountMax;
  }

  override next(): Token {
    this.#itemCount += 1;
    if (this.#itemCount > this.#itemCountMax) throw new RangeError(`value has more than ${this.#itemCountMax} items`);
    const start = this.pos();
    const view = this.#longByteString(start);
    if (view) return view;
    const token = super.next();
    if (Type.equals(token.type, Type.float)) throw new TypeError("value has a float");
    if (Type.equals(token.type, Type.string)) this.#requireUtf8(token, start);
    return token;
  }

  /** A byte string of 1 KiB or more as a view: the largest part of every message would else be copied at each layer. */
  #longByteString(start: number): Token | undefined {
    const first = this.data[start];
    if (first !== HEAD_16_BITS && first !== HEAD_32_BITS) return undefined;
    const headBytes = first === HEAD_16_BITS ? 3 : 5;
    let sizeBytes = 0;
    for (let i = 1; i < headBytes; i += 1) sizeBytes = sizeBytes * 256 + (this.data[start + i] ?? 0);
    const end = start + headBytes + sizeBytes;
    const isShortest = first === HEAD_16_BITS || sizeBytes > 0xffff;
    if (sizeBytes < VIEW_BYTES_MIN || !isShortest || end > this.data.length) return undefined;
    // oxlint-disable-next-line no-underscore-dangle -- the place where Tokenizer itself keeps its position
    this._pos = end;
    return new Token(Type.bytes, this.data.subarray(start + headBytes, end), headBytes + sizeBytes);
  }

  /** The decoder replaces what is not UTF-8 and drops a byte order mark; both would let two encodings give one text. */
  #requireUtf8(token: Token, start: number): void {
    const text: unknown = token.value;
    if (typeof text !== "string") throw new TypeError("text is not a string");
    const headBytes = text.length < 24 ? 1 : 2;
    const isAscii = text.length < 256 && text.length + headBytes === token.encodedLength && !text.includes("\ufffd");
    if (!isAscii && !equalBytes(encode(text), this.data.subarray(start, this.pos()))) {
      throw new TypeError("text is not utf-8");
    }
  }
}

/**
 * Encodes one value in the core deterministic encoding, into memory that nothing else shares. Integers must be safe
 * integers.
 */
export function encodeCbor(value: CborValue): Uint8Array {
  const bytes = encode(value, rfc8949EncodeOptions);
  // Small results lie in the pool that all Buffers share: copied out, so that keys do not, and workers may take it.
  return bytes.byteLength === bytes.buffer.byteLength ? new Uint8Array(bytes.buffer) : new Uint8Array(bytes);
}

/** The head of a byte string of that many bytes: for a caller that puts a large content after it without a copy. */
export function byteStringHead(sizeBytes: number): Uint8Array {
  return headOf(0x40, sizeBytes);
}

/** The head of an array of that many items, which the caller puts after it. */
export function arrayHead(itemCount: number): Uint8Array {
  return headOf(0x80, itemCount);
}

/** A major type with its argument. An unsigned integer is major type 0. Source: RFC 8949 §3. */
function headOf(majorType: number, argument: number): Uint8Array {
  const head = encodeCbor(argument);
  head[0] = (head[0] ?? 0) | majorType;
  return head;
}

/**
 * Decodes exactly one CBOR value of at most `itemCountMax` items; shortest lengths and integers only. Map order is not
 * checked: see {@link decodeCanonical}. Byte strings of 1 KiB or more are views into `bytes`, shorter ones copies. Map keys that are neither numbers nor texts are the
 * caller's to refuse: no structure has any.
 *
 * @throws {ProtocolError} ERR_CBOR_MALFORMED when the bytes are anything else.
 */
export function decodeCbor(bytes: Uint8Array, itemCountMax: number = CBOR_ITEMS_MAX): unknown {
  try {
    return decode(bytes, { ...DECODE_OPTIONS, tokenizer: new BoundedTokenizer(bytes, itemCountMax) });
  } catch (cause) {
    throw new ProtocolError("ERR_CBOR_MALFORMED", "value is not one deterministic cbor item", { cause });
  }
}

/** Decodes the first CBOR value and gives the bytes after it. @throws {ProtocolError} ERR_CBOR_MALFORMED. */
export function decodeFirstCbor(bytes: Uint8Array): [value: unknown, rest: Uint8Array] {
  try {
    return decodeFirst(bytes, { ...DECODE_OPTIONS, tokenizer: new BoundedTokenizer(bytes, CBOR_ITEMS_MAX) });
  } catch (cause) {
    throw new ProtocolError("ERR_CBOR_MALFORMED", "bytes do not begin with a deterministic cbor item", { cause });
  }
}

/**
 * Decodes one CBOR value of at most `sizeBytesMax` bytes that is encoded in the one deterministic way.
 *
 * @throws {ProtocolError} ERR_LENGTH_LIMIT when it is longer, ERR_CBOR_MALFORMED when another encoding of it exists
 * that this one is not.
 */
export function decodeCanonical(
  bytes: Uint8Array,
  sizeBytesMax: number,
  itemCountMax: number = CBOR_ITEMS_MAX,
): unknown {
  if (bytes.length > sizeBytesMax) {
    throw new ProtocolError("ERR_LENGTH_LIMIT", `value is ${bytes.length} bytes, at most ${sizeBytesMax} are allowed`);
  }
  const value = decodeCbor(bytes, itemCountMax);
  if (!equalBytes(reencode(value), bytes)) {
    throw new ProtocolError("ERR_CBOR_MALFORMED", "value is not in deterministic encoding");
  }
  return value;
}

/** The encoder refuses maps whose keys are arrays or maps; the decoder does not. */
function reencode(value: unknown): Uint8Array {
  try {
    return encodeCbor(value as CborValue);
  } catch (cause) {
    throw new ProtocolError("ERR_CBOR_MALFORMED", "value has no deterministic encoding", { cause });
  }
}
