/** Ticks at round times of the reader's clock: whole hours, midnights, firsts of months. */
import type { TimeWindow } from "./time-range.ts";
import { DAY_MS } from "./time-range.ts";

/** One tick. */
export interface ClockTick {
  readonly unixMs: number;
  /** `14:00` within a day, `Fri 20 Nov` at its begin, `Nov 2026` at that of a month. */
  readonly text: string;
  /** Begins a day, or a month where days have no ticks. */
  readonly bold: boolean;
}

const HOUR_STEPS: readonly number[] = [1, 2, 3, 6, 12];
const DAY_STEPS: readonly number[] = [1, 2, 5, 10];
const MONTH_STEPS: readonly number[] = [1, 2, 3, 6, 12];
const HOUR_MS = 3_600_000;
const MONTH_MS = 30.44 * DAY_MS;
const COUNT_MAX = 400;

/** Ticks of a window whose labels are at least `spacingPx` apart. */
export function clockTicks(window: TimeWindow, pxPerMs: number, spacingPx: number): ClockTick[] {
  const leastMs = spacingPx / pxPerMs;
  const hours = HOUR_STEPS.find((step) => step * HOUR_MS >= leastMs);
  if (hours !== undefined) return walk(window, dayStart(window.fromUnixMs), (at) => nextHour(at, hours), hourText);
  const days = DAY_STEPS.find((step) => step * DAY_MS >= leastMs);
  if (days !== undefined) return walk(window, dayStart(window.fromUnixMs), (at) => nextDay(at, days), dayText);
  const months = MONTH_STEPS.find((step) => step * MONTH_MS >= leastMs) ?? 12 * Math.ceil(leastMs / MONTH_MS / 12);
  return walk(window, monthStart(window.fromUnixMs), (at) => nextMonth(at, months), monthText);
}

type Label = (at: Date) => Pick<ClockTick, "text" | "bold">;

function walk({ fromUnixMs, toUnixMs }: TimeWindow, first: Date, next: (at: Date) => Date, label: Label): ClockTick[] {
  const ticks: ClockTick[] = [];
  for (let at = first; at.getTime() <= toUnixMs && ticks.length < COUNT_MAX; at = next(at)) {
    if (at.getTime() >= fromUnixMs) ticks.push({ unixMs: at.getTime(), ...label(at) });
  }
  return ticks;
}

/** The next hour that is a multiple of `step`; where clocks change, the next midnight sets it right. */
function nextHour(at: Date, step: number): Date {
  const hour = at.getHours() + step - (at.getHours() % step);
  const next = new Date(at.getFullYear(), at.getMonth(), at.getDate(), hour);
  return next.getTime() > at.getTime() ? next : new Date(at.getTime() + step * HOUR_MS);
}

function dayStart(unixMs: number): Date {
  const at = new Date(unixMs);
  return new Date(at.getFullYear(), at.getMonth(), at.getDate());
}

/** A month begins the count anew, so that ticks stay where they are while days pass. */
function nextDay(at: Date, step: number): Date {
  const next = new Date(at.getFullYear(), at.getMonth(), at.getDate() + step - ((at.getDate() - 1) % step));
  const isCrowded = step > 1 && next.getMonth() === at.getMonth() && daysLeft(next) < step / 2;
  return isCrowded || next.getMonth() !== at.getMonth() ? new Date(at.getFullYear(), at.getMonth() + 1, 1) : next;
}

function daysLeft(at: Date): number {
  return new Date(at.getFullYear(), at.getMonth() + 1, 0).getDate() - at.getDate() + 1;
}

function monthStart(unixMs: number): Date {
  return new Date(new Date(unixMs).getFullYear(), 0, 1);
}

function nextMonth(at: Date, step: number): Date {
  return new Date(at.getFullYear(), at.getMonth() + step, 1);
}

function hourText(at: Date): Pick<ClockTick, "text" | "bold"> {
  if (at.getHours() === 0)
    return { text: written(at, { weekday: "short", day: "numeric", month: "short" }), bold: true };
  return { text: written(at, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }), bold: false };
}

function dayText(at: Date): Pick<ClockTick, "text" | "bold"> {
  return { text: written(at, { day: "numeric", month: "short" }), bold: at.getDate() === 1 };
}

function monthText(at: Date): Pick<ClockTick, "text" | "bold"> {
  return { text: written(at, { month: "short", year: "numeric" }), bold: at.getMonth() === 0 };
}

function written(at: Date, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat("en-GB", options).format(at).replace(",", "");
}
