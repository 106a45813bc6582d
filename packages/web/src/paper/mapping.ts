/**
 * The one mapping between signal and screen. Drawing uses these functions, and the canvas publishes their numbers as
 * data attributes, so what a test computes is what is drawn. Lengths are CSS pixels, x to the right, y downwards.
 */

/** Time axis: `fromFrame` (fractional, may be negative) lies at x = 0, the canvas's left edge under the gutter. */
export interface TimeMapping {
  readonly fromFrame: number;
  readonly pxPerFrame: number;
}

/** One lead's row: `baselineAdu` lies at y = `baselinePx`, which may be outside the row for leads with own scale. */
export interface RowMapping {
  readonly leadIndex: number;
  readonly baselinePx: number;
  readonly pxPerAdu: number;
  readonly baselineAdu: number;
  readonly samplesPerFrame: number;
  readonly skewFrames: number;
}

/** x of a frame on the common time axis. */
export function xOfFrame(time: TimeMapping, frame: number): number {
  return (frame - time.fromFrame) * time.pxPerFrame;
}

/** Frame (fractional) at x; the inverse of {@link xOfFrame}. */
export function frameAtX(time: TimeMapping, x: number): number {
  return time.fromFrame + x / time.pxPerFrame;
}

/** y of a sample value. */
export function yOfAdu(row: RowMapping, adu: number): number {
  return row.baselinePx - (adu - row.baselineAdu) * row.pxPerAdu;
}

/**
 * Frame at which a lead's stored sample belongs: stored frame and place within it, less the lead's skew.
 * @param sampleIndex samples of this lead since `storedFrame`, 0 or more.
 */
export function frameOfSample(row: RowMapping, storedFrame: number, sampleIndex: number): number {
  return storedFrame + sampleIndex / row.samplesPerFrame - row.skewFrames;
}

/** Pixel of one sample: `storedFrame` and `adu` as the API delivers them. */
export function pointOf(
  time: TimeMapping,
  row: RowMapping,
  storedFrame: number,
  adu: number,
): { readonly x: number; readonly y: number } {
  return { x: xOfFrame(time, frameOfSample(row, storedFrame, 0)), y: yOfAdu(row, adu) };
}

/** Nearest device pixel edge, in CSS px: lines drawn there are sharp. */
export function snapped(px: number, devicePixelRatio: number): number {
  return Math.round(px * devicePixelRatio) / devicePixelRatio;
}
