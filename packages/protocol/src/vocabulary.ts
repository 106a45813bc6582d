/**
 * Measurements that this project knows by name: their codes, the units they come in, and what a body can have.
 *
 * What is not here is carried all the same; nothing is said of it then.
 *
 * Sources: LOINC; IEEE 11073-10101 (reference ids); UCUM. The bounds are wider than any that a clinician would draw: beyond
 * them a sensor, not a patient, is out of order.
 */
import { decimalNumber, type Decimal } from "./decimal.ts";
import type { ObservationComponent } from "./observation.ts";

/** A unit of a measurement, and the least and greatest plausible value in it. */
export interface KnownUnit {
  readonly unit: string;
  readonly min: number;
  readonly max: number;
}

/** One measurement. */
export interface Measurement {
  readonly name: string;
  /** LOINC numbers and reference ids that mean it. */
  readonly codes: readonly string[];
  readonly units: readonly KnownUnit[];
}

const unit = (name: string, min: number, max: number): KnownUnit => ({ unit: name, min, max });

const rate = (min: number, max: number): readonly KnownUnit[] =>
  ["/min", "1/min", "{beats}/min", "{breaths}/min"].map((name) => unit(name, min, max));
const pressure = (min: number, max: number): readonly KnownUnit[] => [
  unit("mm[Hg]", min, max),
  unit("kPa", min / 7.5, max / 7.5),
];
const GLUCOSE_BY_MASS = unit("mg/dL", 10, 1000);
const GLUCOSE_BY_AMOUNT = unit("mmol/L", 0.5, 55.5);

/** Every known measurement. */
export const MEASUREMENTS: readonly Measurement[] = [
  { name: "systolic blood pressure", codes: ["8480-6", "MDC_PRESS_BLD_NONINV_SYS"], units: pressure(20, 350) },
  { name: "diastolic blood pressure", codes: ["8462-4", "MDC_PRESS_BLD_NONINV_DIA"], units: pressure(10, 250) },
  { name: "mean blood pressure", codes: ["8478-0", "MDC_PRESS_BLD_NONINV_MEAN"], units: pressure(15, 300) },
  {
    name: "pulse rate",
    codes: ["8889-8", "MDC_PULS_OXIM_PULS_RATE", "MDC_PULS_RATE_NON_INV"],
    units: rate(10, 350),
  },
  { name: "heart rate", codes: ["8867-4", "MDC_ECG_HEART_RATE"], units: rate(10, 350) },
  { name: "oxygen saturation", codes: ["59408-5", "2708-6", "MDC_PULS_OXIM_SAT_O2"], units: [unit("%", 10, 100)] },
  { name: "perfusion index", codes: ["61006-3", "MDC_PULS_OXIM_PERF_REL"], units: [unit("%", 0, 40)] },
  { name: "respiratory rate", codes: ["9279-1", "MDC_RESP_RATE"], units: rate(0, 150) },
  {
    name: "body temperature",
    codes: ["8310-5", "MDC_TEMP_BODY"],
    units: [unit("Cel", 20, 45), unit("[degF]", 68, 113), unit("K", 293.15, 318.15)],
  },
  {
    name: "body weight",
    codes: ["29463-7", "MDC_MASS_BODY_ACTUAL"],
    units: [unit("kg", 0.2, 650), unit("g", 200, 650_000), unit("[lb_av]", 0.4, 1433)],
  },
  {
    name: "body height",
    codes: ["8302-2", "MDC_LEN_BODY_ACTUAL"],
    units: [unit("cm", 20, 280), unit("m", 0.2, 2.8), unit("[in_i]", 8, 110)],
  },
  { name: "glucose in blood", codes: ["2339-0", "41653-7"], units: [GLUCOSE_BY_MASS] },
  { name: "glucose in blood", codes: ["15074-8", "14743-9"], units: [GLUCOSE_BY_AMOUNT] },
  {
    name: "glucose in blood",
    codes: ["MDC_CONC_GLU_GEN", "MDC_CONC_GLU_CAPILLARY_WHOLEBLOOD"],
    units: [GLUCOSE_BY_MASS, GLUCOSE_BY_AMOUNT],
  },
];

const BY_CODE = new Map(MEASUREMENTS.flatMap((one) => one.codes.map((code) => [code, one] as const)));

/** The measurement that a code means; undefined when it is not a known one. */
export function findMeasurement(code: string): Measurement | undefined {
  return BY_CODE.get(code);
}

/** Whether a unit is one that the code's measurement comes in. Nothing is known against the units of an unknown code. */
export function isUnitOf(code: string, unitName: string): boolean {
  const measurement = BY_CODE.get(code);
  return !measurement || measurement.units.some((known) => known.unit === unitName);
}

/** Whether no body can have the value, or the unit does not belong to the code. Of unknown codes nothing is implausible. */
export function isImplausible({ code, unit: unitName, value }: ObservationComponent): boolean {
  const measurement = BY_CODE.get(code);
  if (!measurement) return false;
  const known = measurement.units.find((one) => one.unit === unitName);
  return !known || isOutside(known, value);
}

function isOutside({ min, max }: KnownUnit, value: Decimal): boolean {
  const number = decimalNumber(value);
  return number < min || number > max;
}

/** Reference ids by the names that leads have in files and on screens. */
const LEAD_CODES: ReadonlyMap<string, string> = new Map([
  ...["I", "II", "III", "V1", "V2", "V3", "V4", "V5", "V6"].map((lead) => [lead, `MDC_ECG_LEAD_${lead}`] as const),
  ...["aVR", "aVL", "aVF"].map((lead) => [lead.toUpperCase(), `MDC_ECG_LEAD_${lead.toUpperCase()}`] as const),
  ["PLETH", "MDC_PULS_OXIM_PLETH"],
  ["RESP", "MDC_IMPED_TTHOR"],
]);

/** UCUM units by the spellings of files. */
const LEAD_UNITS: ReadonlyMap<string, string> = new Map([
  ...["mV", "uV", "V", "%", "Ohm", "mm[Hg]", "kPa", "1"].map((name) => [name, name] as const),
  ["mv", "mV"],
  ["uv", "uV"],
  ["µV", "uV"],
  ["mmHg", "mm[Hg]"],
  ["NU", "1"],
  ["ohm", "Ohm"],
]);

/**
 * What the name of a lead means: itself when it is a reference id, else that of a lead so called; null when it has none.
 *
 * Source: docs/format.md §5.2.
 */
export function leadCode(name: string): string | null {
  return /^MDCX?_[A-Z0-9_]+$/.test(name) ? name : (LEAD_CODES.get(name.toUpperCase()) ?? null);
}

/** The unit of UCUM that the spelling of a source means; null when it is not a known one. Source: docs/format.md §5.2. */
export function leadUnit(units: string): string | null {
  return LEAD_UNITS.get(units) ?? null;
}
