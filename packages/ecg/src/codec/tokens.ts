/** The alphabet of the entropy coder: contexts, tokens, raw bits. Source: docs/codec-lead-residual.md §4. */

/** Contexts 0..15: waveform residuals, by how large the three before were. */
export const WAVEFORM_CONTEXT_COUNT = 16;
/** Contexts 16..24: limb-lead residuals, by rounding class (0 to 2) and the sign of the one before. */
export const LIMB_CONTEXT_BASE = 16;
/** Contexts 25, 26: gaps of a palette, by whether the two before were equal. */
export const PALETTE_CONTEXT_BASE = 25;
/** All contexts. */
export const CONTEXT_COUNT = 27;

/** Tokens 0..15 are values; above, two per octave up to 2^32. */
export const TOKEN_COUNT = 72;
/** A cell is a (context, token) pair in one number: context << CELL_SHIFT | token. */
export const CELL_SHIFT = 7;
/** Size of a table with one entry per cell. */
export const CELL_COUNT = CONTEXT_COUNT << CELL_SHIFT;

/** Raw bits that follow a token, 0 to 30. */
export function extraBitCount(token: number): number {
  return token < 16 ? 0 : ((token - 8) >> 1) - 1;
}

/** Smallest value of a token; the value is this plus the raw bits (as int32 bit pattern). */
export function tokenBase(token: number): number {
  return token < 16 ? token : (2 | (token & 1)) << extraBitCount(token);
}
