/** Words for states, causes and leads. */
import type { Lead, Patient, RecordingState } from "../api/types.ts";
import { clinicalOrder, leadTitle } from "../paper/lead-order.ts";

/** Badge text of a recording's state. */
export const STATE_WORD: Readonly<Record<RecordingState, string>> = {
  live: "Live",
  complete: "Complete",
  interrupted: "Interrupted",
};

/** What a state means, in a sentence. */
export const STATE_SENTENCE: Readonly<Record<RecordingState, string>> = {
  live: "Data is arriving.",
  complete: "The terminal closed this recording and all of it is stored.",
  interrupted: "The recording stopped without its closing segment.",
};

/** A cause code as words: `leads_changed` and `leads-changed` become `leads changed`. */
export function causeText(cause: string): string {
  const words = cause.trim().replaceAll(/[_-]+/gu, " ");
  return words === "" ? "cause not stated" : words;
}

/** `1 lead: ECG`, `12 leads: I, II, III, …` in clinical order. @param shownMax names listed before the ellipsis. */
export function leadsText(leads: readonly Lead[], shownMax = 4): string {
  const names = clinicalOrder(leads.map(({ name }) => name)).map((index) => leadTitle(leads[index]?.name ?? ""));
  const shown = names.slice(0, shownMax).join(", ") + (names.length > shownMax ? ", \u2026" : "");
  return `${countText(leads.length, "lead")}${shown === "" ? "" : `: ${shown}`}`;
}

/** `1 gap`, `3 gaps`. */
export function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Patients whose name or id contains every word of `query`; case and accents do not count. */
export function filterPatients(patients: readonly Patient[], query: string): Patient[] {
  const words = folded(query).split(/\s+/u).filter(Boolean);
  return patients.filter((patient) => {
    const text = folded(`${patient.name} ${patient.id}`);
    return words.every((word) => text.includes(word));
  });
}

function folded(text: string): string {
  return text
    .normalize("NFD")
    .replaceAll(/\p{Diacritic}/gu, "")
    .toLowerCase();
}
