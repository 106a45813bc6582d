/** Exact fractions for rates: 62.4725 Hz is 24989/400, never a float. */
import { EcgError } from "./errors.ts";

/** A positive fraction in lowest terms; both parts are positive safe integers. */
export interface Rational {
  readonly num: number;
  readonly den: number;
}

const DECIMAL = /^\+?(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,2}))?$/;

/** Reduces num/den to lowest terms.
 * @throws {RangeError} unless both are positive safe integers. */
export function rational(num: number, den: number): Rational {
  if (!isPositiveSafe(num) || !isPositiveSafe(den)) {
    throw new RangeError(`rational parts must be positive safe integers, got ${num}/${den}`);
  }
  const divisor = greatestCommonDivisor(num, den);
  return { num: num / divisor, den: den / divisor };
}

/** Reads a positive decimal number (`360`, `360.`, `62.4725`, `3.6e2`) as the exact fraction it states.
 * @returns undefined when the text is no such number, is zero, or needs more than safe integers.
 * Source: WFDB header(5), sampling frequency. */
export function rationalFromDecimal(text: string): Rational | undefined {
  const match = text.length <= 32 ? DECIMAL.exec(text) : null;
  const digits = (match?.[1] ?? "") + (match?.[2] ?? "");
  if (match === null || digits.length === 0) return undefined;
  const exponent = Number(match[3] ?? "0") - (match[2] ?? "").length;
  const num = BigInt(digits) * 10n ** BigInt(Math.max(exponent, 0));
  return safeRational(num, 10n ** BigInt(Math.max(-exponent, 0)));
}

/** Writes a fraction as decimal text: the exact value where it ends within 12 decimals, else the nearest such number. */
export function decimalFromRational(value: Rational): string {
  const scale = 10n ** 12n;
  const scaled = (BigInt(value.num) * scale * 2n + BigInt(value.den)) / (BigInt(value.den) * 2n);
  const fraction = (scaled % scale).toString().padStart(12, "0").replace(/0+$/, "");
  return fraction === "" ? `${scaled / scale}` : `${scaled / scale}.${fraction}`;
}

/** Throws unless `value` is positive and in lowest terms.
 * @throws {EcgError} ERR_WAVEFORM_FORMAT */
export function assertRational(value: Rational, subject: string): void {
  const { num, den } = value;
  if (!isPositiveSafe(num) || !isPositiveSafe(den) || greatestCommonDivisor(num, den) !== 1) {
    throw new EcgError("ERR_WAVEFORM_FORMAT", `${subject} must be a positive reduced fraction, got ${num}/${den}`);
  }
}

function safeRational(num: bigint, den: bigint): Rational | undefined {
  if (num === 0n) return undefined;
  let [a, b] = [num, den];
  while (b !== 0n) [a, b] = [b, a % b];
  const reduced = { num: Number(num / a), den: Number(den / a) };
  return isPositiveSafe(reduced.num) && isPositiveSafe(reduced.den) ? reduced : undefined;
}

function isPositiveSafe(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

function greatestCommonDivisor(first: number, second: number): number {
  let [a, b] = [first, second];
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
