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
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) throw new TypeError("hexadecimal text is malformed");
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
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
