/** `pericard factory`: deploys terminals and verifies them. */
import { systemRandom } from "@pericard/crypto";
import { deployTerminal, verifyTerminal, type DeploymentReport } from "@pericard/factory";
import { openDiskFolder } from "@pericard/framelog";
import { join } from "node:path";
import { CliError } from "../errors.ts";
import { withData, type InstallationOptions } from "../installation.ts";
import { outputFor, table } from "../output.ts";

interface Options extends InstallationOptions {
  readonly json?: boolean;
}

interface DeployOptions extends Options {
  readonly out: string;
  readonly count: string;
  readonly target: string;
  readonly token: string;
}

function report(options: Options, reports: readonly (DeploymentReport & { folder: string })[]): void {
  const rows = reports.map((one) => [one.serial, one.state, one.verified ? "yes" : "no", one.folder]);
  outputFor(options).result({ terminals: reports }, table(["terminal", "state", "verified", "folder"], rows));
}

export async function deploy(options: DeployOptions): Promise<void> {
  const count = Number(options.count);
  if (!Number.isInteger(count) || count < 1) throw new CliError("ERR_USAGE", "--count is not a whole number above 0");
  const output = outputFor(options);
  const reports = await withData(options, ({ store, tenant }) => {
    const factory = { store, random: systemRandom, nowUnixMs: Date.now };
    return Array.from({ length: count }, (_, i) => {
      const folder = count === 1 ? options.out : join(options.out, `terminal-${i + 1}`);
      const targets = [{ url: options.target, token: options.token }];
      output.progress(`deploying ${i + 1} of ${count}`);
      return { ...deployTerminal(factory, tenant.id, openDiskFolder(folder), targets), folder };
    });
  });
  report(options, reports);
}

export async function verify(folder: string, options: Options): Promise<void> {
  const verified = await withData(options, ({ store }) =>
    verifyTerminal({ store, random: systemRandom, nowUnixMs: Date.now }, openDiskFolder(folder)),
  );
  report(options, [{ ...verified, folder }]);
}
