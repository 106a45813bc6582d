/** For which suite and tenant `pericard factory deploy` deploys. Source: docs/format-paper-2018.md §1, §8. */
import { deployPaperTerminal, type DeploymentReport, type Factory } from "@pericard/factory";
import type { Folder } from "@pericard/framelog";
import type { TenantId } from "@pericard/protocol";
import type { UploadTarget } from "@pericard/trsm";
import { CliError } from "./errors.ts";
import type { OpenedInstallation } from "./installation.ts";
import type { TrsmOptions } from "./trsm-option.ts";

/** Options of the suite. */
export interface SuiteOptions {
  readonly suite: string;
  readonly tenant?: string;
}

/** Whether the terminals are to be of suite paper-2018. @throws {CliError} ERR_USAGE for no suite, and with a TPM. */
export function isPaperSuite({ suite, trsm }: SuiteOptions & TrsmOptions): boolean {
  if (suite !== "pericard-1" && suite !== "paper-2018") {
    throw new CliError("ERR_USAGE", "--suite is neither pericard-1 nor paper-2018");
  }
  if (suite === "paper-2018" && trsm !== "soft") {
    throw new CliError("ERR_USAGE", "--suite paper-2018 is an experiment in a simulated module: leave --trsm out");
  }
  return suite === "paper-2018";
}

/** The tenant that the terminals are for: the installation's first unless one is named. @throws {CliError} ERR_USAGE. */
export function tenantOf({ store, tenant }: OpenedInstallation, named: string | undefined): TenantId {
  if (named === undefined) return tenant.id;
  const found = store.tenants().find(({ id }) => id === named);
  if (found) return found.id;
  throw new CliError("ERR_USAGE", "--tenant is not the id of a tenant of this installation");
}

/** Deploys terminals of suite paper-2018, one by one. @throws {CryptoError} ERR_SUITE_GUARD. */
export function deployPaperTerminals(
  factory: Factory,
  tenant: TenantId,
  folders: readonly Folder[],
  targets: readonly UploadTarget[],
): readonly DeploymentReport[] {
  return folders.map((folder) => deployPaperTerminal(factory, tenant, folder, targets));
}
