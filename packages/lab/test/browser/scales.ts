/** Measures grid and calibration pulse on the pixels of the paper. Lengths in device px. */
import { brightnessAt, DARK, type Paper } from "./paper.ts";

/** Paper, fine line and bold line differ by about 23 and 31; these lie between. */
const FINE_BELOW = 240;
const BOLD_BELOW = 212;

/** One grid line: the centre of its pixels. */
export interface Line {
  readonly at: number;
  readonly bold: boolean;
}

/** Lines told from the brightest pixel across each position: traces and lines of the other direction only darken. */
function linesOf(from: number, to: number, brightestAt: (position: number) => number): Line[] {
  const lines: Line[] = [];
  for (let start = from; start < to;) {
    let end = start + 1;
    if (brightestAt(start) >= FINE_BELOW) {
      start = end;
      continue;
    }
    while (end < to && brightestAt(end) < FINE_BELOW) end += 1;
    lines.push({ at: (start + end) / 2, bold: brightestAt(start) < BOLD_BELOW });
    start = end;
  }
  return lines;
}

/** Vertical grid lines between two columns. */
export function verticalLines(paper: Paper, from: number, to: number): readonly Line[] {
  return linesOf(Math.ceil(from), Math.floor(Math.min(to, paper.width)), (x) => {
    let brightest = 0;
    for (let y = 0; y < paper.height; y++) brightest = Math.max(brightest, brightnessAt(paper, x, y));
    return brightest;
  });
}

/** Horizontal grid lines, read in the gutter. */
export function horizontalLines(paper: Paper): readonly Line[] {
  return linesOf(0, paper.height, (y) => {
    let brightest = 0;
    for (let x = 0; x < paper.gutterPx * paper.scale - 2; x++) {
      brightest = Math.max(brightest, brightnessAt(paper, x, y));
    }
    return brightest;
  });
}

/** Mean of positions weighted by their darkness. */
function darkCentre(paper: Paper, points: readonly Reading[]): number {
  let weight = 0;
  let sum = 0;
  for (const [x, y, at] of points) {
    const dark = Math.max(0, DARK + 20 - brightnessAt(paper, x, y));
    weight += dark;
    sum += dark * (at + 0.5);
  }
  return sum / weight;
}

type Reading = readonly [x: number, y: number, at: number];
const AROUND = [-3, -2, -1, 0, 1, 2, 3];

/** Pixels above and below a place. */
function column(x: number, y: number): readonly Reading[] {
  return AROUND.map((d) => [x, Math.round(y) + d, Math.round(y) + d]);
}

/** Pixels left and right of a place. */
function row(x: number, y: number): readonly Reading[] {
  return AROUND.map((d) => [Math.round(x) + d, y, Math.round(x) + d]);
}

/** A calibration pulse as drawn: height and width between the middles of its lines. */
export interface Pulse {
  readonly height: number;
  readonly width: number;
}

/**
 * Measures the pulse of a voltage row.
 * @param zeroY where 0 mV lies; @param heightPx about how high the pulse is; @param fromX where it rises;
 * @param widthPx about how wide it is.
 */
export function measurePulse(paper: Paper, zeroY: number, heightPx: number, fromX: number, widthPx: number): Pulse {
  const middleX = Math.round(fromX + widthPx / 2);
  const middleY = Math.round(zeroY - heightPx / 2);
  const footX = Math.round(fromX - (paper.pxPerMm * paper.scale) / 2);
  const top = darkCentre(paper, column(middleX, zeroY - heightPx));
  const foot = darkCentre(paper, column(footX, zeroY));
  const rise = darkCentre(paper, row(fromX, middleY));
  const fall = darkCentre(paper, row(fromX + widthPx, middleY));
  return { height: foot - top, width: fall - rise };
}
