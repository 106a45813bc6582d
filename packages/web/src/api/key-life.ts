/** A terminal's key life as the API gives it, checked. */
import { arrayAt, choiceAt, integerAt, nullableAt, numberAt, objectAt, objectOf, stringAt } from "./json.ts";
import type { JsonObject } from "./json.ts";

/** Keys of a terminal; their indexes go from 0 to one less. */
export const KEY_COUNT = 120;
const LIST_COUNT_MAX = 10_000;

/** One use of one key. */
export interface KeyUse {
  readonly cycle: number;
  readonly index: number;
  readonly use: number;
}

/** `offered` and `ordered` wait for the terminal. */
export type KeyChangeState = "offered" | "ordered" | "done" | "refused" | "cancelled";

/** A change of the maximum use count. Times are the server's, UTC milliseconds. */
export interface KeyChange {
  readonly version: number;
  readonly state: KeyChangeState;
  readonly maximum: number;
  /** Why it ended without being done. */
  readonly code: string | null;
  readonly begunAtUnixMs: number;
  readonly endedAtUnixMs: number | null;
  /** The terminal's next use when it took the change. */
  readonly taken: KeyUse | null;
}

/** Something that should not be. */
export interface KeyAlarm {
  readonly atUnixMs: number;
  readonly kind: string;
  readonly detail: string;
}

/** How far a terminal's keys are used, what was changed, what went wrong. */
export interface KeyLife {
  readonly terminalSerial: string;
  /** null before the terminal's first contact. */
  readonly next: KeyUse | null;
  readonly seenAtUnixMs: number | null;
  readonly usedCount: number;
  readonly maximum: number;
  readonly version: number;
  /** null before a week was seen. */
  readonly usesPerDay: number | null;
  readonly keysEndAtUnixMs: number | null;
  readonly changes: readonly KeyChange[];
  readonly alarms: readonly KeyAlarm[];
}

/** Body of `GET /terminals/:serial/keys`. @throws {WebError} ERR_ANSWER_MALFORMED. */
export function readKeyLife(value: unknown): KeyLife {
  const body = objectOf(value, "key life");
  return {
    terminalSerial: stringAt(body, "terminalSerial"),
    next: nullableAt(body, "next", readKeyUse),
    seenAtUnixMs: nullableAt(body, "seenAtUnixMs", numberAt),
    usedCount: integerAt(body, "usedCount"),
    maximum: integerAt(body, "maximum", 1),
    version: integerAt(body, "version"),
    usesPerDay: nullableAt(body, "usesPerDay", (object, key) => numberAt(object, key, 0)),
    keysEndAtUnixMs: nullableAt(body, "keysEndAtUnixMs", numberAt),
    changes: arrayAt(body, "changes", readChange, LIST_COUNT_MAX),
    alarms: arrayAt(body, "alarms", readAlarm, LIST_COUNT_MAX),
  };
}

function readKeyUse(body: JsonObject, key: string): KeyUse {
  const use = objectAt(body, key);
  return {
    cycle: integerAt(use, "cycle"),
    index: integerAt(use, "index", 0, KEY_COUNT - 1),
    use: integerAt(use, "use"),
  };
}

function readChange(body: JsonObject): KeyChange {
  return {
    version: integerAt(body, "version", 1),
    state: choiceAt(body, "state", ["offered", "ordered", "done", "refused", "cancelled"]),
    maximum: integerAt(body, "maximum", 1),
    code: nullableAt(body, "code", stringAt),
    begunAtUnixMs: numberAt(body, "begunAtUnixMs"),
    endedAtUnixMs: nullableAt(body, "endedAtUnixMs", numberAt),
    taken: nullableAt(body, "taken", readKeyUse),
  };
}

function readAlarm(body: JsonObject): KeyAlarm {
  return { atUnixMs: numberAt(body, "atUnixMs"), kind: stringAt(body, "kind"), detail: stringAt(body, "detail") };
}
