/** Heads of CBOR items: a major type and its argument, in the shortest form. Source: RFC 8949 §3, §4.2.1. */

export const MAJOR = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5 } as const;

/** The simple values that are carried, with major type 7. */
export const SIMPLE = { false: 0xf4, true: 0xf5, null: 0xf6 } as const;

const TWO_32 = 2 ** 32;

/** Bytes of the head of an argument from 0 to 2^64 - 1. */
export function headBytes(argument: number | bigint): number {
  if (argument < 24) return 1;
  if (argument < 0x100) return 2;
  if (argument < 0x1_0000) return 3;
  return argument < TWO_32 ? 5 : 9;
}

/** Writes a head. @returns the place after it. */
export function writeHead(into: Uint8Array, at: number, major: number, argument: number | bigint): number {
  const type = major << 5;
  const size = headBytes(argument);
  if (size === 1) {
    into[at] = type | Number(argument);
    return at + 1;
  }
  into[at] = type | (size === 2 ? 24 : size === 3 ? 25 : size === 5 ? 26 : 27);
  if (size === 9) {
    const big = BigInt(argument);
    writeUint(into, at + 1, 4, Number(big >> 32n));
    writeUint(into, at + 5, 4, Number(big & 0xffff_ffffn));
  } else {
    writeUint(into, at + 1, size - 1, Number(argument));
  }
  return at + size;
}

function writeUint(into: Uint8Array, at: number, sizeBytes: number, value: number): void {
  let rest = value;
  for (let i = sizeBytes - 1; i >= 0; i -= 1) {
    into[at + i] = rest & 0xff;
    rest = Math.floor(rest / 0x100);
  }
}
