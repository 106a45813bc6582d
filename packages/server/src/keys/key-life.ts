/** A terminal's key life as people read it: how far its keys are used, what was changed, what went wrong, when they end. */
import type { KeyLife } from "@pericard/custody";
import { KEYS_PER_BLOCK, USE_COUNT_MAX, type KeyUse, type TerminalId } from "@pericard/protocol";
import { DAY_MS, lastDone, paceOf, TARGET_LIFE_DAYS, usesBetween } from "./key-policy.ts";

/** Latest time that a forecast names, as a date can be: the year 9999. */
const FORECAST_MAX_UNIX_MS = 253_370_764_800_000;

/** Everything in it can be written as JSON. */
export function describeKeyLife(serial: TerminalId, { marks, changes, alarms }: KeyLife, nowUnixMs: number) {
  const mark = marks.at(-1);
  const done = lastDone(changes);
  const maximum = done?.maximum ?? USE_COUNT_MAX.standard;
  const perDay = paceOf(marks, alarms, nowUnixMs);
  return {
    terminalSerial: serial,
    /** The next use as far as the server knows; null before the first contact. */
    next: mark ? placeOf(mark) : null,
    seenAtUnixMs: mark?.atUnixMs ?? null,
    usedCount: mark?.usedCount ?? 0,
    maximum,
    version: done?.version ?? 0,
    usesPerDay: perDay,
    keysEndAtUnixMs: mark && perDay ? forecast(mark, maximum, perDay, nowUnixMs) : null,
    targetLifeDays: TARGET_LIFE_DAYS,
    changes: changes.map((change) => ({
      version: change.version,
      state: change.state,
      maximum: change.maximum,
      code: change.code,
      begunAtUnixMs: change.begunAtUnixMs,
      orderedAtUnixMs: change.orderedAtUnixMs,
      endedAtUnixMs: change.endedAtUnixMs,
      effectiveFrom: change.effectiveFrom,
      taken: change.taken,
    })),
    alarms: [...alarms],
  };
}

export type KeyLifeDescription = ReturnType<typeof describeKeyLife>;

/** When the last of the 120 keys of this cycle is used up, at the pace that was seen. */
function forecast(mark: KeyUse, maximum: number, perDay: number, nowUnixMs: number): number | null {
  const end = { cycle: mark.cycle, index: KEYS_PER_BLOCK, use: 0 };
  const unixMs = nowUnixMs + (usesBetween(mark, end, maximum) / perDay) * DAY_MS;
  return unixMs <= FORECAST_MAX_UNIX_MS ? Math.round(unixMs) : null;
}

function placeOf({ cycle, index, use }: KeyUse): KeyUse {
  return { cycle, index, use };
}
