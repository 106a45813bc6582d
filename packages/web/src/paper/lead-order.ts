/** Clinical order of leads: limb leads, augmented leads, chest leads, further ECG leads as given, then the rest. */

const CLINICAL_ORDER: readonly string[] = [
  "I", "II", "III", "AVR", "AVL", "AVF",
  "V1", "V2", "V3", "V4", "V5", "V6",
  "V7", "V8", "V9", "V3R", "V4R",
]; // prettier-ignore

/** Leads by what they are called: `ECG I`, `lead II`, `avr`, and `MLII` (modified, from
 * the chest, in ambulatory records) for II. Case and prefixes do not count. */
export function canonicalLeadName(name: string): string {
  return name
    .trim()
    .toUpperCase()
    .replace(/^(?:ECG|LEAD)[\s_-]*/u, "")
    .replace(/^ML(?=I{1,3}$)/u, "")
    .replace(/\s+/gu, "");
}

/** Place of a lead in the clinical order, or Infinity when it has none. */
export function clinicalRank(name: string): number {
  const rank = CLINICAL_ORDER.indexOf(canonicalLeadName(name));
  return rank === -1 ? Infinity : rank;
}

/** Indices of `names` in the order to draw them; equal ranks keep the order given. */
export function clinicalOrder(names: readonly string[]): number[] {
  const ranked = names.map((name, index) => ({ index, rank: clinicalRank(name) }));
  return ranked.toSorted((a, b) => compareRanks(a.rank, b.rank)).map(({ index }) => index);
}

/** The lead of the overview: II where there is one, else the first drawn. */
export function rhythmLead(names: readonly string[]): number {
  const second = names.findIndex((name) => canonicalLeadName(name) === "II");
  return second === -1 ? (clinicalOrder(names)[0] ?? 0) : second;
}

function compareRanks(a: number, b: number): number {
  return a === b ? 0 : a - b;
}
