/** Words for a terminal's key life. */
import type { KeyAlarm, KeyChange, KeyChangeState, KeyUse } from "../api/key-life.ts";

const CHANGE_WORD: Readonly<Record<KeyChangeState, string>> = {
  offered: "Offered, no answer yet",
  ordered: "Ordered, not confirmed yet",
  done: "In force",
  refused: "Refused by the terminal",
  cancelled: "Cancelled",
};

const ALARM_WORD: Readonly<Record<string, string>> = {
  use: "Uses went back",
  contact: "Contact numbers went back",
  repeat: "One use sealed two segments",
  policy: "An older maximum is in force again",
  exchange: "A key change does not fit",
};

/** Whole numbers with thin spaces between thousands: `262 980`. */
export function groupedText(value: number): string {
  return String(Math.round(value)).replaceAll(/\B(?=(\d{3})+$)/gu, "\u202f");
}

/** `cycle 0 key 12 use 3 400`: all count from 0, as in the format, the audit trail and the command line. */
export function keyUseText({ cycle, index, use }: KeyUse): string {
  return `cycle ${cycle} key ${index} use ${groupedText(use)}`;
}

/** What became of a change, with the code of a refusal. */
export function changeStateText({ state, code }: Pick<KeyChange, "state" | "code">, isNewest: boolean): string {
  const word = state === "done" && !isNewest ? "Done" : CHANGE_WORD[state];
  return code === null ? word : `${word} (${code})`;
}

/** What an alarm means. A kind that is not known is shown as it is. */
export function alarmText({ kind }: Pick<KeyAlarm, "kind">): string {
  return ALARM_WORD[kind] ?? kind;
}
