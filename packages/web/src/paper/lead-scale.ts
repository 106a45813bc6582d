/** How a lead's integers become millimetres: by the gain for voltages, by a stated scale of its own for the rest. */
import type { Lead } from "../api/types.ts";
import { trimmed } from "./speeds.ts";

/** Range of a lead's samples in adu, both ends included. */
export interface AduRange {
  readonly min: number;
  readonly max: number;
}

/**
 * Scale of one lead.
 * - `voltage`: `mmPerAdu` follows from gain choice and ADC gain; 0 mV lies on the row's baseline.
 * - `own`: `valuePer10Mm` in `unit` is one large-box pair; `centreValue` lies on the middle of the row.
 * - `unknown`: nothing may be drawn until the range of the samples is known.
 */
export type LeadScale =
  | { readonly kind: "voltage"; readonly mmPerAdu: number; readonly text: string }
  | {
      readonly kind: "own";
      readonly mmPerAdu: number;
      readonly unit: string;
      readonly valuePer10Mm: number;
      readonly centreValue: number;
      readonly centreAdu: number;
      readonly text: string;
    }
  | { readonly kind: "unknown"; readonly text: string };

const MV_PER_UNIT: ReadonlyMap<string, number> = new Map([
  ["v", 1000], ["mv", 1], ["uv", 1e-3], ["\u00B5v", 1e-3], ["\u03BCv", 1e-3], ["nv", 1e-6],
]); // prettier-ignore

/** Millivolts in one `units`, or undefined when it is no voltage. Case does not count: real files say `mv`. */
export function mvPerUnit(units: string): number | undefined {
  return MV_PER_UNIT.get(units.trim().toLowerCase());
}

/** Adu per unit from the API's decimal text; undefined when absent, zero or no number (an uncalibrated lead). */
export function parseGain(gainAduPerUnit: string): number | undefined {
  const [num, den = "1", ...rest] = gainAduPerUnit.trim().split("/");
  const gain = Number(num === "" ? Number.NaN : num) / Number(den);
  return rest.length === 0 && Number.isFinite(gain) && gain !== 0 ? gain : undefined;
}

/** Adu of one millivolt for a calibrated voltage lead, else undefined. */
export function aduPerMv(lead: Lead): number | undefined {
  const mv = mvPerUnit(lead.units);
  const gain = parseGain(lead.gainAduPerUnit);
  return mv === undefined || gain === undefined ? undefined : gain / mv;
}

/**
 * Scale of a lead.
 * @param range the samples' usual range, needed by leads that are no calibrated voltage.
 * @param rowHeightMm room for such a lead's range.
 */
export function scaleOf(lead: Lead, gainMmPerMv: number, rowHeightMm: number, range?: AduRange): LeadScale {
  const aduOfMv = aduPerMv(lead);
  if (aduOfMv !== undefined)
    return { kind: "voltage", mmPerAdu: gainMmPerMv / aduOfMv, text: `${trimmed(gainMmPerMv)} mm/mV` };
  if (range === undefined) return { kind: "unknown", text: "scale not known yet" };
  return ownScale(lead, rowHeightMm, range);
}

function ownScale(lead: Lead, rowHeightMm: number, range: AduRange): LeadScale {
  const gain = parseGain(lead.gainAduPerUnit);
  const aduPerUnit = gain ?? 1;
  const unit = gain === undefined ? "adu" : lead.units.trim() || "units";
  const physical = (adu: number): number => (adu - lead.baselineAdu) / aduPerUnit;
  const ends = [physical(range.min), physical(range.max)];
  const valuePer10Mm = niceAbove(((Math.max(...ends) - Math.min(...ends)) / (rowHeightMm * 0.85)) * 10);
  const step = valuePer10Mm / 2;
  const centreValue = Math.round((Math.max(...ends) + Math.min(...ends)) / 2 / step) * step;
  return {
    kind: "own",
    mmPerAdu: 10 / (valuePer10Mm * aduPerUnit),
    unit,
    valuePer10Mm,
    centreValue,
    centreAdu: lead.baselineAdu + centreValue * aduPerUnit,
    text: `10 mm = ${trimmed(valuePer10Mm)} ${unit}${gain === undefined ? " (uncalibrated)" : ""}`,
  };
}

/** Smallest 1, 2 or 5 times a power of ten that is not below `value`; 1 for zero. */
export function niceAbove(value: number): number {
  if (!(value > 0 && Number.isFinite(value))) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= value * (1 - 1e-9)) ?? 10;
  return factor * power;
}
