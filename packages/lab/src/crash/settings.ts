/** What the environment says about a run of the crash tests. */
import { randomInt } from "node:crypto";
import { join, resolve } from "node:path";

/** Kills of each program, `PERICARD_KILLS`; 10 unless given. */
export const KILL_COUNT = Number(process.env["PERICARD_KILLS"] ?? 10);

/** Power cuts on each file system, `PERICARD_CUTS`; 5 unless given. */
export const CUT_COUNT = Number(process.env["PERICARD_CUTS"] ?? 5);

/** Whether the endurance test carries a whole day, `PERICARD_DAY=1`. */
export const WHOLE_DAY = process.env["PERICARD_DAY"] === "1";

/** The seed of this run, `PERICARD_SEED`; drawn unless given. Every failure names it. */
export const SEED = Number(process.env["PERICARD_SEED"] ?? randomInt(2 ** 32));

const DATA = process.env["PERICARD_ECG_DATA"] ?? join(import.meta.dirname, "../../../../../shared/data/ecg");

/** Header of a record of the ECG data folder, such as `mitdb/100`. */
export function recordPath(name: string): string {
  return join(resolve(DATA), `${name}.hea`);
}
