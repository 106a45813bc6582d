/** What a turn of the wheel means: time runs sideways, so every plain turn moves through time. */

/** The part of a wheel event that matters here. `deltaMode` 0 px, 1 lines, 2 pages. */
export interface WheelTurn {
  readonly deltaX: number;
  readonly deltaY: number;
  readonly deltaMode: number;
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
}

/** Move through time, scroll the rows, zoom one step, or nothing. */
export type WheelMove =
  | { readonly kind: "pan"; readonly dxPx: number }
  | { readonly kind: "rows"; readonly dyPx: number }
  | { readonly kind: "zoom"; readonly direction: 1 | -1 }
  | { readonly kind: "none" };

const LINE_PX = 16;

/** Reads a wheel event. Control or Command zooms, Shift scrolls the rows, everything else pans. */
export function panOfWheel(turn: WheelTurn, pageWidthPx: number, pageHeightPx: number): WheelMove {
  const delta = Math.abs(turn.deltaX) > Math.abs(turn.deltaY) ? turn.deltaX : turn.deltaY;
  if (delta === 0) return { kind: "none" };
  if (turn.ctrlKey || turn.metaKey) return { kind: "zoom", direction: delta < 0 ? 1 : -1 };
  if (turn.shiftKey) return { kind: "rows", dyPx: delta * unitPx(turn.deltaMode, pageHeightPx) };
  return { kind: "pan", dxPx: delta * unitPx(turn.deltaMode, pageWidthPx) };
}

function unitPx(deltaMode: number, pagePx: number): number {
  if (deltaMode === 1) return LINE_PX;
  return deltaMode === 2 ? pagePx : 1;
}
