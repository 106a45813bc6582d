/** Decimal numbers as people and devices write them, exact: an integer and a power of ten. */

/** mantissa × 10^exponent. 36.60 is 3660 × 10^-2 and not 366 × 10^-1: how exactly something was measured is kept. */
export interface Decimal {
  /** At most 2^53 - 1 in absolute value. */
  readonly mantissa: number;
  /** -{@link DECIMAL_EXPONENT_MAX} to {@link DECIMAL_EXPONENT_MAX}. */
  readonly exponent: number;
}

/** Powers of ten that a value may have, in both directions. */
export const DECIMAL_EXPONENT_MAX = 12;

const TEXT_LENGTH_MAX = 40;
const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/;

/** The number that a text writes as JSON does; undefined when it writes none, or one with too many digits. */
export function parseDecimal(text: string): Decimal | undefined {
  const match = text.length <= TEXT_LENGTH_MAX ? DECIMAL.exec(text) : null;
  if (!match) return undefined;
  const [, sign = "", whole = "", fraction = "", power = "0"] = match;
  const digits = Number(whole + fraction);
  const mantissa = digits === 0 || sign === "" ? digits : -digits;
  const exponent = Number(power) - fraction.length;
  const fits = Number.isSafeInteger(mantissa) && Math.abs(exponent) <= DECIMAL_EXPONENT_MAX;
  return fits ? { mantissa, exponent: exponent === 0 ? 0 : exponent } : undefined;
}

/** The number in digits, with as many after the point as it was given with. */
export function decimalText({ mantissa, exponent }: Decimal): string {
  const sign = mantissa < 0 ? "-" : "";
  const digits = String(Math.abs(mantissa));
  if (exponent >= 0) return mantissa === 0 ? "0" : sign + digits + "0".repeat(exponent);
  const padded = digits.padStart(1 - exponent, "0");
  return `${sign}${padded.slice(0, exponent)}.${padded.slice(exponent)}`;
}

/** The number as a float: for comparing and drawing, never for storing. */
export function decimalNumber(decimal: Decimal): number {
  return Number(decimalText(decimal));
}
