/** Lines of ECG paper: one each millimetre, bold each fifth, anchored where the caller says. */

/** One line at `px` (CSS px from the canvas's edge). */
export interface GridLine {
  readonly px: number;
  readonly bold: boolean;
}

/**
 * Millimetre lines within `[fromPx, toPx]`.
 * @param anchorPx where line 0, a bold one, lies; it may be outside the range.
 */
export function gridLines(fromPx: number, toPx: number, anchorPx: number, pxPerMm: number): GridLine[] {
  const first = Math.ceil((fromPx - anchorPx) / pxPerMm - 1e-9);
  const last = Math.floor((toPx - anchorPx) / pxPerMm + 1e-9);
  const lines: GridLine[] = [];
  for (let k = first; k <= last; k++) lines.push({ px: anchorPx + k * pxPerMm, bold: k % 5 === 0 });
  return lines;
}
