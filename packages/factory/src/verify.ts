/**
 * Verification of deployed terminals by challenge and response over their whole blocks and public keys.
 *
 * What does not prove its block is quarantined: the server takes nothing of it any more.
 *
 * Source: paper A §II.G; docs/format.md §4.2.
 */
import { deploymentProof, equalSecrets, type RandomSource } from "@pericard/crypto";
import {
  CustodyError,
  type KeyStore,
  type PaperTerminalKeys,
  type Terminal,
  type TerminalKeys,
} from "@pericard/custody";
import type { Folder } from "@pericard/framelog";
import { SUITE, toHex, type RoutingId, type TerminalId } from "@pericard/protocol";
import {
  openModule,
  readPlace,
  readProvision,
  TrsmError,
  type SecureModule,
  type TerminalModule,
  type TrsmKind,
} from "@pericard/trsm";
import { FactoryError } from "./errors.ts";
import { paperKeysOf, provesPaperBlock } from "./paper-proof.ts";

const CHALLENGE_BYTES = 32;

/** What a verification works with. */
export interface Verifier {
  readonly store: KeyStore;
  readonly random: RandomSource;
  readonly nowUnixMs: () => number;
}

/** What a deployment or a later verification found. */
export interface DeploymentReport {
  readonly serial: TerminalId;
  readonly routing: RoutingId;
  /** Index of its block in the master key sequence; the block's offset there is 960 times that. */
  readonly blockIndex: number;
  readonly state: Terminal["state"];
  readonly trsm: TrsmKind;
  readonly verified: boolean;
  /** Why it was not verified. */
  readonly code: string | null;
  readonly signPublicKeyHex: string | null;
}

/** A folder of which nobody can say which terminal it is. */
export interface UnknownTerminalReport {
  readonly serial: null;
  readonly state: "unknown";
  readonly verified: false;
  readonly code: string;
}

/** What one terminal's module answered. */
interface Verdict {
  readonly terminal: Terminal;
  readonly trsm: TrsmKind;
  readonly keys: TerminalKeys | PaperTerminalKeys | null;
  readonly refusal: FactoryError | TrsmError | null;
}

/** What a module's own check finds when its block, its serial number or its authorisation were changed. */
const CHANGED_MODULE: ReadonlySet<string> = new Set([
  "ERR_TRSM_AUTHORISATION",
  "ERR_TRSM_IMAGE_SIZE",
  "ERR_TRSM_IMAGE_CHECKSUM",
  "ERR_TRSM_IMAGE_FORMAT",
]);

/**
 * Verifies one terminal; one that was allocated becomes active, one that fails is quarantined.
 *
 * @throws {FactoryError} ERR_DEPLOYMENT_PROOF when the answer is another than the key store's block gives, or when public
 * keys or provision are not the registered ones.
 * @throws {TrsmError} as {@link openModule}. When it says that the module was changed, the terminal that the
 * folder names is quarantined.
 */
export function verifyTerminal(verifier: Verifier, folder: Folder): DeploymentReport {
  const verdict = judge(verifier, folder);
  const [report] = settle(verifier, [verdict]);
  if (verdict.refusal) throw verdict.refusal;
  return report as DeploymentReport;
}

/** Verifies many terminals, whatever becomes of each: two commits for all. Reports are in the order of the folders. */
export function verifyTerminals(
  verifier: Verifier,
  folders: readonly Folder[],
): readonly (DeploymentReport | UnknownTerminalReport)[] {
  const judged = folders.map((folder) => judgeOrTell(verifier, folder));
  const verdicts = judged.filter((one) => "terminal" in one);
  const reports = settle(verifier, verdicts);
  return judged.map((one) => ("terminal" in one ? (reports[verdicts.indexOf(one)] as DeploymentReport) : one));
}

function judgeOrTell(verifier: Verifier, folder: Folder): Verdict | UnknownTerminalReport {
  try {
    return judge(verifier, folder);
  } catch (error) {
    if (!(error instanceof TrsmError || error instanceof CustodyError)) throw error;
    return { serial: null, state: "unknown", verified: false, code: error.code };
  }
}

/** @throws {TrsmError} when the module cannot be asked, {CustodyError} ERR_TERMINAL_UNKNOWN. */
function judge(verifier: Verifier, folder: Folder): Verdict {
  const { store, random, nowUnixMs } = verifier;
  const provision = readProvision(folder);
  const trsm = readPlace(folder).kind;
  try {
    const module = openModule(folder, random, nowUnixMs);
    const terminal = store.getTerminal(module.terminal);
    const sameProvision = provision.serial === terminal.serial && provision.routing === terminal.routing;
    const proof = sameProvision ? findProof(verifier, terminal, module) : undefined;
    return { terminal, trsm, keys: { ...keysOf(module), ...proof }, refusal: proof ? null : notProven(terminal) };
  } catch (error) {
    if (!(error instanceof TrsmError) || !CHANGED_MODULE.has(error.code)) throw error;
    return { terminal: store.getTerminal(provision.serial), trsm, keys: null, refusal: error };
  }
}

function notProven({ serial }: Terminal): FactoryError {
  return new FactoryError("ERR_DEPLOYMENT_PROOF", `terminal ${serial} does not prove its key block`);
}

/** That a module proved its block; undefined when it did not. */
type Proof = Pick<TerminalKeys, "transcript">;

function findProof(verifier: Verifier, terminal: Terminal, module: TerminalModule): Proof | undefined {
  if (module.suite === SUITE.paper2018) return provesPaperBlock(verifier, terminal, module) ? {} : undefined;
  return terminal.suite === module.suite ? findBlockProof(verifier, terminal, module) : undefined;
}

function keysOf(module: TerminalModule): TerminalKeys | PaperTerminalKeys {
  if (module.suite === SUITE.paper2018) return paperKeysOf(module);
  const { terminal: serial, signPublicKey, agreePublicKey } = module;
  return { serial, signPublicKey, agreePublicKey };
}

function findBlockProof(
  { store, random }: Verifier,
  { serial, tenant, suite, signPublicKey: registered }: Terminal,
  module: SecureModule,
): Proof | undefined {
  const challenge = random(CHALLENGE_BYTES);
  const { signPublicKey, agreePublicKey } = module;
  const keys = { challenge, signPublicKey, agreePublicKey };
  const wanted = deploymentProof(store.openBlock(serial), { suite, tenant, terminal: serial }, keys);
  const sameKey = registered === null || equalSecrets(registered, signPublicKey);
  const answer = module.answerChallenge(challenge);
  return equalSecrets(answer, wanted) && sameKey ? { transcript: { challenge, answer } } : undefined;
}

/** Writes down what the verdicts mean: at most one commit for those that failed and one for those that are new. */
function settle({ store }: Verifier, verdicts: readonly Verdict[]): readonly DeploymentReport[] {
  const failed = verdicts.filter(({ refusal }) => refusal !== null).map(({ terminal }) => terminal.serial);
  const proven = verdicts.filter(({ terminal }) => terminal.state === "allocated" && !failed.includes(terminal.serial));
  const fresh = proven.map(({ keys }) => keys).filter((keys) => keys !== null);
  if (failed.length > 0) store.quarantineTerminals(failed);
  const freshPericard = fresh.filter((keys) => "agreePublicKey" in keys);
  if (freshPericard.length > 0) store.activateTerminals(freshPericard);
  for (const keys of fresh) if ("envelopePublicKey" in keys) store.activatePaperTerminal(keys);
  return verdicts.map(({ terminal, trsm, keys, refusal }) => {
    const { serial, routing, blockIndex, state } = store.getTerminal(terminal.serial);
    return {
      serial,
      routing,
      blockIndex,
      state,
      trsm,
      verified: refusal === null,
      code: refusal?.code ?? null,
      signPublicKeyHex: keys && toHex(keys.signPublicKey),
    };
  });
}
