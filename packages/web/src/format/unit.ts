/** Units as clinicians write them. What is stored is UCUM; nothing is converted, and what is not known stays as it is. */

const WRITTEN: ReadonlyMap<string, string> = new Map([
  ["Cel", "°C"],
  ["[degF]", "°F"],
  ["mm[Hg]", "mmHg"],
  ["cm[H2O]", "cmH₂O"],
  ["/min", "/min"],
  ["1/min", "/min"],
  ["{beats}/min", "/min"],
  ["{breaths}/min", "/min"],
  ["[lb_av]", "lb"],
  ["[in_i]", "in"],
  ["Ohm", "Ω"],
  ["uV", "µV"],
  ["1", ""],
]);

/** How a unit of UCUM is written. */
export function unitText(ucum: string): string {
  return WRITTEN.get(ucum) ?? ucum;
}

/** A value with its unit: `97 %`, `36.60 °C`, `-3`. The digits are those given. */
export function withUnit(value: string, ucum: string): string {
  const unit = unitText(ucum);
  const shown = value.replace("-", "\u2212");
  return unit === "" ? shown : `${shown} ${unit}`;
}
