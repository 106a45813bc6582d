/**
 * Plain Diffie–Hellman over a preset prime, as the paper agrees on a key for changing the maximum use count.
 *
 * Neither side proves who it is: whoever stands between them agrees with both. As in the paper, 1 and Q - 1 are taken
 * too. BigInt takes a time that depends on the exponent.
 *
 * Source: paper A §II.H; docs/format-paper-2018.md §7.
 */
import { fromHex, PAPER_GROUP_BYTES, toHex } from "@pericard/protocol";
import { CryptoError } from "../errors.ts";
import type { RandomSource } from "../random.ts";
import { SyntheticTenant } from "./guard.ts";

/** Q and p, which the factory writes into both sides. `prime` is 48 bytes, big-endian. */
export interface PaperGroup {
  readonly prime: Uint8Array;
  readonly generator: number;
}

/**
 * The group of this project: Q is the first prime of the form 8n + 3 with (Q - 1) / 2 prime at or after SHA-384 of
 * "Pericard paper-2018 preset Q" with its highest bit set; 2 then generates all of it.
 */
export const PAPER_GROUP: PaperGroup = {
  prime: fromHex("d607949454e8ecf3632a0eda2b7c9e28e446849774ed7bc66e21b2c1d2605e2c11fcf0293b231625ac1339d6e31a1f6b"),
  generator: 2,
};

/** One side's secret exponent, x or y, and what it sends, A or B. Both are 48 bytes, big-endian. */
export interface PaperExchange {
  readonly secret: Uint8Array;
  readonly sent: Uint8Array;
}

function toNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes)}`);
}

function toBytes(value: bigint): Uint8Array {
  return fromHex(value.toString(16).padStart(2 * PAPER_GROUP_BYTES, "0"));
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base % modulus;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

function requireSize(name: string, bytes: Uint8Array): void {
  if (bytes.length !== PAPER_GROUP_BYTES) {
    throw new RangeError(`${name}: expected ${PAPER_GROUP_BYTES} bytes, got ${bytes.length}`);
  }
}

/** Eight bytes more than Q has, so that the remainder favours no exponent that anybody could find. */
const DRAWN_BYTES = PAPER_GROUP_BYTES + 8;

/** Draws an exponent of 1 to Q - 2 and computes p to its power modulo Q. */
export function beginPaperExchange(leave: SyntheticTenant, group: PaperGroup, random: RandomSource): PaperExchange {
  SyntheticTenant.idOf(leave);
  requireSize("Q", group.prime);
  const prime = toNumber(group.prime);
  const secret = (toNumber(random(DRAWN_BYTES)) % (prime - 2n)) + 1n;
  return { secret: toBytes(secret), sent: toBytes(power(BigInt(group.generator), secret, prime)) };
}

/**
 * K: what the other side sent, to the power of one's own secret, modulo Q; 48 bytes, big-endian.
 *
 * @throws {CryptoError} ERR_SHARED_SECRET when what came is zero or not below Q. @throws {RangeError} for another size.
 */
export function finishPaperExchange(
  leave: SyntheticTenant,
  group: PaperGroup,
  secret: Uint8Array,
  received: Uint8Array,
): Uint8Array {
  SyntheticTenant.idOf(leave);
  requireSize("Q", group.prime);
  requireSize("exponent", secret);
  requireSize("received number", received);
  const prime = toNumber(group.prime);
  const base = toNumber(received);
  if (base === 0n || base >= prime) throw new CryptoError("ERR_SHARED_SECRET", "received number is not of the group");
  return toBytes(power(base, toNumber(secret), prime));
}
