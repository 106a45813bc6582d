/** The block-repeat map as a picture: what the heart did, and what each ciphertext shows of it. SVG, for people. */
import { MAP_SECONDS, type BlockMap } from "./block-map.ts";

/** What is drawn. */
export interface BlockPicture {
  /** One lead of the ECG, in adu. */
  readonly lead: Int32Array;
  readonly paper: BlockMap;
  readonly pericard: BlockMap;
}

/** In pixels. */
export const PICTURE_SIZE = { width: 1080, height: 600 } as const;

const LEFT = 20;
const WIDTH = PICTURE_SIZE.width - 2 * LEFT;
const STRIP_HEIGHT = 90;
const TRACE_HEIGHT = 130;
const TEXT = "font-family='DejaVu Sans, Verdana, sans-serif'";

/** The picture as an SVG document. */
export function drawBlockPicture({ lead, paper, pericard }: BlockPicture): string {
  const parts = [
    heading(28, "What a ciphertext shows of ten seconds of ECG", 18),
    heading(
      54,
      "Synthetic. Each column is one 500th of a ciphertext, from left to right; under paper-2018 that is 20 ms.",
      13,
    ),
    heading(92, "The ECG, lead II, which nobody but the terminal should see", 14),
    trace(lead, 102),
    heading(268, `paper-2018, DES, every block for itself: ${tell(paper)}`, 14),
    strip(paper, 280),
    ...axis(280 + STRIP_HEIGHT),
    heading(434, `pericard-1, AES-256-GCM, of the same ten seconds: ${tell(pericard)}`, 14),
    strip(pericard, 446),
    ...legend(572),
  ];
  const { width, height } = PICTURE_SIZE;
  const size = `width='${width}' height='${height}' viewBox='0 0 ${width} ${height}'`;
  return [
    `<svg xmlns='http://www.w3.org/2000/svg' ${size} role='img'>`,
    "<title>Block-repeat map of an ECG under two suites</title>",
    "<rect width='100%' height='100%' fill='#ffffff'/>",
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

function tell({ repeatShare, heartRateBpm }: BlockMap): string {
  const rhythm = heartRateBpm === null ? "no rhythm" : `${heartRateBpm.toFixed(0)} beats a minute`;
  return `${(100 * repeatShare).toFixed(1)} % of the blocks come again, ${rhythm}`;
}

function heading(y: number, text: string, size: number): string {
  return `<text x='${LEFT}' y='${y}' ${TEXT} font-size='${size}' fill='#222222'>${text}</text>`;
}

function trace(lead: Int32Array, top: number): string {
  const [low, high] = [Math.min(...lead), Math.max(...lead)];
  const points = Array.from(lead, (value, i) => {
    const x = LEFT + (WIDTH * i) / lead.length;
    const y = top + TRACE_HEIGHT * (1 - (value - low) / Math.max(1, high - low));
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  return `<polyline points='${points.join(" ")}' fill='none' stroke='#9b1c31' stroke-width='1.2'/>`;
}

/** White where every block comes again, dark where none does. */
function strip({ repeatShares }: BlockMap, top: number): string {
  const width = WIDTH / repeatShares.length;
  const columns = Array.from(repeatShares, (share, i) => {
    const x = (LEFT + i * width).toFixed(2);
    return `<rect x='${x}' y='${top}' width='${(width + 0.05).toFixed(2)}' height='${STRIP_HEIGHT}' fill='${shade(share)}'/>`;
  });
  const frame = `<rect x='${LEFT}' y='${top}' width='${WIDTH}' height='${STRIP_HEIGHT}' fill='none' stroke='#555555'/>`;
  return ["<g shape-rendering='crispEdges'>", ...columns, frame, "</g>"].join("");
}

function shade(share: number): string {
  const [red, green, blue] = [26, 58, 92].map((dark) => Math.round(dark + (255 - dark) * share));
  return `rgb(${red},${green},${blue})`;
}

function axis(top: number): readonly string[] {
  return Array.from({ length: MAP_SECONDS + 1 }, (_, second) => {
    const x = LEFT + (WIDTH * second) / MAP_SECONDS;
    const label = `<text x='${x}' y='${top + 20}' ${TEXT} font-size='12' text-anchor='middle' fill='#555555'>${second} s</text>`;
    return `<line x1='${x}' y1='${top}' x2='${x}' y2='${top + 5}' stroke='#555555'/>${label}`;
  });
}

function legend(y: number): readonly string[] {
  const box = (x: number, share: number): string =>
    `<rect x='${x}' y='${y - 12}' width='28' height='14' fill='${shade(share)}' stroke='#555555'/>`;
  const text = (x: number, words: string): string =>
    `<text x='${x}' y='${y}' ${TEXT} font-size='12' fill='#222222'>${words}</text>`;
  return [
    box(LEFT, 0),
    text(LEFT + 36, "no block of the column comes again"),
    box(LEFT + 330, 0.5),
    text(LEFT + 366, "half of them do"),
    box(LEFT + 520, 1),
    text(LEFT + 556, "all do"),
  ];
}
