/** What a life showed. Everything in it can be written as JSON. */
import type { KeyLifeDescription } from "@pericard/server";
import { DAY_MS } from "./pace.ts";
import type { LifeEvent } from "./plan.ts";
import type { MonthByClockFigures } from "./month-by-clock.ts";

/** Where a terminal's keys were at a contact. */
export interface LifePoint {
  /** Milliseconds since the life began. */
  readonly atMs: number;
  readonly cycle: number;
  readonly index: number;
  readonly maximum: number;
  /** Key that the month by the terminal's clock names. */
  readonly monthKey: number;
}

/** The clock attack of a life: somebody steps the clock through ten years. */
export interface ClockAttack {
  /** Segments that were sealed meanwhile. */
  readonly segments: number;
  /** Keys of the month by clock under which they would be: seen before their time. */
  readonly keysByClock: number;
  /** Keys under which they were: by use count. */
  readonly keysByUseCount: number;
}

export interface LifeReport {
  readonly years: number;
  readonly seed: number;
  /** Keys of which a use was taken; the same index in another cycle is another key. */
  readonly keysUsed: number;
  /** How often all 120 keys were gone through. 0: the keys lasted. */
  readonly cycles: number;
  /** Changes of the maximum that the terminal took. */
  readonly changes: number;
  /** Power cuts. */
  readonly crashes: number;
  /** Keys and nonces that were in use twice. */
  readonly repeatedKeyNonces: number;
  readonly uses: number;
  /** Uses that were taken again after a copy of the terminal was put back: each with another salt. */
  readonly repeatedUses: number;
  /** Copies put back, and how many of them the server reported before the next one. */
  readonly restores: number;
  readonly restoresReported: number;
  /** Alarms of the server by kind. */
  readonly alarms: Readonly<Record<string, number>>;
  /** Changes that the server began, and the most of them in any 30 days. */
  readonly changesBegun: number;
  readonly changesIn30DaysMax: number;
  readonly serverRestarts: number;
  readonly wrongClocks: number;
  readonly offlineDays: number;
  /** Uses that were sealed for real, and those of them that the server opened and acknowledged. */
  readonly segmentsSealed: number;
  readonly segmentsOpened: number;
  /** Messages by which the server refused a segment. */
  readonly segmentsRefused: number;
  /** Years from the beginning after which the last key of this cycle ends, as the server forecasts; null without a pace. */
  readonly keysEndYears: number | null;
  readonly monthByClock: MonthByClockFigures & { readonly attack: ClockAttack };
}

/** A report with what a picture of it needs. */
export interface LivedLife {
  readonly report: LifeReport;
  readonly points: readonly LifePoint[];
  readonly events: readonly LifeEvent[];
  /** When power went, and when a change was taken, in milliseconds since the life began. */
  readonly crashesAtMs: readonly number[];
  readonly changesAtMs: readonly number[];
}

/** Whether a life kept its promises. */
export function isSound(report: LifeReport): boolean {
  const { repeatedKeyNonces, restores, restoresReported, segmentsSealed, segmentsOpened, segmentsRefused } = report;
  const isOpened = segmentsOpened === segmentsSealed && segmentsRefused === 0;
  return repeatedKeyNonces === 0 && restoresReported === restores && isOpened;
}

/** The most changes that began in any 30 days. */
export function mostIn30Days(changes: KeyLifeDescription["changes"]): number {
  const begun = changes.map(({ begunAtUnixMs }) => begunAtUnixMs);
  return Math.max(0, ...begun.map((from) => begun.filter((at) => at >= from && at < from + 30 * DAY_MS).length));
}

/** How many times were followed by an alarm before the next of them. */
export function reportedCount(restoresAtMs: readonly number[], alarmsAtMs: readonly number[]): number {
  return restoresAtMs.filter((from, i) => {
    const until = restoresAtMs[i + 1] ?? Number.POSITIVE_INFINITY;
    return alarmsAtMs.some((at) => at >= from && at < until);
  }).length;
}
