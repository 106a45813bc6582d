/** Deployment of terminals of suite paper-2018. Source: paper A §II.E to G; docs/format-paper-2018.md §8. */
import type { Folder } from "@pericard/framelog";
import type { TenantId } from "@pericard/protocol";
import {
  loadPaperTrsm,
  openTrsm,
  readPlace,
  writeAuthorisation,
  writeProvision,
  type UploadTarget,
} from "@pericard/trsm";
import { AUTHORISATION_BYTES, takeBlocks, welcomeOf, type Factory } from "./deploy.ts";
import { FactoryError } from "./errors.ts";
import { verifyTerminal, type DeploymentReport } from "./verify.ts";

/**
 * Deploys a new terminal of suite paper-2018 into an empty folder and registers it. Its module is a simulated one.
 *
 * @throws {CryptoError} ERR_SUITE_GUARD unless the tenant was created synthetic.
 * @throws {TrsmError} ERR_TRSM_LOADED when the folder has a module. @throws {FactoryError} ERR_DEPLOYMENT_PROOF;
 * ERR_TRANSFER_SUITE at a factory on another machine than its server: experiments are local.
 */
export function deployPaperTerminal(
  factory: Factory,
  tenant: TenantId,
  folder: Folder,
  targets: readonly UploadTarget[],
): DeploymentReport {
  const { store, random, nowUnixMs } = factory;
  if (store.handover.find()) {
    throw new FactoryError("ERR_TRANSFER_SUITE", "terminals of suite paper-2018 are deployed where their server is");
  }
  const { leave, publicDer: serverPublicDer } = store.getPaperTenant(tenant);
  openTrsm({ folder, random, nowUnixMs }, readPlace(folder)).requireEmpty();
  const { rootPin, statements } = welcomeOf(factory, targets);
  const [taken] = takeBlocks(factory, 1);
  if (!taken) throw new TypeError("expected one block, got none");
  const { serial, routing, blockIndex } = store.allocatePaperTerminal(leave, taken, nowUnixMs());
  const authorisation = random(AUTHORISATION_BYTES);
  writeAuthorisation(folder, authorisation);
  const load = { block: taken.block, serial, blockIndex, rootPin, serverPublicDer };
  loadPaperTrsm({ folder, random, nowUnixMs }, leave, authorisation, load);
  writeProvision(folder, { serial, tenant, routing, statements, targets });
  return verifyTerminal(factory, folder);
}
