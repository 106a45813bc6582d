/** What befalls a terminal in its life: drawn from a seed, in the order of time. Pure. */
import { Seeded } from "../crash/seeded.ts";
import { BEGIN_UNIX_MS, RIGHT_CLOCK, type ClockSetting } from "./clock.ts";
import { DAY_MS, HOUR_MS, PHASES, type Pace } from "./pace.ts";

/** Days of a year, as in "ten years are 3,652.5 days". */
export const YEAR_MS = 365.25 * DAY_MS;

/** Hours between two contacts that reach the server. A terminal asks far more often; its other contacts are only counted. */
export const CONTACT_MS = 12 * HOUR_MS;

/** Months through which somebody steps the clock, one segment each: the paper's "detect the subsequent ciphertext form". */
export const ATTACK_MONTHS = 120;
const ATTACK_STEP_MS = 10_000;

/** When power goes: at rest, or before or after the next write of the counters reached the medium. */
export type CutMoment = "at rest" | "before write" | "after write";

export type LifeEvent = { readonly atMs: number } & (
  | { readonly kind: "contact" | "copy" | "restore" | "server restart" | "end" }
  | { readonly kind: "cut"; readonly moment: CutMoment; readonly offMs: number }
  | { readonly kind: "clock"; readonly clock: ClockSetting }
  | { readonly kind: "attack"; readonly state: "begins" | "ends" }
  | { readonly kind: "network"; readonly state: "down" | "up" }
  | { readonly kind: "pace"; readonly pace: Pace }
);

/** A life. */
export interface LifePlan {
  readonly lengthMs: number;
  readonly events: readonly LifeEvent[];
}

/** Draws a life of so many years, 0.05 at least. The same seed gives the same life. */
export function planLife(years: number, seed: number): LifePlan {
  const lengthMs = Math.round(years * YEAR_MS);
  const seeded = new Seeded(seed);
  const attackMs = Math.floor((0.5 * lengthMs) / DAY_MS) * DAY_MS + 12 * HOUR_MS;
  const attack = planAttack(attackMs);
  const events = [
    ...planPaces(lengthMs),
    ...planContacts(lengthMs),
    ...planCuts(seeded, lengthMs, Math.max(8, Math.round(30 * years))),
    ...planCopies(seeded, lengthMs, Math.max(2, Math.round(years / 2))),
    ...planNetwork(seeded, lengthMs, Math.max(2, Math.round(years))),
    ...planClocks(seeded, lengthMs, Math.max(3, Math.round(2 * years))),
    ...planServerRestarts(seeded, lengthMs, Math.max(1, Math.round(years / 2))),
  ].filter(({ atMs, kind }) => kind !== "cut" || Math.abs(atMs - attackMs) > 3 * DAY_MS);
  const all = [...events, ...attack].filter(({ atMs }) => atMs < lengthMs);
  const end = { atMs: lengthMs, kind: "end" } as const;
  return { lengthMs, events: [...all.toSorted((a, b) => a.atMs - b.atMs), end] };
}

function planPaces(lengthMs: number): LifeEvent[] {
  let share = 0;
  return PHASES.map(({ share: part, pace }) => {
    const atMs = Math.round(share * lengthMs);
    share += part;
    return { atMs, kind: "pace", pace };
  });
}

function planContacts(lengthMs: number): LifeEvent[] {
  return Array.from({ length: Math.floor((lengthMs - 1) / CONTACT_MS) }, (_, i) => ({
    atMs: (i + 1) * CONTACT_MS,
    kind: "contact",
  }));
}

/** Power is mostly back in minutes, sometimes after days. */
function planCuts(seeded: Seeded, lengthMs: number, count: number): LifeEvent[] {
  return times(count).map(() => {
    const offMs = seeded.between(1, 10) === 1 ? seeded.between(1, 48) * HOUR_MS : seeded.between(20_000, HOUR_MS);
    const moment = seeded.pick<CutMoment>(["at rest", "before write", "after write"]);
    return { atMs: seeded.between(1, lengthMs - 1), kind: "cut", moment, offMs };
  });
}

/** A copy of the terminal's disk is taken, and put back days to weeks later. */
function planCopies(seeded: Seeded, lengthMs: number, count: number): LifeEvent[] {
  const slotMs = lengthMs / count;
  return times(count).flatMap((i): LifeEvent[] => {
    const atMs = Math.floor(slotMs * i + seeded.between(10, 30) * 0.01 * slotMs);
    const laterMs = Math.min(seeded.between(3, 45) * DAY_MS, Math.floor(slotMs / 3));
    return [
      { atMs, kind: "copy" },
      { atMs: atMs + laterMs, kind: "restore" },
    ];
  });
}

/** The gateway loses its upstream: days, weeks, and once for months. */
function planNetwork(seeded: Seeded, lengthMs: number, count: number): LifeEvent[] {
  const slotMs = lengthMs / count;
  return times(count).flatMap((i): LifeEvent[] => {
    const days = i === 1 ? seeded.between(90, 150) : seeded.between(2, 40);
    const atMs = Math.floor(slotMs * i + seeded.between(5, 40) * 0.01 * slotMs);
    return [
      { atMs, kind: "network", state: "down" },
      { atMs: atMs + Math.min(days * DAY_MS, Math.floor(slotMs / 2)), kind: "network", state: "up" },
    ];
  });
}

/** The clock goes wrong, and is set right after days or weeks. */
function planClocks(seeded: Seeded, lengthMs: number, count: number): LifeEvent[] {
  const slotMs = lengthMs / count;
  return times(count).flatMap((i): LifeEvent[] => {
    const sinceMs = Math.floor(slotMs * (i + 0.1));
    const rightMs = sinceMs + Math.min(seeded.between(2, 120) * DAY_MS, Math.floor(slotMs / 2));
    const rate = 1 + seeded.between(-100, 100) * 1e-6;
    return [clockEvent(wrongClock(seeded, i, sinceMs)), clockEvent({ sinceMs: rightMs, claimMs: rightMs, rate })];
  });
}

/** Years ahead, years back, at rest, a month ahead, and as a battery that failed leaves it: 16 years before the life. */
function wrongClock(seeded: Seeded, turn: number, sinceMs: number): ClockSetting {
  const years = seeded.between(1, 12) * YEAR_MS;
  const wrong: readonly ClockSetting[] = [
    { sinceMs, claimMs: sinceMs + years, rate: 1 },
    { sinceMs, claimMs: sinceMs - years, rate: 1 },
    { sinceMs, claimMs: sinceMs, rate: 0 },
    { sinceMs, claimMs: sinceMs + 31 * DAY_MS, rate: 1 },
    { sinceMs, claimMs: -16 * YEAR_MS, rate: 1 },
  ];
  return wrong[turn % wrong.length] ?? RIGHT_CLOCK;
}

/** Somebody steps the clock through the natural months of ten years, then leaves it a year back for thirty days. */
function planAttack(atMs: number): LifeEvent[] {
  const today = new Date(BEGIN_UNIX_MS + atMs);
  const steps = times(ATTACK_MONTHS).map((month) => {
    const sinceMs = atMs + month * ATTACK_STEP_MS;
    const set = Date.UTC(today.getUTCFullYear(), today.getUTCMonth() + month, 15);
    return clockEvent({ sinceMs, claimMs: set - BEGIN_UNIX_MS, rate: 1 });
  });
  const endMs = atMs + ATTACK_MONTHS * ATTACK_STEP_MS;
  return [
    { atMs, kind: "attack", state: "begins" },
    ...steps,
    { atMs: endMs, kind: "attack", state: "ends" },
    clockEvent({ sinceMs: endMs, claimMs: endMs - YEAR_MS, rate: 1 }),
    clockEvent({ sinceMs: endMs + 30 * DAY_MS, claimMs: endMs + 30 * DAY_MS, rate: 1 }),
  ];
}

function planServerRestarts(seeded: Seeded, lengthMs: number, count: number): LifeEvent[] {
  return times(count).map(() => ({ atMs: seeded.between(1, lengthMs - 1), kind: "server restart" }));
}

const clockEvent = (clock: ClockSetting): LifeEvent => ({ atMs: clock.sinceMs, kind: "clock", clock });

const times = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);
