/** From ADC units to physical units, for display only: the one place where samples become floats. */
import type { Lead } from "./model.ts";

/** Whether a unit is millivolt; WFDB files spell it `mV` and `mv`. */
export function isMillivolt(units: string): boolean {
  return units.toLowerCase() === "mv";
}

/** Physical value of each digital sample, in the lead's units; NaN where the sample is the lead's missing code.
 * @returns a new array of the same length; the input is not changed.
 * Source: WFDB header(5), ADC gain and baseline. */
export function physicalFromDigital(lead: Lead, digital: Int32Array): Float64Array {
  const gain = Number(lead.gainAduPerUnit);
  const physical = new Float64Array(digital.length);
  for (let i = 0; i < digital.length; i++) {
    const sample = digital[i] ?? 0;
    physical[i] = sample === lead.missingCode ? Number.NaN : (sample - lead.baselineAdu) / gain;
  }
  return physical;
}
