/**
 * Reads the core deterministic encoding and nothing else: what another encoder would have written differently is refused
 * where it is met, so that nothing has to be encoded again to compare.
 *
 * Source: RFC 8949 §3, §4.2.1; docs/format.md §1.
 */
import { headBytes, MAJOR, SIMPLE } from "./cbor-head.ts";
import { compareKeys, type CborKey } from "./cbor-order.ts";

/** Byte strings from this length on are given as views; shorter ones as copies, so that an h never holds a message. */
const VIEW_BYTES_MIN = 1024;
/** Texts up to this length are read character by character when they are ASCII. */
const SHORT_TEXT_BYTES_MAX = 64;
/** Sizes of the arguments of additional information 24 to 27. */
const ARGUMENT_BYTES = [1, 2, 4, 8] as const;

const BYTE_ORDER_MARK = "\ufeff";
const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads values out of bytes, one after another. Every refusal is an error of JavaScript's own; callers name it. */
export class CborReader {
  readonly #bytes: Uint8Array;
  #itemsLeft: number;
  #at = 0;

  /** `itemCountMax` bounds memory and depth: a value has at most so many items, keys of maps counted. */
  constructor(bytes: Uint8Array, itemCountMax: number) {
    // A plain view: slices of a Buffer would share its memory.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#itemsLeft = itemCountMax;
  }

  /** The place after what was read. */
  get offsetBytes(): number {
    return this.#at;
  }

  /** @throws {RangeError} when the bytes end or there are too many items, {TypeError} when they are not deterministic. */
  read(): unknown {
    this.#itemsLeft -= 1;
    if (this.#itemsLeft < 0) throw new RangeError("value has too many items");
    if (this.#at >= this.#bytes.length) throw new RangeError("value is cut off");
    const first = this.#bytes[this.#at] as number;
    const major = first >> 5;
    if (major > MAJOR.map) return this.#readSimple(first);
    const argument = this.#readArgument(first & 0x1f);
    if (major === MAJOR.unsigned) return argument;
    if (major === MAJOR.negative) return typeof argument === "number" ? negative(argument) : -1n - argument;
    const count = this.#requireCount(argument);
    if (major === MAJOR.bytes) return this.#readBytes(count);
    if (major === MAJOR.text) return this.#readText(count);
    return major === MAJOR.array ? this.#readArray(count) : this.#readMap(count);
  }

  #readSimple(first: number): unknown {
    this.#at += 1;
    if (first === SIMPLE.null) return null;
    if (first === SIMPLE.true) return true;
    if (first === SIMPLE.false) return false;
    throw new TypeError("value has a tag, a float or another simple value");
  }

  /** An argument in its shortest form; a bigint beyond the safe integers. */
  #readArgument(information: number): number | bigint {
    this.#at += 1;
    if (information < 24) return information;
    const sizeBytes = ARGUMENT_BYTES[information - 24];
    if (sizeBytes === undefined) throw new TypeError("value has an indefinite length or a reserved head");
    if (this.#at + sizeBytes > this.#bytes.length) throw new RangeError("value is cut off");
    const high = sizeBytes === 8 ? this.#readUint(4) : 0;
    const low = this.#readUint(Math.min(sizeBytes, 4));
    const argument = high > 0x1f_ffff ? (BigInt(high) << 32n) | BigInt(low) : high * 2 ** 32 + low;
    if (headBytes(argument) !== 1 + sizeBytes) throw new TypeError("head is not the shortest one");
    return argument;
  }

  #readUint(sizeBytes: number): number {
    let value = 0;
    for (let i = 0; i < sizeBytes; i += 1) value = value * 0x100 + (this.#bytes[this.#at + i] as number);
    this.#at += sizeBytes;
    return value;
  }

  /** A length or a count: every item needs a byte at least. */
  #requireCount(argument: number | bigint): number {
    if (typeof argument === "number" && argument <= this.#bytes.length - this.#at) return argument;
    throw new RangeError("value is cut off");
  }

  #readBytes(sizeBytes: number): Uint8Array {
    const start = this.#at;
    this.#at += sizeBytes;
    return sizeBytes < VIEW_BYTES_MIN ? this.#bytes.slice(start, this.#at) : this.#bytes.subarray(start, this.#at);
  }

  #readText(sizeBytes: number): string {
    const start = this.#at;
    this.#at += sizeBytes;
    const short = sizeBytes <= SHORT_TEXT_BYTES_MAX ? this.#shortAscii(start, this.#at) : undefined;
    const value = short ?? text.decode(this.#bytes.subarray(start, this.#at));
    // Other decoders drop it: two encodings would give one text.
    if (value.startsWith(BYTE_ORDER_MARK)) throw new TypeError("text begins with a byte order mark");
    return value;
  }

  #shortAscii(start: number, end: number): string | undefined {
    let value = "";
    for (let i = start; i < end; i += 1) {
      const byte = this.#bytes[i] as number;
      if (byte > 0x7f) return undefined;
      value += String.fromCharCode(byte);
    }
    return value;
  }

  #readArray(count: number): unknown[] {
    this.#requireItems(count);
    const items: unknown[] = [];
    for (let i = 0; i < count; i += 1) items.push(this.read());
    return items;
  }

  #readMap(count: number): Map<CborKey, unknown> {
    this.#requireItems(2 * count);
    const map = new Map<CborKey, unknown>();
    let before: CborKey | undefined;
    for (let i = 0; i < count; i += 1) {
      const key = this.read();
      if (typeof key !== "number" && typeof key !== "string") throw new TypeError("map has a key of another kind");
      if (before !== undefined && compareKeys(before, key) >= 0) throw new TypeError("map is not in order");
      map.set(key, this.read());
      before = key;
    }
    return map;
  }

  #requireItems(count: number): void {
    if (count > this.#itemsLeft) throw new RangeError("value has too many items");
  }
}

/** -1 - n; a bigint where that is no safe integer. */
function negative(argument: number): number | bigint {
  return argument === Number.MAX_SAFE_INTEGER ? -1n - BigInt(argument) : -1 - argument;
}
