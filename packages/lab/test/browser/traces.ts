/** Compares the traces on the paper with the samples that they show. */
import { DARK, isInkedNear, type Paper } from "./paper.ts";
import { MISSING, type Truth } from "./records.ts";

/** A place on the canvas in device px. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A part of the canvas in CSS px. */
export interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
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
  /** Samples that would be lost if each lay that many device px further right or down: a wrong place is noticed. */
  lostWhenMoved(byX: number, byY: number): number;
  /** The same for peaks. */
  lostPeaksWhenMoved(byX: number, byY: number): number;
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
  if (adu === MISSING || adu === truth.format.leads[lead]?.missingCode) return undefined;
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

/**
 * Looks for every sample in view, and for dark pixels that no sample explains.
 * @param ignored parts that hold something else than traces.
 */
export function compareTraces(paper: Paper, truth: Truth, ignored: readonly Box[] = []): Comparison {
  const allowed = new Uint8Array(paper.width * paper.height);
  const perLead = [...truth.leads.keys()].map((lead) => samplesOf(paper, truth, lead, allowed));
  const samples = perLead.flat();
  const peaks = samples.filter(({ peak }) => peak);
  const lostOf = (points: readonly Point[], byX: number, byY: number): number =>
    points.filter(({ x, y }) => !isInkedNear(paper, x + byX, y + byY, NEAR)).length;
  return {
    samples: samples.length,
    lost: lostOf(samples, 0, 0),
    peaks: peaks.length,
    lostPeaks: lostOf(peaks, 0, 0),
    strays: countStrays(paper, allowed, ignored),
    leads: perLead.filter((lead) => lead.length > 0).length,
    lostWhenMoved: (byX, byY) => lostOf(samples, byX, byY),
    lostPeaksWhenMoved: (byX, byY) => lostOf(peaks, byX, byY),
  };
}

interface Sample extends Point {
  readonly peak: boolean;
}

/** The samples of a lead in view; marks the pixels that its line may colour. */
function samplesOf(paper: Paper, truth: Truth, lead: number, allowed: Uint8Array): Sample[] {
  const [from, to] = indicesInView(paper, truth, lead);
  const found: Sample[] = [];
  let last: Point | undefined;
  for (let index = from; index < to; index++) {
    const point = samplePoint(paper, truth, lead, index);
    if (point !== undefined) allowLine(paper, allowed, last ?? point, point);
    last = point;
    if (point !== undefined && isInside(paper, point)) found.push({ ...point, peak: isPeak(truth, lead, index) });
  }
  return found;
}

function isInside({ gutterPx, scale, width, height }: Paper, { x, y }: Point): boolean {
  return x > gutterPx * scale + 1 && x < width - 1 && y > 1 && y < height - 1;
}

/** The highest or lowest sample within 0.15 s on either side, and half a unit away from what is there. */
function isPeak({ format, leads }: Truth, lead: number, index: number): boolean {
  const values = leads[lead] ?? new Int32Array(0);
  const { samplesPerFrame = 1, gainAduPerUnit = "200" } = format.leads[lead] ?? {};
  const reach = Math.round((0.15 * samplesPerFrame * format.frameRateHz.num) / format.frameRateHz.den);
  const high = 0.5 * Math.abs(Number.parseFloat(gainAduPerUnit));
  const value = values[index] ?? 0;
  const first = values[Math.max(0, index - reach)] ?? value;
  if (Math.abs(value - first) < high / 2) return false;
  const side = Math.sign(value - first);
  const around = values.subarray(Math.max(0, index - reach), index + reach + 1);
  return around.every((other) => (value - other) * side >= 0) && around.some((other) => (value - other) * side > high);
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

function countStrays(paper: Paper, allowed: Uint8Array, ignored: readonly Box[]): number {
  const { width, height, gutterPx, scale } = paper;
  for (const { left, right, top, bottom } of [{ left: 0, right: gutterPx + 1, top: 0, bottom: height }, ...ignored]) {
    const from = Math.max(0, Math.floor(left * scale));
    const to = Math.min(width, Math.ceil(right * scale));
    const last = Math.min(height, Math.ceil(bottom * scale));
    if (from >= to) continue;
    for (let y = Math.max(0, Math.floor(top * scale)); y < last; y++) {
      allowed.fill(1, y * width + from, y * width + to);
    }
  }
  let strays = 0;
  for (let i = 0; i < allowed.length; i++) strays += Number((paper.brightness[i] ?? 255) < DARK && allowed[i] === 0);
  return strays;
}

/** The lines that stand at a recording's first frame and behind its last. */
export function boundLines(paper: Paper, frameCount: number): readonly Box[] {
  return [0, frameCount].map((frame) => {
    const x = (frame - paper.fromFrame) * paper.pxPerFrame;
    return { left: x - 2, right: x + 1.5, top: 0, bottom: paper.height };
  });
}

/** Where gaps are named: a line of text at the top. */
export function gapLabels({ width }: Paper): Box {
  return { left: 0, right: width, top: 3, bottom: 23 };
}
