/** `pericard factory`: draws the master key sequence, deploys terminals and verifies them. */
import { systemRandom } from "@pericard/crypto";
import {
  deployTerminals,
  openSequence,
  verifyTerminals,
  type DeploymentReport,
  type Factory,
  type UnknownTerminalReport,
} from "@pericard/factory";
import { lockFolder, openDiskFolder } from "@pericard/framelog";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { CliError } from "../errors.ts";
import { withData, type InstallationOptions, type OpenedInstallation } from "../installation.ts";
import { bar, bytesText, outputFor, table } from "../output.ts";
import { numberOption } from "../terminal-source.ts";
import { deployPaperTerminals, isPaperSuite, tenantOf, type SuiteOptions } from "../suite-option.ts";
import { placesOf, type TrsmOptions } from "../trsm-option.ts";

interface Options extends InstallationOptions {
  readonly json?: boolean;
}

interface InitOptions extends Options {
  readonly terminals: string;
}

interface DeployOptions extends Options, TrsmOptions, SuiteOptions {
  readonly out: string;
  readonly count: string;
  readonly target: string;
  readonly token: string;
}

const TERMINALS_MAX = 8_388_608;
const BLOCK_BYTES = 960;
/** Folder of the master key sequence, in the server's data folder. */
export const SEQUENCE_FOLDER = "factory";

/** Runs work on the factory of an installation, alone: no two processes draw from one sequence. */
export function withFactory<T>(
  options: InstallationOptions,
  work: (factory: Factory, opened: OpenedInstallation) => T,
): Promise<T> {
  return withData(options, (opened) => {
    const path = join(options.data, SEQUENCE_FOLDER);
    const lock = lockFolder(path);
    try {
      const { store } = opened;
      return work({ store, sequenceFolder: openDiskFolder(path), random: systemRandom, nowUnixMs: Date.now }, opened);
    } finally {
      lock.release();
    }
  });
}

type Reported = (DeploymentReport | UnknownTerminalReport) & { readonly folder: string };

function report(options: Options, reports: readonly Reported[]): void {
  const rows = reports.map((one) => [
    one.serial ?? "-",
    one.state,
    one.verified ? "yes" : "no",
    one.code ?? "",
    one.folder,
  ]);
  const lines = table(["terminal", "state", "verified", "why not", "folder"], rows);
  const failed = reports.filter(({ verified }) => !verified).length;
  outputFor(options).result({ terminals: reports, failed }, lines);
  if (failed > 0) process.exitCode = 1;
}

/** @throws {CliError} ERR_USAGE unless it is a whole number from 1 on. */
function countOption(name: string, text: string): number {
  const count = numberOption(name, text, 1, TERMINALS_MAX);
  if (Number.isInteger(count)) return count;
  throw new CliError("ERR_USAGE", `--${name} is not a whole number`);
}

/** Draws the master key sequence up to a number of blocks. What is there is never drawn again. */
export async function init(options: InitOptions): Promise<void> {
  const count = countOption("terminals", options.terminals);
  const output = outputFor(options);
  const result = await withFactory(options, (factory) => {
    const sequence = openSequence(factory);
    const { firstIndex, endIndex: begunAt } = sequence;
    const beginMs = performance.now();
    sequence.extendTo(firstIndex + count, factory.random, (endIndex) =>
      output.progress(`drawing key blocks ${bar(endIndex - firstIndex, count)}`),
    );
    return {
      firstIndex,
      blocks: sequence.endIndex - firstIndex,
      drawn: sequence.endIndex - begunAt,
      sizeBytes: (sequence.endIndex - firstIndex) * BLOCK_BYTES,
      seconds: (performance.now() - beginMs) / 1000,
      residentBytes: 1024 * process.resourceUsage().maxRSS,
    };
  });
  output.result(result, [
    `master key sequence has ${result.blocks} blocks (${bytesText(result.sizeBytes)}), ${result.drawn} of them new`,
  ]);
}

export async function deploy(options: DeployOptions): Promise<void> {
  const count = countOption("count", options.count);
  const output = outputFor(options);
  const folders = Array.from({ length: count }, (_, i) =>
    count === 1 ? options.out : join(options.out, `terminal-${i + 1}`),
  );
  const targets = [{ url: options.target, token: options.token }];
  const places = placesOf(options, count);
  const isPaper = isPaperSuite(options);
  const reports = await withFactory(options, (factory, opened) => {
    const tenant = tenantOf(opened, options.tenant);
    if (isPaper)
      return deployPaperTerminals(
        factory,
        tenant,
        folders.map((path) => openDiskFolder(path)),
        targets,
      );
    return deployTerminals(
      factory,
      tenant,
      places.map((place, i) => ({ folder: openDiskFolder(folders[i] ?? ""), place })),
      targets,
      (done) => output.progress(`deploying terminals ${bar(done, count)}`),
    );
  });
  report(
    options,
    reports.map((one, i) => ({ ...one, folder: folders[i] ?? "" })),
  );
}

/** Verifies one terminal's folder, or with `all` every terminal's folder in it. */
export async function verify(path: string, options: Options & { readonly all?: boolean }): Promise<void> {
  const folders = options.all ? terminalFolders(path) : [path];
  const reports = await withData(options, ({ store }) =>
    verifyTerminals(
      { store, random: systemRandom, nowUnixMs: Date.now },
      folders.map((path) => openDiskFolder(path)),
    ),
  );
  report(
    options,
    reports.map((one, i) => ({ ...one, folder: folders[i] ?? "" })),
  );
}

function terminalFolders(path: string): readonly string[] {
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(path, entry.name))
    .filter((folder) => existsSync(join(folder, "trsm.authorisation")) || existsSync(join(folder, "terminal.json")))
    .toSorted((a, b) => a.localeCompare(b, "en", { numeric: true }));
}
