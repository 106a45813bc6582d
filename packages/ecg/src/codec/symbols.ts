/** What the encoder gathers before entropy coding. Source: docs/codec-lead-residual.md §4. */
import { CELL_COUNT } from "./tokens.ts";

/** Symbols in coding order. */
export interface Symbols {
  /** Used entries of `cells`. */
  count: number;
  /** Cell (context and token) of each symbol. */
  readonly cells: Uint16Array;
  /** Used entries of `wideValues`. */
  wideCount: number;
  /** Values of 16 and more, whose tokens have raw bits, as int32 bit patterns. */
  readonly wideValues: Int32Array;
}

/** Room for `capacity` symbols. */
export function createSymbols(capacity: number): Symbols {
  return { count: 0, cells: new Uint16Array(capacity), wideCount: 0, wideValues: new Int32Array(capacity + 1) };
}

/** How often each cell occurs. Two tallies take turns, since a run of equal cells would make each count wait for the last. */
export function countCells({ cells, count }: Symbols): Int32Array {
  const even = new Int32Array(CELL_COUNT);
  const odd = new Int32Array(CELL_COUNT);
  for (let i = 1; i < count; i += 2) {
    const evenCell = cells[i - 1] ?? 0;
    const oddCell = cells[i] ?? 0;
    even[evenCell] = (even[evenCell] ?? 0) + 1;
    odd[oddCell] = (odd[oddCell] ?? 0) + 1;
  }
  for (let cell = 0; cell < CELL_COUNT; cell++) even[cell] = (even[cell] ?? 0) + (odd[cell] ?? 0);
  if ((count & 1) === 1) {
    const cell = cells[count - 1] ?? 0;
    even[cell] = (even[cell] ?? 0) + 1;
  }
  return even;
}
