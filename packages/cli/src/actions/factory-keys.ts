/** `pericard factory keys`: the life of one terminal's keys, as the key store has it. */
import { TerminalId } from "@pericard/protocol";
import { describeKeyLife, type KeyLifeDescription } from "@pericard/server";
import { CliError } from "../errors.ts";
import { withData, type InstallationOptions } from "../installation.ts";
import { outputFor, table } from "../output.ts";

interface Options extends InstallationOptions {
  readonly json?: boolean;
}

/** Shows one terminal's keys. @throws {CliError} ERR_USAGE when the serial number is none. */
export async function keys(serialText: string, options: Options): Promise<void> {
  const serial = readSerial(serialText);
  const life = await withData(options, ({ store }) => describeKeyLife(serial, store.keyLife(serial), Date.now()));
  outputFor(options).result(life, linesOf(life));
}

function readSerial(text: string): TerminalId {
  if (/^[0-9a-f]{12}$/.test(text)) return TerminalId.parse(text);
  throw new CliError("ERR_USAGE", "serial number: expected 12 hexadecimal characters");
}

function linesOf(life: KeyLifeDescription): readonly string[] {
  const { next, seenAtUnixMs, maximum, version, usedCount, usesPerDay, keysEndAtUnixMs, changes, alarms } = life;
  const facts = [
    ["terminal", life.terminalSerial],
    ["next use", next ? `${placeText(next)}, not before` : "not seen yet"],
    ["uses of one key", `${maximum} at most (${version === 0 ? "as deployed" : `change ${version}`})`],
    ["used so far", String(usedCount)],
    ["pace", usesPerDay === null ? "known after a week" : `${usesPerDay.toFixed(1)} uses a day`],
    ["keys end", keysEndAtUnixMs === null ? "not known yet" : `about ${timeText(keysEndAtUnixMs).slice(0, 10)}`],
    ["last kept", timeText(seenAtUnixMs)],
  ];
  return [
    ...facts.map(([name = "", value = ""]) => `${name.padEnd(17)}${value}`),
    "",
    ...(changes.length === 0 ? ["no changes"] : table(CHANGE_HEAD, changes.map(changeRow))),
    "",
    ...(alarms.length === 0 ? ["no alarms"] : table(ALARM_HEAD, alarms.map(alarmRow))),
  ];
}

const CHANGE_HEAD = ["change", "maximum", "state", "begun", "ended", "taken at", "why not"];
const ALARM_HEAD = ["alarm", "at", "what"];

function changeRow(change: KeyLifeDescription["changes"][number]): readonly string[] {
  const { version, maximum, state, begunAtUnixMs, endedAtUnixMs, taken, code } = change;
  return [
    String(version),
    String(maximum),
    state,
    timeText(begunAtUnixMs),
    timeText(endedAtUnixMs),
    taken ? placeText(taken) : "-",
    code ?? "",
  ];
}

function alarmRow({ kind, atUnixMs, detail }: KeyLifeDescription["alarms"][number]): readonly string[] {
  return [kind, timeText(atUnixMs), detail];
}

/** Indexes as the format counts them, from 0. */
function placeText({ cycle, index, use }: NonNullable<KeyLifeDescription["next"]>): string {
  return `cycle ${cycle} key ${index} use ${use}`;
}

function timeText(unixMs: number | null): string {
  return unixMs === null ? "-" : new Date(unixMs).toISOString().slice(0, 19).replace("T", " ");
}
