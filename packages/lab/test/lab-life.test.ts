/** A terminal's life in short: what it promises, and that each promise can be broken. */
import type { Folder } from "@pericard/framelog";
import { describe, expect, test } from "vitest";
import { claimAt, isWrong } from "../src/life/clock.ts";
import { liveLife, type LifeOptions } from "../src/life/life.ts";
import { keyOfMonth, MonthByClock, monthsBetween } from "../src/life/month-by-clock.ts";
import { NumberedRandom, seededDraws } from "../src/life/numbered-random.ts";
import { DAY_MS, HOUR_MS, segmentAfter } from "../src/life/pace.ts";
import { drawLife } from "../src/life/picture.ts";
import { planLife, YEAR_MS, type LifeEvent, type LifePlan } from "../src/life/plan.ts";
import { isSound, mostIn30Days, reportedCount } from "../src/life/report.ts";
import { UseLedger } from "../src/life/use-ledger.ts";

const YEARS = 0.1;
const live = (options: Partial<LifeOptions> = {}) => liveLife({ years: YEARS, seed: 7, ...options }, () => undefined);

/** The life of the seed, without some of its events. */
function planWithout(kinds: readonly LifeEvent["kind"][]): LifePlan {
  const plan = planLife(YEARS, 7);
  return { ...plan, events: plan.events.filter(({ kind }) => !kinds.includes(kind)) };
}

/** An event, or in place of one of the clock, that the clock is set right. */
function withRightClock(event: LifeEvent): LifeEvent {
  const { atMs, kind } = event;
  return kind === "clock" ? { atMs, kind, clock: { sinceMs: atMs, claimMs: atMs, rate: 1 } } : event;
}

/** The life of the seed with a clock that is always right. */
function planWithRightClock(): LifePlan {
  const plan = planLife(YEARS, 7);
  return { ...plan, events: plan.events.map(withRightClock) };
}

describe("a short life", () => {
  test("repeats no key and nonce, opens all that is sealed, reports each copy, and is the same again", async () => {
    const [one, two] = [await live(), await live()];
    const { report } = one;
    expect(two).toEqual(one);
    expect(isSound(report)).toBe(true);
    expect(report).toMatchObject({ years: YEARS, seed: 7, cycles: 0, repeatedKeyNonces: 0, restores: 2 });
    expect(report.restoresReported).toBe(2);
    expect(report.repeatedUses).toBeGreaterThan(10_000);
    expect(report.crashes).toBeGreaterThanOrEqual(8);
    expect(report.segmentsSealed).toBeGreaterThan(200);
    expect(report.segmentsOpened).toBe(report.segmentsSealed);
    expect(report.changesIn30DaysMax).toBeLessThanOrEqual(3);
    expect(report.monthByClock.attack).toEqual({ segments: 120, keysByClock: 120, keysByUseCount: 1 });
  });

  test("without a copy put back takes no use twice, and nobody is accused", async () => {
    const { report } = await live({ plan: planWithout(["copy", "restore"]) });
    expect(report).toMatchObject({ repeatedUses: 0, repeatedKeyNonces: 0, restores: 0, alarms: {} });
    expect(isSound(report)).toBe(true);
  });

  test("goes the same way whatever the terminal's clock says", async () => {
    const wrong = await live();
    const right = await live({ plan: planWithRightClock() });
    const placesOf = ({ points }: typeof wrong) => points.map(({ atMs, cycle, index }) => [atMs, cycle, index]);
    const { monthByClock: _, wrongClocks: count, ...rest } = wrong.report;
    const { monthByClock: byRightClock, wrongClocks: none, ...same } = right.report;
    expect(placesOf(right)).toEqual(placesOf(wrong));
    expect(same).toEqual(rest);
    expect(count).toBeGreaterThan(100);
    expect(none).toBe(0);
    expect(byRightClock).toMatchObject({ keysUsedEarly: 0, keysUsedAgain: 0, segmentsUnderWrongKey: 0 });
  });

  test("of which the counters are saved after the uses takes uses twice at power cuts", async () => {
    const plan = planWithout(["copy", "restore"]);
    const { report } = await live({ plan, disk: savedLate });
    expect(report.repeatedUses).toBeGreaterThan(100);
    expect(report.repeatedKeyNonces).toBe(0);
  });

  test("of which every salt is the same repeats keys and nonces when a copy is put back", async () => {
    const { report } = await live({ salts: (_, sizeBytes) => new Uint8Array(sizeBytes).fill(5) });
    expect(report.repeatedKeyNonces).toBe(report.repeatedUses);
    expect(report.repeatedKeyNonces).toBeGreaterThan(10_000);
    expect(isSound(report)).toBe(false);
  });

  test("has a picture with axes, a legend and a mark for everything that befell it", async () => {
    const lived = await live();
    const svg = drawLife(lived);
    for (const word of [
      "key index",
      "years since deployment",
      "power cuts",
      "no network",
      "clock wrong",
      "key in use",
    ]) {
      expect(svg).toContain(`>${word}`);
    }
    expect(svg.match(/stroke="#b00020" stroke-dasharray/g)).toHaveLength(lived.report.restores + 1);
    expect(svg.match(/fill="#38761d"/g)).toHaveLength(lived.report.changes + 1);
  });
});

/** A disk on which the counters are always one save behind. */
function savedLate(folder: Folder): Folder {
  let waiting: (() => void) | undefined;
  return {
    ...folder,
    replace: (name, contents) => {
      waiting?.();
      waiting = () => folder.replace(name, contents);
    },
  };
}

describe("the ledger", () => {
  const place = { cycle: 0, index: 3 };
  const noteRun = (ledger: UseLedger, from: number, count: number, draw: number): void => {
    for (let i = 0; i < count; i += 1) ledger.note({ ...place, use: from + i }, draw + i);
  };

  test("counts uses that were taken again, and apart from them those with the same salt", () => {
    const ledger = new UseLedger((draw) => new Uint8Array(32).fill(draw % 100));
    noteRun(ledger, 0, 50, 0);
    noteRun(ledger, 40, 20, 140);
    noteRun(ledger, 45, 2, 71);
    ledger.note({ cycle: 1, index: 3, use: 40 }, 900);
    const figures = { uses: 73, keysUsed: 2, repeatedUses: 12, repeatedKeyNonces: 10 };
    expect(ledger.figures()).toEqual(figures);
    expect(ledger.figures()).toEqual(figures);
  });

  test("sees a use that comes at once again", () => {
    const ledger = new UseLedger(() => new Uint8Array(32));
    noteRun(ledger, 7, 1, 0);
    noteRun(ledger, 7, 1, 1);
    expect(ledger.figures()).toMatchObject({ repeatedUses: 1, repeatedKeyNonces: 1 });
  });
});

test("numbered draws are the same however they are made, and differ", () => {
  const random = new NumberedRandom(seededDraws(3));
  const first = random.source(32);
  expect(random.skip()).toBe(1);
  const third = random.source(32);
  expect(random.bytesOf(0, 32)).toEqual(first);
  expect(random.bytesOf(2, 32)).toEqual(third);
  const heads = new Set(
    Array.from({ length: 5000 }, (_, draw) => Buffer.from(random.bytesOf(draw, 4)).toString("hex")),
  );
  expect(heads.size).toBe(5000);
});

describe("the month by the clock", () => {
  const factory = Date.UTC(2026, 0, 15);

  test("begins with the natural month, and again after 120", () => {
    expect(monthsBetween(factory, Date.UTC(2026, 0, 31, 23, 59))).toBe(0);
    expect(monthsBetween(factory, Date.UTC(2026, 1, 1))).toBe(1);
    expect(monthsBetween(factory, Date.UTC(2010, 0, 1))).toBe(-192);
    expect([0, 119, 120, -1].map(keyOfMonth)).toEqual([0, 119, 0, 119]);
  });

  test("burns and repeats keys when the clock is set", () => {
    const months = new MonthByClock(factory);
    const march = Date.UTC(2026, 2, 10);
    months.seal(100, march, march);
    months.seal(10, Date.UTC(2027, 2, 10), march + HOUR_MS);
    months.seal(10, Date.UTC(2026, 0, 20), march + 2 * HOUR_MS);
    months.seal(10, march, march + 3 * HOUR_MS);
    months.seal(10, march, march + 3 * HOUR_MS + 3 * DAY_MS);
    expect(months.figures).toEqual({
      keysUsed: 3,
      keysUsedEarly: 1,
      keysUsedAgain: 1,
      segmentsUnderWrongKey: 20,
      longestKeyDays: 3,
    });
  });
});

test("a life is drawn from its seed, in order of time", () => {
  expect(planLife(1, 5)).toEqual(planLife(1, 5));
  expect(planLife(1, 5)).not.toEqual(planLife(1, 6));
  const { events, lengthMs } = planLife(10, 1);
  expect(lengthMs).toBe(10 * YEAR_MS);
  const times = events.map(({ atMs }) => atMs);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(events.at(-1)).toEqual({ atMs: lengthMs, kind: "end" });
  expect(events.filter(({ kind }) => kind === "cut").length).toBeGreaterThan(200);
});

test("an hour a day is recorded in its hour, and clocks go on from what they were set to", () => {
  const pace = { segmentMs: 10_000, hours: [8, 9] } as const;
  expect(segmentAfter(pace, 0)).toBe(8 * HOUR_MS);
  expect(segmentAfter(pace, 8 * HOUR_MS)).toBe(8 * HOUR_MS + 10_000);
  expect(segmentAfter(pace, 9 * HOUR_MS - 10_000)).toBe(DAY_MS + 8 * HOUR_MS);
  expect(claimAt({ sinceMs: 100, claimMs: -5, rate: 0.5 }, 300)).toBe(95);
  expect(isWrong({ sinceMs: 100, claimMs: 100, rate: 1.0001 })).toBe(false);
  expect(isWrong({ sinceMs: 100, claimMs: 100, rate: 0 })).toBe(true);
  expect(isWrong({ sinceMs: 100, claimMs: 99, rate: 1 })).toBe(true);
});

test("changes are counted over any 30 days, restores by the alarm that follows", () => {
  const begun = [0, 10, 29, 31, 90].map((day) => ({ begunAtUnixMs: day * DAY_MS }));
  expect(mostIn30Days(begun as unknown as Parameters<typeof mostIn30Days>[0])).toBe(3);
  expect(reportedCount([10, 20], [5, 12])).toBe(1);
  expect(reportedCount([10, 20], [10, 400])).toBe(2);
});
