/** The order of map keys: that of their encodings, byte by byte. Source: RFC 8949 §4.2.1. */
import { utf8 } from "./bytes.ts";

/** Keys that maps have. */
export type CborKey = number | string;

/** Below zero when `a` is before `b`, zero when they are the same key. */
export function compareKeys(a: CborKey, b: CborKey): number {
  if (typeof a === "number") return typeof b === "number" ? compareIntegers(a, b) : -1;
  return typeof b === "number" ? 1 : compareTexts(a, b);
}

/** Unsigned before negative; in each the shorter head first, which is the smaller argument. */
function compareIntegers(a: number, b: number): number {
  if (a >= 0) return b >= 0 ? a - b : -1;
  return b >= 0 ? 1 : b - a;
}

/** The head has the length: the shorter text comes first. */
function compareTexts(a: string, b: string): number {
  const [first, second] = [utf8(a), utf8(b)];
  if (first.length !== second.length) return first.length - second.length;
  const at = first.findIndex((byte, i) => byte !== second[i]);
  return at < 0 ? 0 : (first[at] as number) - (second[at] as number);
}
