/** True size on a screen: how many CSS pixels make one millimetre. */

/** CSS pixels per millimetre by the CSS definition, and exactly so on paper: 96 px an inch. */
export const CSS_PX_PER_MM = 96 / 25.4;

/** Limits of the adjustable value: from a wall display (coarse) to a phone held at reading distance (fine). */
export const PX_PER_MM_MIN = 1.5;
/** Upper limit, see {@link PX_PER_MM_MIN}. */
export const PX_PER_MM_MAX = 12;

/** Width of a bank card (ISO/IEC 7810 ID-1) in mm: the ruler that everybody has. */
export const BANK_CARD_WIDTH_MM = 85.6;
/** Height of a bank card in mm. */
export const BANK_CARD_HEIGHT_MM = 53.98;

const STORAGE_KEY = "pericard.pxPerMm";

/** The part of `localStorage` used here. It may throw where storage is forbidden. */
export interface KeyValueStore {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** Brings a value into the allowed range; what is no number becomes the CSS definition. */
export function boundedPxPerMm(value: number): number {
  if (!Number.isFinite(value)) return CSS_PX_PER_MM;
  return Math.min(PX_PER_MM_MAX, Math.max(PX_PER_MM_MIN, value));
}

/** Calibration kept on this screen, or the CSS definition when none is. */
export function loadPxPerMm(store: KeyValueStore): number {
  try {
    const text = store.getItem(STORAGE_KEY);
    return text === null ? CSS_PX_PER_MM : boundedPxPerMm(Number(text));
  } catch {
    return CSS_PX_PER_MM;
  }
}

/** Keeps a calibration; the CSS definition is kept as the absence of one. Forbidden storage is no error. */
export function savePxPerMm(store: KeyValueStore, pxPerMm: number): void {
  try {
    if (pxPerMm === CSS_PX_PER_MM) store.removeItem(STORAGE_KEY);
    else store.setItem(STORAGE_KEY, String(boundedPxPerMm(pxPerMm)));
  } catch {
    // The calibration then holds until the page is left.
  }
}
