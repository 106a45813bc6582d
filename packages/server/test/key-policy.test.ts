/** When a maximum is changed, and to what. Source: docs/keys.md, "A terminal's key life". */
import type { KeyChange, KeyMark } from "@pericard/custody";
import { KEYS_PER_BLOCK, TerminalId, USE_COUNT_MAX } from "@pericard/protocol";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { describeKeyLife } from "../src/keys/key-life.ts";
import {
  CHANGES_PER_MONTH_MAX,
  DAY_MS,
  decideMaximum,
  fittingMaximum,
  isAfterChange,
  lifeDays,
  maximumGiven,
  paceOf,
  TARGET_LIFE_DAYS,
  usesBetween,
  usesPerDay,
} from "../src/keys/key-policy.ts";

const NOW = Date.UTC(2026, 5, 1);
const FIRST = { cycle: 0, index: 0, use: 0 };

/** A mark a day, the last one now. */
function marksOf(days: number, perDay: number): readonly KeyMark[] {
  return Array.from({ length: days + 1 }, (_, day) => {
    const usedCount = Math.round(day * perDay);
    return { ...FIRST, use: usedCount, usedCount, atUnixMs: NOW - (days - day) * DAY_MS };
  });
}

function changeOf(version: number, daysAgo: number, wish: Partial<KeyChange> = {}): KeyChange {
  return {
    version,
    state: "done",
    maximum: 1000,
    offer: new Uint8Array(0),
    answerHash: null,
    order: null,
    effectiveFrom: FIRST,
    taken: FIRST,
    code: null,
    begunAtUnixMs: NOW - daysAgo * DAY_MS,
    orderedAtUnixMs: null,
    endedAtUnixMs: null,
    ...wish,
  };
}

const decide = (perDay: number, maximum: number, changes: readonly KeyChange[] = [], days = 10) =>
  decideMaximum({ marks: marksOf(days, perDay), changes, alarms: [], maximum, nowUnixMs: NOW });

describe("a pace", () => {
  test("is known after a week, and taken from the last 30 days", () => {
    expect(usesPerDay([], NOW)).toBeNull();
    expect(usesPerDay(marksOf(6, 100), NOW)).toBeNull();
    expect(usesPerDay(marksOf(7, 100), NOW)).toBeCloseTo(100);
    const faster = [...marksOf(60, 100)].map((mark, day) => ({ ...mark, usedCount: day < 30 ? 0 : (day - 30) * 500 }));
    expect(usesPerDay(faster, NOW)).toBeCloseTo(500);
  });

  test("is not lower while a terminal that was put back takes uses below the mark", () => {
    const marks = marksOf(60, 100);
    const alarm = { kind: "use", detail: "", atUnixMs: NOW };
    const putBack = marks.slice(0, 41);
    expect(usesPerDay(putBack, NOW)).toBeCloseTo(100 / 3);
    expect(paceOf(putBack, [{ ...alarm, atUnixMs: NOW - 20 * DAY_MS }, alarm], NOW)).toBeCloseTo(100);
    expect(paceOf(marks, [{ ...alarm, atUnixMs: NOW - 9.5 * DAY_MS }], NOW)).toBeCloseTo(100);
    expect(paceOf(marks, [], NOW)).toBe(usesPerDay(marks, NOW));
    expect(paceOf([], [alarm], NOW)).toBeNull();
  });

  test("becomes lower while a terminal is not used", () => {
    const idle = marksOf(10, 100).map((mark) => ({ ...mark, atUnixMs: mark.atUnixMs - 10 * DAY_MS }));
    expect(usesPerDay(idle, NOW)).toBeCloseTo(50);
  });
});

test("uses are counted over keys and cycles", () => {
  expect(usesBetween(FIRST, { ...FIRST, use: 12 }, 1000)).toBe(12);
  expect(usesBetween({ ...FIRST, use: 990 }, { cycle: 0, index: 2, use: 5 }, 1000)).toBe(10 + 1000 + 5);
  expect(usesBetween({ cycle: 0, index: 119, use: 0 }, { cycle: 1, index: 0, use: 0 }, 360)).toBe(360);
  expect(usesBetween({ ...FIRST, use: 12 }, FIRST, 1000)).toBe(0);
});

describe("a maximum", () => {
  test("stays when the terminal records without a break, as it was deployed for", () => {
    expect(decide(8640, USE_COUNT_MAX.standard)).toBeNull();
  });

  test("becomes smaller when the keys would last more than twice what they should", () => {
    expect(decide(4000, USE_COUNT_MAX.standard)).toBeNull();
    expect(decide(3000, USE_COUNT_MAX.standard)).toBe(fittingMaximum(3000));
    expect(decide(1, USE_COUNT_MAX.standard)).toBe(USE_COUNT_MAX.min);
  });

  test("becomes larger when they would not last ten years", () => {
    expect(decide(8640, 200_000)).toBe(fittingMaximum(8640));
    expect(decide(1e9, 200_000)).toBe(USE_COUNT_MAX.max);
    expect(decide(1e9, USE_COUNT_MAX.max)).toBeNull();
  });

  test("stays while too little was seen, and while nothing is used", () => {
    expect(decide(1, USE_COUNT_MAX.standard, [], 6)).toBeNull();
    expect(decide(0, USE_COUNT_MAX.standard)).toBeNull();
  });

  test("is changed three times in 30 days at most, whatever became of the changes", () => {
    const states = ["done", "refused", "cancelled"] as const;
    const recent = states.map((state, i) => changeOf(i + 1, i, { state }));
    expect(recent).toHaveLength(CHANGES_PER_MONTH_MAX);
    expect(decide(1, USE_COUNT_MAX.standard, recent)).toBeNull();
    expect(decide(1, USE_COUNT_MAX.standard, recent.slice(1))).toBe(USE_COUNT_MAX.min);
    const older = recent.map((change) => ({ ...change, begunAtUnixMs: change.begunAtUnixMs - 30 * DAY_MS }));
    expect(decide(1, USE_COUNT_MAX.standard, older)).toBe(USE_COUNT_MAX.min);
  });

  test("that was chosen is within bounds, outlasts the target, and is not changed again at that pace", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.1, max: 400_000, noNaN: true }), (perDay) => {
        const maximum = fittingMaximum(perDay);
        expect(maximum).toBeGreaterThanOrEqual(USE_COUNT_MAX.min);
        expect(maximum).toBeLessThanOrEqual(USE_COUNT_MAX.max);
        if (maximum > USE_COUNT_MAX.min) {
          expect(lifeDays(maximum, perDay)).toBeGreaterThan(TARGET_LIFE_DAYS * 1.19);
          expect(lifeDays(maximum, perDay)).toBeLessThan(TARGET_LIFE_DAYS * 2);
        }
        expect(decide(perDay, maximum, [], 30) ?? maximum).toBe(maximum);
      }),
    );
  });
});

test("a change is believed until the terminal, at a later use, tells an older version", () => {
  const taken = { ...FIRST, use: 100 };
  const change = changeOf(2, 1, { maximum: 555, taken, effectiveFrom: { ...FIRST, use: 90 } });
  expect(isAfterChange(change, taken)).toBe(false);
  expect(isAfterChange(change, { ...FIRST, use: 101 })).toBe(true);
  expect(maximumGiven([change], taken, 0)).toBe(555);
  expect(maximumGiven([change], { ...FIRST, use: 101 }, 0)).toBe(USE_COUNT_MAX.standard);
  const later = changeOf(2, 1, { maximum: 555, taken, effectiveFrom: { cycle: 0, index: 1, use: 0 } });
  expect(maximumGiven([later], { ...FIRST, use: 101 }, 0)).toBe(555);
});

describe("a key life", () => {
  const serial = TerminalId.parse("0000000000b7");

  test("forecasts the end of the cycle's keys from the pace", () => {
    const marks = marksOf(10, 1000);
    const life = describeKeyLife(serial, { marks, changes: [], alarms: [] }, NOW);
    const left = KEYS_PER_BLOCK * USE_COUNT_MAX.standard - 10_000;
    expect(life).toMatchObject({
      maximum: USE_COUNT_MAX.standard,
      version: 0,
      usedCount: 10_000,
      next: { use: 10_000 },
    });
    expect(life.keysEndAtUnixMs).toBe(Math.round(NOW + (left / 1000) * DAY_MS));
  });

  test("says nothing of an end that nobody can know", () => {
    const nothing = { marks: [], changes: [], alarms: [] };
    expect(describeKeyLife(serial, nothing, NOW)).toMatchObject({
      next: null,
      usesPerDay: null,
      keysEndAtUnixMs: null,
    });
    const idle = marksOf(10, 0);
    expect(describeKeyLife(serial, { ...nothing, marks: idle }, NOW)).toMatchObject({
      usesPerDay: 0,
      keysEndAtUnixMs: null,
    });
    const slow = marksOf(10, 0.1);
    expect(describeKeyLife(serial, { ...nothing, marks: slow }, NOW).keysEndAtUnixMs).toBeNull();
  });
});
