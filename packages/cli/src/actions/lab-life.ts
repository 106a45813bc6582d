/** A terminal's ten years: living them, and telling of them. */
import type { LifeReport } from "@pericard/lab";
import { writeFileSync } from "node:fs";
import { outputFor, table } from "../output.ts";
import { numberOption } from "../terminal-source.ts";

interface LifeCommandOptions {
  readonly years: string;
  readonly seed: string;
  readonly picture?: string;
  readonly json?: boolean;
}

const DAYS_PER_YEAR = 365.25;
const DAY_MS = 24 * 3600 * 1000;
const SEED_MAX = 2 ** 32 - 1;

function lines(report: LifeReport): readonly string[] {
  const { alarms, monthByClock, keysEndYears } = report;
  const { attack } = monthByClock;
  const told = Object.entries(alarms).map(([kind, count]) => `${kind} ${count}`);
  const rows = [
    [
      "uses",
      `${report.uses}, of them ${report.segmentsSealed} sealed and ${report.segmentsOpened} opened by the server`,
    ],
    ["keys used", `${report.keysUsed}; cycles gone through: ${report.cycles}`],
    ["keys end", keysEndYears === null ? "not known" : `after ${keysEndYears} years, as the server forecasts`],
    ["maximum", `changed ${report.changes} times, at most ${report.changesIn30DaysMax} begun in 30 days`],
    ["power cuts", `${report.crashes}; server restarts: ${report.serverRestarts}`],
    ["no network", `${report.offlineDays} days`],
    [
      "copies put back",
      `${report.restores}, reported: ${report.restoresReported}; uses taken again: ${report.repeatedUses}`,
    ],
    ["alarms", told.join(", ") || "none"],
    ["key and nonce twice", `${report.repeatedKeyNonces}`],
  ];
  const beside = [
    ["keys used", `${monthByClock.keysUsed}`],
    ["used before their month", `${monthByClock.keysUsedEarly}`],
    ["in use again", `${monthByClock.keysUsedAgain} times`],
    ["under another key than the server's", `${monthByClock.segmentsUnderWrongKey} segments`],
    ["one key without a break", `${monthByClock.longestKeyDays} days`],
    ["clock attack", `${attack.segments} segments, ${attack.keysByClock} keys; by use count ${attack.keysByUseCount}`],
  ];
  return [
    ...table([`${report.years} years`, `seed ${report.seed}`], rows),
    "",
    ...table(
      ["the month by the clock", `the paper's rule beside it; ${report.wrongClocks} wrong settings of the clock`],
      beside,
    ),
  ];
}

/** Lives a life. The exit code is 1 when it broke a promise. */
export async function life(options: LifeCommandOptions): Promise<void> {
  const output = outputFor(options);
  const years = numberOption("years", options.years, 0.05, 100);
  const seed = Math.floor(numberOption("seed", options.seed, 0, SEED_MAX));
  const { drawLife, isSound, liveLife } = await import("@pericard/lab");
  let tenths = 0;
  const lived = await liveLife({ years, seed }, (doneMs, { cycle, index }) => {
    const share = doneMs / (years * DAYS_PER_YEAR * DAY_MS);
    output.progress(`${(100 * share).toFixed(0)} %: cycle ${cycle}, key ${index}`);
    if (10 * share < tenths + 1) return;
    tenths = Math.floor(10 * share);
    output.note(`${(years * share).toFixed(1)} years: cycle ${cycle}, key ${index}`);
  });
  if (options.picture !== undefined) writeFileSync(options.picture, drawLife(lived));
  output.result(lived.report, lines(lived.report));
  if (!isSound(lived.report)) process.exitCode = 1;
}
