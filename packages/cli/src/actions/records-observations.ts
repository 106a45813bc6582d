/** `pericard records observations`: a patient's observations as CSV or as lines of JSON, newest first. */
import type { DescribedObservation, ObservationsWish } from "@pericard/server";
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { CliError } from "../errors.ts";
import { outputFor } from "../output.ts";
import { signIn, type RecordsOptions } from "./records.ts";

interface ObservationsOptions extends RecordsOptions {
  readonly patient: string;
  readonly code?: string;
  readonly from?: string;
  readonly to?: string;
  readonly format: string;
  readonly out: string;
}

const COLUMNS = "time,time_certainty,arrived,code,name,value,unit,suspect,device,terminal,recording,observation";

/** A cell as RFC 4180 has it. What a spreadsheet would take for a formula begins with an apostrophe. */
function cell(text: string): string {
  const harmless = /^[=+@\t\r-]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

const isoOf = (unixMs: number | null): string => (unixMs === null ? "" : new Date(unixMs).toISOString());

/** One line for each value. Numbers are as their device gave them. */
function csvLines(one: DescribedObservation): readonly string[] {
  const before = [isoOf(one.time.unixMs), one.time.certainty, isoOf(one.arrivedAtUnixMs)];
  const after = [cell(one.device ?? ""), one.terminalSerial, one.recordingId, one.id];
  return one.components.map(({ code, name, value, unit, suspect }) =>
    [...before, code, name ?? "", value, cell(unit), String(suspect), ...after].join(","),
  );
}

const WRITERS: Readonly<Record<string, { head: readonly string[]; lines: typeof csvLines }>> = {
  csv: { head: [COLUMNS], lines: csvLines },
  json: { head: [], lines: (one) => [JSON.stringify(one)] },
};

function timeOf(name: string, text: string | undefined): number | undefined {
  const unixMs = text === undefined ? 0 : Date.parse(text);
  if (Number.isNaN(unixMs)) throw new CliError("ERR_USAGE", `--${name} is not a time, as 2026-03-01T08:00:00Z`);
  return text === undefined ? undefined : unixMs;
}

/** Writes a file under a temporary name, and puts it in place when it is whole. */
async function writeWhole(path: string, lines: AsyncIterable<readonly string[]>): Promise<void> {
  const temporary = `${path}.tmp`;
  const descriptor = openSync(temporary, "w", 0o600);
  try {
    for await (const some of lines) if (some.length > 0) writeSync(descriptor, `${some.join("\n")}\n`);
    fsyncSync(descriptor);
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new CliError("ERR_EXPORT", "observations could not be exported", { cause });
  } finally {
    closeSync(descriptor);
  }
}

/** Exports what the account may read. */
export async function observations(options: ObservationsOptions): Promise<void> {
  const { patient: wanted, code, format, out } = options;
  const writer = WRITERS[format];
  if (!writer) throw new CliError("ERR_USAGE", `--format is none of ${Object.keys(WRITERS).join(", ")}`);
  const wish: ObservationsWish = {
    code,
    from: timeOf("from", options.from),
    to: timeOf("to", options.to),
    limit: 1000,
  };
  const output = outputFor(options);
  const client = await signIn(options);
  const patient = (await client.patients()).find(({ id, name }) => id === wanted || name === wanted);
  if (!patient) throw new CliError("ERR_USAGE", "--patient is no patient that this account may see");
  let [count, unreadableSegments] = [0, 0];
  async function* lines(): AsyncGenerator<readonly string[]> {
    yield writer?.head ?? [];
    for await (const page of client.allObservations(patient?.id ?? "", wish)) {
      count += page.observations.length;
      unreadableSegments += page.unreadableSegments;
      output.progress(`exporting, ${count} observations`);
      yield page.observations.flatMap((one) => writer?.lines(one) ?? []);
    }
  }
  await writeWhole(out, lines());
  const unreadable = unreadableSegments > 0 ? [`${unreadableSegments} segments hold no observations`] : [];
  output.result({ out, observations: count, unreadableSegments }, [
    `wrote ${count} observations to ${out}`,
    ...unreadable,
  ]);
}
