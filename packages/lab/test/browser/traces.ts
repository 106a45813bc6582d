/** Compares the traces on the paper with the samples that they show. */
import { DARK, isInkedNear, type Paper } from "./paper.ts";
import type { Truth } from "./records.ts";

/** A place on the canvas in device px. */
interface Point {
  readonly x: number;
  readonly y: number;
}

/** What a comparison found. */
export interface Comparison {
  /** Samples whose place is in view, over all leads. */
  readonly samples: number;
  /** Of them, those without an inked pixel within one device pixel. */
  readonly lost: number;
  /** Sharp extremes among the samples: R peaks and their like. */
  readonly peaks: number;
  readonly lostPeaks: number;
  /** Dark pixels of the trace area that no lead's line comes near. */
  readonly strays: number;
  /** Leads with samples in view. */
  readonly leads: number;
}

export interface CompareOptions {
  /** Moves where samples are looked for, in device px: a wrong place must be noticed. */
  readonly offset?: Point;
  /** Columns, in CSS px, that hold something else than traces. */
  readonly ignored?: readonly (readonly [fromPx: number, toPx: number])[];
}

const NEAR = 1;
/** Trace width in CSS px, as drawn. */
const LINE_PX = 1.15;

/** Where sample k of the stored frame f of a lead must be, by the formulas of packages/web/README.md. */
export function samplePoint(paper: Paper, truth: Truth, lead: number, sampleIndex: number): Point | undefined {
  const { samplesPerFrame, skewFrames, baselineAdu } = truth.format.leads[lead] ?? {};
  const baselinePx = paper.rowBaselinePx[lead];
  const pxPerAdu = paper.pxPerAdu[lead];
  const adu = truth.leads[lead]?.[sampleIndex];
  if (samplesPerFrame === undefined || skewFrames === undefined || baselineAdu === undefined) return undefined;
  if (typeof baselinePx !== "number" || typeof pxPerAdu !== "number" || adu === undefined) return undefined;
  if (adu === truth.format.leads[lead]?.missingCode) return undefined;
  const x = (sampleIndex / samplesPerFrame - skewFrames - paper.fromFrame) * paper.pxPerFrame;
  const y = baselinePx - (adu - baselineAdu) * pxPerAdu;
  return { x: x * paper.scale, y: y * paper.scale };
}

/** Samples of a lead that may be in view, with one more on either side. */
function indicesInView(paper: Paper, truth: Truth, lead: number): readonly [from: number, to: number] {
  const { samplesPerFrame = 1, skewFrames = 0 } = truth.format.leads[lead] ?? {};
  const frameAt = (xPx: number): number => paper.fromFrame + xPx / paper.pxPerFrame + skewFrames;
  const from = Math.floor(frameAt(paper.gutterPx) * samplesPerFrame) - 1;
  const to = Math.ceil(frameAt(paper.width / paper.scale) * samplesPerFrame) + 1;
  return [Math.max(0, from), Math.min(truth.leads[lead]?.length ?? 0, to)];
}

/** Looks for every sample in view, and for dark pixels that no sample explains. */
export function compareTraces(paper: Paper, truth: Truth, options: CompareOptions = {}): Comparison {
  const allowed = new Uint8Array(paper.width * paper.height);
  const found = { samples: 0, lost: 0, peaks: 0, lostPeaks: 0, strays: 0, leads: 0 };
  for (const lead of truth.leads.keys()) {
    const before = found.samples;
    compareLead(paper, truth, lead, options, found, allowed);
    if (found.samples > before) found.leads += 1;
  }
  found.strays = countStrays(paper, allowed, options.ignored ?? []);
  return found;
}

type Tally = { -readonly [Key in keyof Comparison]: number };

function compareLead(
  paper: Paper,
  truth: Truth,
  lead: number,
  { offset = { x: 0, y: 0 } }: CompareOptions,
  found: Tally,
  allowed: Uint8Array,
): void {
  const [from, to] = indicesInView(paper, truth, lead);
  let last: Point | undefined;
  for (let index = from; index < to; index++) {
    const point = samplePoint(paper, truth, lead, index);
    if (point !== undefined) allowLine(paper, allowed, last ?? point, point);
    last = point;
    if (point === undefined || !isInside(paper, point)) continue;
    const lost = !isInkedNear(paper, point.x + offset.x, point.y + offset.y, NEAR);
    const peak = isPeak(truth, lead, index);
    found.samples += 1;
    found.lost += Number(lost);
    found.peaks += Number(peak);
    found.lostPeaks += Number(peak && lost);
  }
}

function isInside({ gutterPx, scale, width, height }: Paper, { x, y }: Point): boolean {
  return x > gutterPx * scale + 1 && x < width - 1 && y > 1 && y < height - 1;
}

/** The only highest or lowest sample within 0.15 s on either side, and far from what is there. */
function isPeak({ format, leads }: Truth, lead: number, index: number): boolean {
  const values = leads[lead];
  const { samplesPerFrame = 1, gainAduPerUnit = "200" } = format.leads[lead] ?? {};
  const reach = Math.round((0.15 * samplesPerFrame * format.frameRateHz.num) / format.frameRateHz.den);
  const value = values?.[index] ?? 0;
  const [before = value, after = value] = [values?.[index - 1], values?.[index + 1]];
  if ((value < before || value < after) && (value > before || value > after)) return false;
  const around = values?.subarray(Math.max(0, index - reach), index + reach + 1) ?? new Int32Array(0);
  const [low, high] = [Math.min(...around), Math.max(...around)];
  return (value === low || value === high) && high - low > 0.5 * Math.abs(Number.parseFloat(gainAduPerUnit));
}

/** Marks the pixels that a line between two samples may colour. */
function allowLine({ width, height, scale }: Paper, allowed: Uint8Array, a: Point, b: Point): void {
  const reach = (LINE_PX * scale) / 2 + 0.75 + NEAR;
  const steps = Math.max(1, Math.ceil(Math.max(Math.abs(b.x - a.x), Math.abs(b.y - a.y))));
  for (let step = 0; step <= steps; step++) {
    const x = a.x + ((b.x - a.x) * step) / steps;
    const y = a.y + ((b.y - a.y) * step) / steps;
    const left = Math.max(0, Math.floor(x - reach));
    const right = Math.min(width, Math.ceil(x + reach));
    for (let py = Math.max(0, Math.floor(y - reach)); py < Math.min(height, y + reach); py++) {
      if (left < right) allowed.fill(1, py * width + left, py * width + right);
    }
  }
}

function countStrays(
  { brightness, width, gutterPx, scale }: Paper,
  allowed: Uint8Array,
  ignored: readonly (readonly [number, number])[],
): number {
  const skip = new Uint8Array(width);
  skip.fill(1, 0, Math.ceil(gutterPx * scale) + 1);
  for (const [from, to] of ignored)
    skip.fill(1, Math.max(0, Math.floor(from * scale)), Math.max(0, Math.ceil(to * scale)));
  let strays = 0;
  for (let i = 0; i < brightness.length; i++) {
    if ((brightness[i] ?? 255) < DARK && allowed[i] === 0 && skip[i % width] === 0) strays += 1;
  }
  return strays;
}

/** Columns of the lines that stand at a recording's first frame and behind its last. */
export function boundColumns(paper: Paper, frameCount: number): (readonly [number, number])[] {
  return [0, frameCount].map((frame) => {
    const x = (frame - paper.fromFrame) * paper.pxPerFrame;
    return [x - 2, x + 1.5] as const;
  });
}
