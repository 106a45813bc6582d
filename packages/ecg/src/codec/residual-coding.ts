/** The inner loops of the codec: residuals to tokens with contexts, and back. All arithmetic is on int32 and wraps.
 *
 * Everything that a loop calls stands in this file, not exported, on purpose: V8 reads imported and exported bindings anew
 * at each use, which took 3 of 7 ns per sample. Source: docs/codec-lead-residual.md §3, §4. */
import { EcgError } from "../errors.ts";
import type { SymbolReader } from "./entropy-decoder.ts";
import type { LimbRule } from "./limb-leads.ts";
import type { Prediction } from "./predictor.ts";
import type { Symbols } from "./symbols.ts";
import { CELL_SHIFT, LIMB_CONTEXT_BASE, PALETTE_CONTEXT_BASE, WAVEFORM_CONTEXT_COUNT } from "./tokens.ts";

const SHIFT = CELL_SHIFT;
const LAST_CONTEXT = WAVEFORM_CONTEXT_COUNT - 1;
const LIMB_BASE = LIMB_CONTEXT_BASE;
const PALETTE_BASE = PALETTE_CONTEXT_BASE;

/** Signed to unsigned with small magnitudes first: 0, -1, 1, -2, … become 0, 1, 2, 3, … (as int32 bit pattern). */
function zigzag(value: number): number {
  return (value << 1) ^ (value >> 31);
}

/** Inverse of `zigzag`. */
function unzigzag(value: number): number {
  return (value >>> 1) ^ -(value & 1);
}

/** -1 for an unsigned 32-bit value below 16, which is its own token; 0 for one that has raw bits. */
function smallMask(value: number): number {
  return ((value >>> 4) - 1) >> 31;
}

/** Token of an unsigned 32-bit value. Without a branch: in noise, the processor could not predict it. */
function tokenOf(value: number): number {
  const shift = 30 - Math.clz32(value | 16);
  const large = (shift << 1) + (value >>> shift) + 8;
  return large + ((value - large) & smallMask(value));
}

/** Context of a waveform residual. @param activity 2|r1| + |r2| + |r3| of the residuals before it, int32. */
function waveformContext(activity: number): number {
  const level = ((activity >> 1) & 0x3fffffff) + 2;
  const shift = 30 - Math.clz32(level);
  const context = (shift << 1) + (level >> shift) - 2;
  return context < LAST_CONTEXT ? context : LAST_CONTEXT;
}

/** Context of a limb-lead residual. @param roundingClass 0 or 1: parity of the halved sum; 2: nothing was halved. */
function limbContext(roundingClass: number, previous: number): number {
  const sign = (previous >> 31) - ((0 - previous) >> 31);
  return LIMB_BASE + 1 + 3 * roundingClass + sign;
}

/** Context of a palette gap, from the two before it. */
function paletteContext(previous: number, beforePrevious: number): number {
  return previous === beforePrevious ? PALETTE_BASE : PALETTE_BASE + 1;
}

/** The places of the next symbols, which are counted at once. */
function nextCells(symbols: Symbols, count: number): Uint16Array {
  const start = symbols.count;
  symbols.count += count;
  return symbols.cells.subarray(start, symbols.count);
}

/** Appends the residuals of an independent lead. @param reference the reference lead, or `samples` itself with gain 0. */
export function appendWaveform(
  symbols: Symbols,
  samples: Int32Array,
  reference: Int32Array,
  prediction: Prediction,
): void {
  const { wideValues } = symbols;
  const count = samples.length;
  const cells = nextCells(symbols, count);
  const [w1, w2, w3] = prediction.weights;
  const gain = prediction.referenceGain;
  let z1 = (samples[0] ?? 0) * 16 - Math.imul(gain, reference[0] ?? 0);
  let z2 = (z1 |= 0);
  let z3 = z1;
  let r1 = 0;
  let a2 = 0;
  let a3 = 0;
  let wideAt = symbols.wideCount;
  for (let i = 0; i < count; i++) {
    const x = samples[i] ?? 0;
    const p = Math.imul(gain, reference[i] ?? 0);
    const predicted = (Math.imul(w1, z1) + Math.imul(w2, z2) + Math.imul(w3, z3) + (p << 1) + 16) >> 5;
    const residual = (x - predicted) | 0;
    z3 = z2;
    z2 = z1;
    z1 = ((x << 4) - p) | 0;
    const sign = r1 >> 31;
    const a1 = ((r1 ^ sign) - sign) | 0;
    const value = zigzag(((residual ^ sign) - sign) | 0);
    cells[i] = (waveformContext(((a1 << 1) + a2 + a3) | 0) << SHIFT) | tokenOf(value);
    wideValues[wideAt] = value;
    wideAt += 1 + smallMask(value);
    a3 = a2;
    a2 = a1;
    r1 = residual;
  }
  symbols.wideCount = wideAt;
}

/** Appends the residuals of a limb lead. @param first lead I. @param second lead II. All arrays have the same length. */
export function appendLimb(
  symbols: Symbols,
  rule: LimbRule,
  samples: Int32Array,
  first: Int32Array,
  second: Int32Array,
): void {
  const { wideValues } = symbols;
  const count = samples.length;
  const cells = nextCells(symbols, count);
  const [m1, m2] = rule.minuendMasks;
  const [s1, s2] = rule.subtrahendMasks;
  const { shift } = rule;
  const classMask = shift === 0 ? 0 : 1;
  const classBase = shift === 0 ? 2 : 0;
  let previous = 0;
  let wideAt = symbols.wideCount;
  for (let i = 0; i < count; i++) {
    const a = first[i] ?? 0;
    const b = second[i] ?? 0;
    const subtrahend = ((a & s1) + (b & s2)) | 0;
    const residual = ((samples[i] ?? 0) - ((a & m1) + (b & m2)) + (subtrahend >> shift)) | 0;
    const value = zigzag(residual);
    cells[i] = (limbContext((subtrahend & classMask) | classBase, previous) << SHIFT) | tokenOf(value);
    wideValues[wideAt] = value;
    wideAt += 1 + smallMask(value);
    previous = residual;
  }
  symbols.wideCount = wideAt;
}

/** Appends the gaps of a palette, each minus one. */
export function appendPalette(symbols: Symbols, gaps: Int32Array): void {
  let previous = 0;
  let beforePrevious = 0;
  for (const gap of gaps) {
    symbols.cells[symbols.count++] = (paletteContext(previous, beforePrevious) << SHIFT) | tokenOf(gap);
    symbols.wideValues[symbols.wideCount] = gap;
    symbols.wideCount += 1 + smallMask(gap);
    beforePrevious = previous;
    previous = gap;
  }
}

/** What the decoder knows of a waveform lead before its residuals. */
export interface CodedLead extends Prediction {
  readonly length: number;
  /** First coded value, which stands for everything before the start. */
  readonly seed: number;
}

/** Reads one independent lead, in coded form. @param previous coded form of the waveform lead before it.
 * @throws {EcgError} ERR_CODEC_MALFORMED when the lead needs a reference that is not as long as itself. */
export function readWaveform(symbols: SymbolReader, entry: CodedLead, previous: Int32Array): Int32Array {
  const gain = entry.referenceGain;
  if (gain !== 0 && previous.length !== entry.length) {
    throw new EcgError("ERR_CODEC_MALFORMED", "lead-residual lead lacks its reference");
  }
  const [w1, w2, w3] = entry.weights;
  const coded = new Int32Array(entry.length);
  const reference = gain === 0 ? coded : previous;
  let z1 = ((entry.seed << 4) - Math.imul(gain, reference[0] ?? 0)) | 0;
  let z2 = z1;
  let z3 = z1;
  let r1 = 0;
  let a2 = 0;
  let a3 = 0;
  for (let i = 0; i < coded.length; i++) {
    const p = Math.imul(gain, reference[i] ?? 0);
    const sign = r1 >> 31;
    const a1 = ((r1 ^ sign) - sign) | 0;
    const flipped = unzigzag(symbols.next(waveformContext(((a1 << 1) + a2 + a3) | 0)));
    const residual = ((flipped ^ sign) - sign) | 0;
    const predicted = (Math.imul(w1, z1) + Math.imul(w2, z2) + Math.imul(w3, z3) + (p << 1) + 16) >> 5;
    const x = (predicted + residual) | 0;
    coded[i] = x;
    z3 = z2;
    z2 = z1;
    z1 = ((x << 4) - p) | 0;
    a3 = a2;
    a2 = a1;
    r1 = residual;
  }
  return coded;
}

/** Reads one limb lead. @param first lead I. @param second lead II, of the same length. */
export function readLimb(symbols: SymbolReader, rule: LimbRule, first: Int32Array, second: Int32Array): Int32Array {
  const [m1, m2] = rule.minuendMasks;
  const [s1, s2] = rule.subtrahendMasks;
  const { shift } = rule;
  const classMask = shift === 0 ? 0 : 1;
  const classBase = shift === 0 ? 2 : 0;
  const samples = new Int32Array(first.length);
  let previous = 0;
  for (let i = 0; i < samples.length; i++) {
    const a = first[i] ?? 0;
    const b = second[i] ?? 0;
    const subtrahend = ((a & s1) + (b & s2)) | 0;
    previous = unzigzag(symbols.next(limbContext((subtrahend & classMask) | classBase, previous)));
    samples[i] = (a & m1) + (b & m2) - (subtrahend >> shift) + previous;
  }
  return samples;
}

/** Reads the gaps of one palette. */
export function readPaletteGaps(symbols: SymbolReader, gapCount: number): Int32Array {
  const gaps = new Int32Array(gapCount);
  let previous = 0;
  let beforePrevious = 0;
  for (let i = 0; i < gapCount; i++) {
    const gap = symbols.next(paletteContext(previous, beforePrevious));
    gaps[i] = gap;
    beforePrevious = previous;
    previous = gap;
  }
  return gaps;
}
