const HEX = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, "0"));

/** Lower-case hexadecimal text, two characters a byte. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX[byte];
  return text;
}

/**
 * Bytes of lower- or upper-case hexadecimal text.
 *
 * @throws {TypeError} when the text has an odd length or another character.
 */
export function fromHex(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length >> 1);
  let seen = text.length % 2 === 0 ? 0 : NOT_HEX;
  for (let i = 0; i < bytes.length; i += 1) {
    const high = digitOf(text.charCodeAt(2 * i));
    const low = digitOf(text.charCodeAt(2 * i + 1));
    seen |= high | low;
    bytes[i] = (high << 4) | low;
  }
  if (seen >= NOT_HEX) throw new TypeError("hexadecimal text is malformed");
  return bytes;
}

/** More than any digit's value. */
const NOT_HEX = 16;

function digitOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : NOT_HEX;
}

/** One new array holding all parts in order. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offsetBytes = 0;
  for (const part of parts) {
    joined.set(part, offsetBytes);
    offsetBytes += part.length;
  }
  return joined;
}

/**
 * Gives back the memory of bytes that nobody needs any more, without waiting for the collector, which sees a small object
 * where megabytes hang. Their owner alone calls it: afterwards the bytes, and every view of them, are empty. Bytes that
 * share their memory with others are left alone, and so are few bytes.
 */
export function releaseBytes(bytes: ArrayBufferView): void {
  const { buffer, byteLength } = bytes;
  if (byteLength < RELEASED_BYTES_MIN || byteLength !== buffer.byteLength) return;
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}

const RELEASED_BYTES_MIN = 4096;

/** Whether two public byte strings are the same. Not for secrets: it stops at the first difference. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}

const ENCODER = new TextEncoder();

/** UTF-8 bytes of a text. */
export function utf8(text: string): Uint8Array {
  return ENCODER.encode(text);
}
