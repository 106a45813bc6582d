/**
 * When a terminal's maximum use count is changed, and to what. Pure.
 *
 * Source: docs/keys.md, "A terminal's key life"; paper A §II.D (120 keys, a month each), §II.H.
 */
import type { KeyAlarm, KeyChange, KeyMark } from "@pericard/custody";
import { compareKeyUse, KEYS_PER_BLOCK, USE_COUNT_MAX, type KeyUse } from "@pericard/protocol";

export const DAY_MS = 24 * 3600 * 1000;

/** How long 120 keys are to last: ten years. */
export const TARGET_LIFE_DAYS = 3652.5;

/** A new maximum makes the keys last this many times the target, at the pace that was seen. */
const MARGIN = 1.2;
/** Keys that would last less than this part of the target, or more than this many times it, are worth a change. */
const DEVIATION = { tooShort: 0.9, tooLong: 2.4 } as const;

/** Days of consumption that a pace is taken from, at least and at most. */
const OBSERVED_DAYS = { min: 7, max: 30 } as const;

/** Changes that may begin in any 30 days of server time. Source: paper A §II.H ("1 to 3 times a month is enough"). */
export const CHANGES_PER_MONTH_MAX = 3;
const MONTH_MS = 30 * DAY_MS;

/** How long a change that is under way waits for the terminal. */
export const CHANGE_LIFETIME_MS = 60 * DAY_MS;

/** Uses a day over the last 30 days, or since the first mark; null before a week was seen. */
export function usesPerDay(marks: readonly KeyMark[], nowUnixMs: number): number | null {
  const from = nowUnixMs - OBSERVED_DAYS.max * DAY_MS;
  const first = marks.findLast(({ atUnixMs }) => atUnixMs <= from) ?? marks[0];
  const last = marks.at(-1);
  if (!first || !last) return null;
  const days = (nowUnixMs - first.atUnixMs) / DAY_MS;
  return days >= OBSERVED_DAYS.min ? (last.usedCount - first.usedCount) / days : null;
}

/**
 * The pace of a terminal about which there may be alarms: that since the last one, or, before a week was seen, that of the
 * marks before it. A terminal that runs from an older copy moves no mark for as long as the copy was old, and is not idle.
 */
export function paceOf(marks: readonly KeyMark[], alarms: readonly KeyAlarm[], nowUnixMs: number): number | null {
  const alarmedAtUnixMs = alarms.at(-1)?.atUnixMs ?? Number.NEGATIVE_INFINITY;
  const before = marks.filter(({ atUnixMs }) => atUnixMs <= alarmedAtUnixMs);
  const since = usesPerDay(marks.slice(before.length), nowUnixMs);
  return since ?? usesPerDay(before, before.at(-1)?.atUnixMs ?? nowUnixMs);
}

/** Uses from one to a later one, if every key in between is used `maximum` times; at most 2^53 - 1. */
export function usesBetween(from: KeyUse, to: KeyUse, maximum: number): number {
  const keys = (to.cycle - from.cycle) * KEYS_PER_BLOCK + to.index - from.index;
  return Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, keys * maximum + to.use - from.use));
}

/** Days for which 120 keys of that maximum last. */
export function lifeDays(maximum: number, perDay: number): number {
  return (KEYS_PER_BLOCK * maximum) / perDay;
}

/** A maximum under which 120 keys last the target and a margin, within the bounds that terminals take. */
export function fittingMaximum(perDay: number): number {
  const exact = Math.ceil((perDay * TARGET_LIFE_DAYS * MARGIN) / KEYS_PER_BLOCK);
  return Math.min(USE_COUNT_MAX.max, Math.max(USE_COUNT_MAX.min, exact));
}

/** What a decision is made from. */
export interface KeySituation {
  readonly marks: readonly KeyMark[];
  readonly changes: readonly KeyChange[];
  readonly alarms: readonly KeyAlarm[];
  /** The maximum in force, or the one that is being given. */
  readonly maximum: number;
  readonly nowUnixMs: number;
}

/** The maximum to change to; null when all is well, too little was seen, or three changes began in 30 days. */
export function decideMaximum({ marks, changes, alarms, maximum, nowUnixMs }: KeySituation): number | null {
  const perDay = paceOf(marks, alarms, nowUnixMs);
  if (perDay === null || perDay <= 0 || !mayBegin(changes, nowUnixMs)) return null;
  const life = lifeDays(maximum, perDay) / TARGET_LIFE_DAYS;
  if (life >= DEVIATION.tooShort && life <= DEVIATION.tooLong) return null;
  const fitting = fittingMaximum(perDay);
  return fitting === maximum ? null : fitting;
}

/** Whether another change may begin now. */
export function mayBegin(changes: readonly KeyChange[], nowUnixMs: number): boolean {
  return changes.filter(({ begunAtUnixMs }) => begunAtUnixMs > nowUnixMs - MONTH_MS).length < CHANGES_PER_MONTH_MAX;
}

/** The change that waits for the terminal; undefined when none does. */
export function liveChange(changes: readonly KeyChange[]): KeyChange | undefined {
  return changes.findLast(({ state }) => state === "offered" || state === "ordered");
}

/** The maximum that a terminal has under a version: that of the change, or the one that it was deployed with. */
export function maximumOf(changes: readonly KeyChange[], version: number): number {
  return changes.find((change) => change.version === version)?.maximum ?? USE_COUNT_MAX.standard;
}

/**
 * The maximum that holds or is about to: of the newest change that was taken, as long as nothing contradicts it, else of
 * the version that the terminal tells.
 */
export function maximumGiven(changes: readonly KeyChange[], next: KeyUse, version: number): number {
  const done = lastDone(changes);
  return done && version < done.version && !isAfterChange(done, next) ? done.maximum : maximumOf(changes, version);
}

/** Whether a change must be in force at a use: it was taken before, and its first use has come. */
export function isAfterChange({ taken, effectiveFrom }: KeyChange, next: KeyUse): boolean {
  // A status that was signed before the change was taken may come after the word that it was.
  return (
    taken !== null &&
    effectiveFrom !== null &&
    compareKeyUse(next, taken) > 0 &&
    compareKeyUse(next, effectiveFrom) >= 0
  );
}

/** The newest change that the terminal took; undefined before the first. */
export function lastDone(changes: readonly KeyChange[]): KeyChange | undefined {
  return changes.findLast(({ state }) => state === "done");
}
