/** Where each lead's row lies on the paper, in mm and CSS px. */
import type { Lead } from "../api/types.ts";
import { clinicalOrder } from "./lead-order.ts";
import { scaleOf } from "./lead-scale.ts";
import type { AduRange, LeadScale } from "./lead-scale.ts";
import type { RowMapping } from "./mapping.ts";

/** One row as drawn, top to bottom. */
export interface PaperRow {
  readonly lead: Lead;
  readonly scale: LeadScale;
  readonly topPx: number;
  readonly heightPx: number;
  /** y of 0 mV for voltage leads; of the scale's centre value for others. */
  readonly zeroPx: number;
  /** Absent while the scale is unknown: then nothing is drawn. */
  readonly mapping: RowMapping | undefined;
}

/** All rows in clinical order, and the height that they take together. */
export interface PaperLayout {
  readonly rows: readonly PaperRow[];
  readonly heightPx: number;
  /** y on which the horizontal grid is anchored: the first row's zero line. */
  readonly gridAnchorPx: number;
}

/** Room and scale that decide the height of rows. */
export interface RowOptions {
  readonly pxPerMm: number;
  readonly gainMmPerMv: number;
  /** Height to fill if the rows allow it, CSS px. */
  readonly availableHeightPx: number;
  /** Row heights are multiples of this: 5 keeps zero lines on bold lines, 1 saves paper. */
  readonly stepMm: number;
  /** Least row in mV if with it all rows fit without scrolling. */
  readonly tightMv: number;
}

/** What {@link layoutRows} needs. */
export interface LayoutOptions extends RowOptions {
  /** Usual sample range per lead index, for leads with a scale of their own. */
  readonly ranges: readonly (AduRange | undefined)[];
}

/** Headroom above the first row's zero line, so that its complexes are not cut by the paper's edge. */
const HEADROOM_MV = 1.5;
const MARGIN_MIN_MM = 5;
/** Where rows are scrolled anyway, there is room for more. */
const MARGIN_SCROLLED_MM = 10;
/** A row holds at least 1.5 mV: smaller rows would mix their neighbours; taller complexes overlap, as on paper. */
const ROW_MV_MIN = 1.5;
const ROW_MV_MAX = 4;
const ROW_MIN_MM = 10;

/** Lays out one row per lead. Rows grow with the room available, within what the gain makes sensible. */
export function layoutRows(leads: readonly Lead[], options: LayoutOptions): PaperLayout {
  const heightMm = rowHeightMm(leads.length, options);
  const zeroMm = zeroLineMm(heightMm, options);
  const margins = marginsMm(leads.length, heightMm, options);
  const order = clinicalOrder(leads.map((lead) => lead.name));
  const topPx = (row: number): number => (margins.top + row * heightMm) * options.pxPerMm;
  const rows = order.flatMap((leadIndex, row) => {
    const lead = leads[leadIndex];
    return lead === undefined ? [] : [paperRow(lead, leadIndex, topPx(row), heightMm, zeroMm, options)];
  });
  const contentPx = (margins.top + leads.length * heightMm + margins.bottom) * options.pxPerMm;
  return { rows, heightPx: contentPx, gridAnchorPx: (margins.top + zeroMm) * options.pxPerMm };
}

/**
 * Height of every row in mm: the largest multiple of `stepMm` between 1.5 and 4 mV with which all rows fit. Where none
 * does, rows of at least `tightMv` in whole millimetres if those fit, so that all leads are seen at once; else the
 * smallest, to be scrolled.
 */
export function rowHeightMm(rowCount: number, options: RowOptions): number {
  const { gainMmPerMv, stepMm } = options;
  const least = Math.max(ROW_MIN_MM, Math.ceil((ROW_MV_MIN * gainMmPerMv) / stepMm) * stepMm);
  const most = Math.max(least, ROW_MV_MAX * gainMmPerMv);
  const tightest = Math.ceil(Math.max(ROW_MIN_MM, options.tightMv * gainMmPerMv));
  const fits = (heightMm: number): boolean => spareMm(rowCount, heightMm, options) >= 0;
  return largest(most, least, stepMm, fits) ?? largest(least - 1, tightest, 1, fits) ?? least;
}

/** Largest of `from`, `from - step`, … not below `to` that passes. */
function largest(from: number, to: number, step: number, passes: (value: number) => boolean): number | undefined {
  for (let value = from; value >= to; value -= step) if (passes(value)) return value;
  return undefined;
}

/** Room left over with rows of this height; negative when they must be scrolled. */
function spareMm(rowCount: number, heightMm: number, options: RowOptions): number {
  const { top, bottom } = leastMarginsMm(heightMm, options);
  return options.availableHeightPx / options.pxPerMm - rowCount * heightMm - top - bottom;
}

function leastMarginsMm(heightMm: number, options: RowOptions): Margins {
  const headroom = HEADROOM_MV * options.gainMmPerMv - zeroLineMm(heightMm, options);
  return { top: Math.max(MARGIN_MIN_MM, Math.ceil(headroom)), bottom: Math.max(4, 0.4 * options.gainMmPerMv) };
}

/** Margins above and below all rows; room left over goes half above, up to the headroom once more. */
function marginsMm(rowCount: number, heightMm: number, options: RowOptions): Margins {
  const least = leastMarginsMm(heightMm, options);
  const spare = spareMm(rowCount, heightMm, options);
  if (spare < 0) return { top: Math.max(MARGIN_SCROLLED_MM, least.top), bottom: MARGIN_SCROLLED_MM };
  const above = Math.min(Math.floor(spare / 2), HEADROOM_MV * options.gainMmPerMv);
  return { top: least.top + above, bottom: least.bottom };
}

interface Margins {
  readonly top: number;
  readonly bottom: number;
}

/** Zero line from the row's top: low enough that the 1 mV pulse fits above it. */
function zeroLineMm(heightMm: number, { gainMmPerMv, stepMm }: RowOptions): number {
  const share = Math.round((heightMm * 0.6) / stepMm) * stepMm;
  return Math.min(heightMm, Math.max(share, Math.min(heightMm, gainMmPerMv)));
}

function paperRow(
  lead: Lead,
  leadIndex: number,
  topPx: number,
  heightMm: number,
  zeroMm: number,
  options: LayoutOptions,
): PaperRow {
  const { pxPerMm } = options;
  const scale = scaleOf(lead, options.gainMmPerMv, heightMm, options.ranges[leadIndex]);
  const heightPx = heightMm * pxPerMm;
  const zeroPx = scale.kind === "voltage" ? topPx + zeroMm * pxPerMm : topPx + heightPx / 2;
  return { lead, scale, topPx, heightPx, zeroPx, mapping: rowMapping(lead, leadIndex, scale, zeroPx, pxPerMm) };
}

function rowMapping(
  lead: Lead,
  leadIndex: number,
  scale: LeadScale,
  zeroPx: number,
  pxPerMm: number,
): RowMapping | undefined {
  if (scale.kind === "unknown") return undefined;
  const pxPerAdu = scale.mmPerAdu * pxPerMm;
  const centreAdu = scale.kind === "own" ? scale.centreAdu : lead.baselineAdu;
  const { baselineAdu, samplesPerFrame, skewFrames } = lead;
  const baselinePx = zeroPx + (centreAdu - baselineAdu) * pxPerAdu;
  return { leadIndex, baselinePx, pxPerAdu, baselineAdu, samplesPerFrame, skewFrames };
}
