/** Paper A's attack experiment: running it, and telling of it. */
import type { AttackReport, AttackRow } from "@pericard/lab";
import { CliError } from "../errors.ts";
import { outputFor, table } from "../output.ts";
import { stopSignal } from "../stop-signal.ts";
import { numberOption } from "../terminal-source.ts";

interface AttackOptions {
  readonly bits: string;
  readonly picture?: string;
  readonly json?: boolean;
}

/** Exit code after a signal, as shells have it for SIGINT. */
const STOPPED = 130;

const HEAD = ["attack", "target", "succeeded", "theory", "why"] as const;
const SEARCH_HEAD = ["2^56 keys by", "keys/s", "one key", "first of 120", "of 10 devices in 100 h", "all 120"] as const;

function cells({ attack, target, succeeded, expected, why }: AttackRow): string[] {
  const theory = succeeded === expected ? "agrees" : "DISAGREES";
  return [attack, target, succeeded ? "yes" : "no", theory, why];
}

function hoursText(hours: number): string {
  const years = hours / 8766;
  if (years >= 1) return `${years.toPrecision(2)} years`;
  return hours >= 48 ? `${(hours / 24).toFixed(1)} days` : `${hours.toFixed(1)} h`;
}

function searchLines({ keySearch }: AttackReport): readonly string[] {
  const { extrapolated, money } = keySearch;
  const rows = extrapolated.map((row) => [
    row.machine,
    row.keysPerSecond.toPrecision(3),
    hoursText(row.hoursForOne),
    hoursText(row.hoursForFirstOf120),
    row.devicesOfTenForOne.toPrecision(2),
    row.devicesOfTenFor120.toPrecision(2),
  ]);
  const { usdForOne, usdForFirstOf120, usdForAll120 } = money;
  return [
    ...table(SEARCH_HEAD, rows),
    `On hired cards, at 30 USD for all 2^56: ${usdForOne} USD for one key, ${usdForFirstOf120.toFixed(2)} for the first of 120, ${usdForAll120} for all 120.`,
  ];
}

function lines(report: AttackReport): readonly string[] {
  const wrong = report.rows.filter(({ succeeded, expected }) => succeeded !== expected).length;
  return [
    ...table(HEAD, report.rows.map(cells)),
    "",
    ...searchLines(report),
    "",
    wrong === 0 ? "Every attack went as theory says." : `${wrong} attacks did not go as theory says.`,
  ];
}

/** Runs every attack. */
export async function attack({ bits: bitsText, picture, ...options }: AttackOptions): Promise<void> {
  const output = outputFor(options);
  const bits = numberOption("bits", bitsText, 8, 28);
  if (!Number.isInteger(bits)) throw new CliError("ERR_USAGE", "--bits is not a whole number");
  const { requirePicture, runAttackLab, writePicture } = await import("@pericard/lab");
  if (picture !== undefined) requirePicture(picture);
  const signal = stopSignal();
  try {
    const { picture: svg, ...report } = await runAttackLab({ bits, signal, onProgress: output.progress });
    if (picture !== undefined) writePicture(picture, svg);
    output.result({ ...report, picture: picture ?? null }, lines({ ...report, picture: svg }));
    if (!report.asExpected) process.exitCode = 1;
  } catch (error) {
    if (!signal.aborted) throw error;
    output.note("stopped");
    process.exitCode = STOPPED;
  }
}
