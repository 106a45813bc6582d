/** Which contexts share a table: rare neighbours are merged, since every table costs bytes. Source: docs/codec-lead-residual.md §5.1. */
import { CELL_SHIFT, CONTEXT_COUNT, LIMB_CONTEXT_BASE, PALETTE_CONTEXT_BASE, TOKEN_COUNT } from "./tokens.ts";

/** A run of contexts with one table. */
export interface ContextGroup {
  readonly firstContext: number;
  /** One past the last context. */
  readonly endContext: number;
  /** Token occurrences over the run. */
  readonly histogram: Int32Array;
}

/** Fewer symbols than this do not earn a table of their own. */
const SYMBOLS_MIN = 320;
/** Kinds of contexts behave so differently that fewer symbols earn one between kinds. */
const SYMBOLS_MIN_BETWEEN_KINDS = 96;
const KIND_STARTS = [0, LIMB_CONTEXT_BASE, PALETTE_CONTEXT_BASE, CONTEXT_COUNT];

/** Cuts the contexts into runs that each earn a table; always at least one.
 * @param histogram occurrences per cell, not all zero. */
export function groupContexts(histogram: Int32Array): ContextGroup[] {
  const totals = Array.from({ length: CONTEXT_COUNT }, (_, context) => contextTotal(histogram, context));
  const starts = KIND_STARTS.slice(0, -1).flatMap((first, kind) => cutKind(totals, first, KIND_STARTS[kind + 1] ?? 0));
  const groups = starts.length === 0 ? [0] : [0, ...starts.slice(1)];
  return groups.map((start, index) => mergeContexts(histogram, start, groups[index + 1] ?? CONTEXT_COUNT));
}

/** Starts of the runs within one kind; a rest that is too small joins the run before it. */
function cutKind(totals: readonly number[], first: number, end: number): number[] {
  const starts = [first];
  let gathered = 0;
  for (let context = first; context < end; context++) {
    const total = totals[context] ?? 0;
    if (gathered >= SYMBOLS_MIN && total > 0) {
      starts.push(context);
      gathered = 0;
    }
    gathered += total;
  }
  if (starts.length > 1) return gathered < SYMBOLS_MIN ? starts.slice(0, -1) : starts;
  return gathered < SYMBOLS_MIN_BETWEEN_KINDS ? [] : starts;
}

function contextTotal(histogram: Int32Array, context: number): number {
  let total = 0;
  for (let token = 0; token < TOKEN_COUNT; token++) total += histogram[(context << CELL_SHIFT) | token] ?? 0;
  return total;
}

function mergeContexts(histogram: Int32Array, firstContext: number, endContext: number): ContextGroup {
  const merged = new Int32Array(TOKEN_COUNT);
  for (let context = firstContext; context < endContext; context++) {
    for (let token = 0; token < TOKEN_COUNT; token++) {
      merged[token] = (merged[token] ?? 0) + (histogram[(context << CELL_SHIFT) | token] ?? 0);
    }
  }
  return { firstContext, endContext, histogram: merged };
}
