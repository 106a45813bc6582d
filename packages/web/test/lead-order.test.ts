import { expect, test } from "vitest";
import { canonicalLeadName, clinicalOrder, rhythmLead } from "../src/paper/lead-order.ts";

const ordered = (names: readonly string[]): string[] => clinicalOrder(names).map((index) => names[index] ?? "");

test("twelve leads in any order come out in the clinical one", () => {
  const clinical = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"];
  expect(ordered(clinical.toReversed())).toEqual(clinical);
  expect(ordered(clinical.toSorted())).toEqual(clinical);
});

test("what is no ECG lead follows as given", () => {
  expect(ordered(["ABP", "V5", "RESP", "MLII", "ABP"])).toEqual(["MLII", "V5", "ABP", "RESP", "ABP"]);
});

test("names of real files are recognised", () => {
  expect(["ECG I", "Lead aVF", "avr", " v 1 ", "MLII", "ECG_V2"].map(canonicalLeadName)).toEqual([
    "I", "AVF", "AVR", "V1", "II", "V2",
  ]); // prettier-ignore
});

test("the overview shows II, or else the first lead drawn", () => {
  expect(rhythmLead(["V5", "MLII"])).toBe(1);
  expect(rhythmLead(["ABP", "V1", "I"])).toBe(2);
  expect(rhythmLead([])).toBe(0);
});
