/** Clinical order of leads: limb leads, augmented leads, chest leads, further ECG leads as given, then the rest. */

const CLINICAL_ORDER: readonly string[] = [
  "I", "II", "III", "AVR", "AVL", "AVF",
  "V1", "V2", "V3", "V4", "V5", "V6",
  "V7", "V8", "V9", "V3R", "V4R",
]; // prettier-ignore

/** Reference ids of IEEE 11073-10101 that stand for other signals than leads of an ECG. */
const SIGNALS: ReadonlyMap<string, string> = new Map([
  ["MDC_PULS_OXIM_PLETH", "Pleth"],
  ["MDC_IMPED_TTHOR", "Resp"],
  ["MDC_RESP", "Resp"],
]);

/** A lead's name as it is written beside its trace: reference ids as people say them, others as they are. */
export function leadTitle(name: string): string {
  const ofEcg = /^MDC_ECG_LEAD_(\w+)$/u.exec(name)?.[1];
  return ofEcg?.replace(/^AV(?=[RLF]$)/u, "aV") ?? SIGNALS.get(name) ?? name;
}

/** Leads by what they are called: `ECG I`, `lead II`, `avr`, and `MLII` (modified, from
 * the chest, in ambulatory records) for II. Case and prefixes do not count. */
export function canonicalLeadName(name: string): string {
  return leadTitle(name.trim())
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
