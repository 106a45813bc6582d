/** Tables of the entropy coder (tANS). One table serves a run of neighbouring contexts.
 * Source: docs/codec-lead-residual.md §5; Duda, arXiv:1311.2540; the spreading step is that of RFC 8878 §4.1. */
import { TOKEN_COUNT } from "./tokens.ts";

/** log2 of a table's size. Larger tables would be more exact, but cost more to build and describe than they save. */
export const TABLE_LOG = 8;
/** States of a table. */
export const TABLE_SIZE = 256;

// Not exported, so that loops read them without a detour (see residual-coding.ts).
const TOKENS = TOKEN_COUNT;
const LOG = TABLE_LOG;
const SIZE = TABLE_SIZE;
/** Odd, so that it visits every state. */
const STEP = (SIZE >> 1) + (SIZE >> 3) + 3;

/** Plain arrays: typed ones of this size cost more to make than to fill. */
const NO_TOKENS: readonly number[] = Array.from({ length: SIZE }, () => 0);
const NO_COUNTS: readonly number[] = Array.from({ length: TOKENS }, () => 0);

/** Which token each of the table's states stands for. @param counts occurrences per token, summing to TABLE_SIZE. */
function spreadTokens(counts: Uint16Array): readonly number[] {
  const tokens = NO_TOKENS.slice();
  let state = 0;
  for (let token = 0; token < TOKENS; token++) {
    for (let left = counts[token] ?? 0; left > 0; left--) {
      tokens[state] = token;
      state = (state + STEP) & (SIZE - 1);
    }
  }
  return tokens;
}

/** Fills the encoder's side of one table. @param transitions receives TABLE_SIZE next states from `transitionBase` on.
 * @param bitDeltas @param stateDeltas receive one entry per token from `cellBase` on. */
export function fillEncodeTable(
  counts: Uint16Array,
  transitions: Uint16Array,
  transitionBase: number,
  bitDeltas: Int32Array,
  stateDeltas: Int32Array,
  cellBase: number,
): void {
  const next = NO_COUNTS.slice();
  let total = 0;
  for (let token = 0; token < TOKENS; token++) {
    const count = counts[token] ?? 0;
    next[token] = transitionBase + total;
    if (count === 0) continue;
    const bitsMax = count === 1 ? LOG : LOG - (31 - Math.clz32(count - 1));
    bitDeltas[cellBase + token] = (bitsMax << 16) - (count << bitsMax);
    stateDeltas[cellBase + token] = transitionBase + total - count;
    total += count;
  }
  const tokens = spreadTokens(counts);
  for (let state = 0; state < SIZE; state++) {
    const token = tokens[state] ?? 0;
    const at = next[token] ?? 0;
    transitions[at] = SIZE + state;
    next[token] = at + 1;
  }
}

/** The decoder's side of one table: per state, token | bits << 8 | next state << 16. */
export function buildDecodeTable(counts: Uint16Array): Int32Array {
  const tokens = spreadTokens(counts);
  const next = counts.slice();
  const table = new Int32Array(SIZE);
  for (let state = 0; state < SIZE; state++) {
    const token = tokens[state] ?? 0;
    const order = next[token] ?? 0;
    next[token] = order + 1;
    const bits = LOG - (31 - Math.clz32(order));
    table[state] = token | (bits << 8) | (((order << bits) - SIZE) << 16);
  }
  return table;
}
