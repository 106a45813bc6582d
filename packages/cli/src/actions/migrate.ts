/** `pericard migrate`, through the operator's socket of the running server. */
import type { MigrationPlan, MigrationProgress, MigrationReport } from "@pericard/server";
import { readFileSync } from "node:fs";
import { CliError } from "../errors.ts";
import { operatorOf, type OperatorOptions } from "../operator.ts";
import { bytesText, outputFor } from "../output.ts";

interface MigrateOptions extends OperatorOptions {
  readonly to: string;
  readonly dryRun?: boolean;
}

/** @throws {CliError} ERR_USAGE. */
function readEngines(path: string): object {
  try {
    const engines: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof engines === "object" && engines !== null && !Array.isArray(engines)) return engines;
  } catch (cause) {
    throw new CliError("ERR_USAGE", `${path} cannot be read as JSON`, { cause });
  }
  throw new CliError("ERR_USAGE", `${path} is no JSON object with volumes, catalog and keyStore`);
}

function progressLine({ phase, packages, ofPackages }: MigrationProgress): string {
  if (phase === "switching") return "server stands still: the rest goes along, and it starts on the engines";
  return `${phase}: ${packages} of ${ofPackages} packages`;
}

function reportLines({ packages, copies, segments, auditEntries, keyStore, stoodStillMs }: MigrationReport) {
  const keyRows = keyStore.reduce((sum, { rows }) => sum + rows, 0);
  return [
    `${packages} packages in ${copies} copies, ${segments} segments, ${auditEntries} entries of the audit trail, ${keyRows} rows of the key store: compared, and the same`,
    `server stood still for ${(stoodStillMs / 1000).toFixed(1)} s, and starts on the engines`,
  ];
}

export async function migrate(options: MigrateOptions): Promise<void> {
  const output = outputFor(options);
  const engines = readEngines(options.to);
  const operator = operatorOf(options);
  if (options.dryRun) {
    const plan = await operator.send<MigrationPlan>("POST", "/v1/migration/plan", engines);
    const { packages, bytes, segments, recordings } = plan;
    const what = `${packages} packages (${bytesText(bytes)} in all copies), ${segments} segments of ${recordings} recordings`;
    return output.result(plan, [`there are ${what} to move; nothing was changed`]);
  }
  const tell = (progress: MigrationProgress): void => output.progress(progressLine(progress));
  const report = await operator.follow<MigrationProgress, MigrationReport>("/v1/migration", engines, tell);
  return output.result(report, reportLines(report));
}
