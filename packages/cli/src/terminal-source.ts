/** The source that the options of `pericard terminal record` name. */
import { rationalFromDecimal } from "@pericard/ecg";
import { systemRandom } from "@pericard/crypto";
import {
  asPublicTestData,
  createPlethLive,
  createStreamSource,
  createSyntheticFile,
  createSyntheticLive,
  openWfdbSource,
  recordAgain,
  systemClock,
  type Source,
} from "@pericard/terminal";
import { CliError } from "./errors.ts";

/** Options that name a source. */
export interface SourceOptions {
  readonly record?: string;
  readonly again?: boolean;
  readonly publicTestData?: boolean;
  readonly synthetic?: boolean;
  readonly pleth?: boolean;
  readonly seed: string;
  readonly heartRate: string;
  readonly hours?: string;
  readonly stdin?: boolean;
  readonly leads?: string;
  readonly rate?: string;
  readonly gain: string;
  readonly baseline: string;
  readonly units: string;
}

/** A number of an option. @throws {CliError} ERR_USAGE when it is none or out of range. */
export function numberOption(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value < min || value > max) {
    throw new CliError("ERR_USAGE", `--${name} is not a number from ${min} to ${max}`);
  }
  return value;
}

function heartOf({ seed, heartRate }: SourceOptions): { readonly seed: number; readonly heartRateBpm: number } {
  return {
    seed: numberOption("seed", seed, 0, 0xffff_ffff),
    heartRateBpm: numberOption("heart-rate", heartRate, 20, 220),
  };
}

function syntheticSource(options: SourceOptions): Source {
  const described = heartOf(options);
  if (options.hours === undefined) return createSyntheticLive(described, systemClock);
  const hours = numberOption("hours", options.hours, 0.0001, 240);
  return createSyntheticFile(described, Math.round(hours * 3600 * 500));
}

function stdinSource({ leads, rate, gain, baseline, units }: SourceOptions): Source {
  if (leads === undefined || rate === undefined) throw new CliError("ERR_USAGE", "--stdin needs --leads and --rate");
  const frameRateHz = rationalFromDecimal(rate);
  if (!frameRateHz) throw new CliError("ERR_USAGE", "--rate is not a decimal number above 0");
  return createStreamSource(process.stdin, {
    frameRateHz,
    leadNames: leads.split(","),
    gainAduPerUnit: gain,
    baselineAdu: numberOption("baseline", baseline, -(2 ** 31), 2 ** 31 - 1),
    units,
  });
}

/** Opens the source. @throws {CliError} ERR_USAGE unless exactly one is named; what the source throws. */
export async function openSource(options: SourceOptions): Promise<Source> {
  const named = [options.record !== undefined, options.synthetic === true, options.stdin === true].filter(Boolean);
  if (named.length !== 1) throw new CliError("ERR_USAGE", "name one source: --record FILE.hea, --synthetic or --stdin");
  if (options.synthetic) return syntheticSource(options);
  const source = options.stdin ? stdinSource(options) : await recordSource(options);
  return options.publicTestData ? asPublicTestData(source) : source;
}

/** The sources of a recording's streams, the first as {@link openSource}. @throws {CliError} ERR_USAGE as that. */
export async function openSources(options: SourceOptions): Promise<readonly [Source, ...Source[]]> {
  const source = await openSource(options);
  if (!options.pleth) return [source];
  if (!options.synthetic || source.kind !== "live") throw new CliError("ERR_USAGE", "--pleth needs a live --synthetic");
  return [source, createPlethLive(heartOf(options), systemClock)];
}

async function recordSource({ record, again }: SourceOptions): Promise<Source> {
  const source = await openWfdbSource(record ?? "");
  return again ? recordAgain(source, systemRandom(16)) : source;
}
