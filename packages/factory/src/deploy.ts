/**
 * Deployment of a terminal: draw its block, load its module, verify it, register it.
 *
 * The block is durable in the key store before it is written into the module, so that no terminal ever holds a block
 * that the server lacks. No person sees a key.
 *
 * Source: paper A §II.E, F, G; docs/keys.md.
 */
import { deploymentProof, equalSecrets, KEY_BLOCK_BYTES, sha256, type RandomSource } from "@pericard/crypto";
import type { KeyStore, Terminal } from "@pericard/custody";
import type { Folder } from "@pericard/framelog";
import { toHex, type RoutingId, type TenantId, type TerminalId } from "@pericard/protocol";
import {
  loadSoftTrsm,
  openTerminalModule,
  TrsmError,
  writeAuthorisation,
  writeProvision,
  type UploadTarget,
} from "@pericard/trsm";
import { FactoryError } from "./errors.ts";

const AUTHORISATION_BYTES = 32;
const CHALLENGE_BYTES = 32;
const ROOT_PIN_BYTES = 16;
/** The file of a loaded soft module. Source: docs/format.md §11.3. */
const MODULE_FILE = "trsm.sealed";

/** What the factory works with. */
export interface Factory {
  readonly store: KeyStore;
  readonly random: RandomSource;
  readonly nowUnixMs: () => number;
}

/** What a deployment or a later verification found. */
export interface DeploymentReport {
  readonly serial: TerminalId;
  readonly routing: RoutingId;
  readonly blockIndex: number;
  readonly state: Terminal["state"];
  readonly trsm: "soft";
  readonly verified: boolean;
  readonly signPublicKeyHex: string;
}

/**
 * Deploys a new terminal of `tenant` into an empty folder and registers it.
 *
 * @throws {TrsmError} ERR_TRSM_LOADED when the folder has a module.
 * @throws {FactoryError} ERR_DEPLOYMENT_PROOF when the module does not prove its block; the terminal is quarantined.
 */
export function deployTerminal(
  factory: Factory,
  tenant: TenantId,
  folder: Folder,
  targets: readonly UploadTarget[],
): DeploymentReport {
  const { store, random } = factory;
  requireEmpty(folder);
  const block = random(KEY_BLOCK_BYTES);
  const authorisation = random(AUTHORISATION_BYTES);
  const terminal = store.allocateTerminal(tenant, block, factory.nowUnixMs());
  const { serial, routing, blockIndex } = terminal;
  writeAuthorisation(folder, authorisation);
  const rootPin = sha256(store.rootPublicKey).slice(0, ROOT_PIN_BYTES);
  loadSoftTrsm(folder, authorisation, { block, serial, blockIndex, rootPin }, random);
  const statements = (["hpke", "receipt"] as const).flatMap((purpose) =>
    store
      .serverKeys(purpose)
      .slice(0, 1)
      .map((key) => key.statement),
  );
  writeProvision(folder, { serial, tenant, routing, statements, targets });
  return verifyTerminal(factory, folder);
}

/** A loaded module's authorisation value, once overwritten, would take the module and the terminal's journal with it. */
function requireEmpty(folder: Folder): void {
  if (!folder.read(MODULE_FILE)) return;
  throw new TrsmError("ERR_TRSM_LOADED", "folder has a module: a new terminal needs an empty one");
}

/**
 * Verifies a deployed terminal by challenge and response over its whole block and its public keys; one that was
 * allocated becomes active, one that fails is quarantined.
 *
 * @throws {FactoryError} ERR_DEPLOYMENT_PROOF when the answer is another than the key store's block gives, or when the
 * public keys are not the registered ones.
 */
export function verifyTerminal(factory: Factory, folder: Folder): DeploymentReport {
  const { store, random } = factory;
  const module = openTerminalModule(folder, random);
  const terminal = store.getTerminal(module.terminal);
  const challenge = random(CHALLENGE_BYTES);
  const { signPublicKey, agreePublicKey } = module;
  const wanted = deploymentProof(
    store.openBlock(terminal.serial),
    { suite: terminal.suite, tenant: terminal.tenant, terminal: terminal.serial },
    { challenge, signPublicKey, agreePublicKey },
  );
  const registered = terminal.signPublicKey;
  const sameKey = registered === null || equalSecrets(registered, signPublicKey);
  if (!equalSecrets(module.answerChallenge(challenge), wanted) || !sameKey) {
    store.quarantineTerminal(terminal.serial);
    throw new FactoryError("ERR_DEPLOYMENT_PROOF", `terminal ${terminal.serial} does not prove its key block`);
  }
  const active =
    terminal.state === "allocated" ? store.activateTerminal(terminal.serial, signPublicKey, agreePublicKey) : terminal;
  return {
    serial: active.serial,
    routing: active.routing,
    blockIndex: active.blockIndex,
    state: active.state,
    trsm: "soft",
    verified: true,
    signPublicKeyHex: toHex(signPublicKey),
  };
}
