/**
 * Deployment of terminals: take their blocks from the master sequence, load their modules, verify and register them.
 *
 * The blocks are durable in the key store before one is written into a module, so that no terminal ever holds a block
 * that the server lacks. No person sees a key.
 *
 * Source: paper A §II.E, F, G; docs/keys.md.
 */
import { fingerprintOf } from "@pericard/crypto";
import type { Terminal, TerminalBlock } from "@pericard/custody";
import { createMemoryFolder, type Folder, type MemoryFolder } from "@pericard/framelog";
import type { TenantId } from "@pericard/protocol";
import {
  openTrsm,
  readPlace,
  writeAuthorisation,
  writePlace,
  writeProvision,
  type Trsm,
  type TrsmPlace,
  type UploadTarget,
} from "@pericard/trsm";
import { FactoryError } from "./errors.ts";
import { MasterSequence } from "./master-sequence.ts";
import { verifyTerminals, type DeploymentReport, type Verifier } from "./verify.ts";

/** Bytes of the authorisation value that a terminal gets. */
export const AUTHORISATION_BYTES = 32;
/** Terminals that are written, committed and registered together; each has four files open meanwhile. */
const GROUP_TERMINALS = 100;
/** Blocks that a sequence is extended by at least when a deployment finds it used up. */
const STEP_BLOCKS = 64;

/** What the factory works with. */
export interface Factory extends Verifier {
  /** Where the master key sequence lies. */
  readonly sequenceFolder: Folder;
}

/** An empty folder, and where its module is: in the folder unless a TPM is named. */
export interface DeploymentSite {
  readonly folder: Folder;
  readonly place?: TrsmPlace;
}

/** Opens the factory's master key sequence; the first call draws its key. @throws as {@link MasterSequence.open}. */
export function openSequence({ store, sequenceFolder, nowUnixMs }: Factory): MasterSequence {
  return MasterSequence.open(sequenceFolder, store.obtainSequenceKey(nowUnixMs()), store.nextBlockIndex);
}

/**
 * Deploys a new terminal of `tenant` into an empty folder and registers it.
 *
 * @throws {TrsmError} ERR_TRSM_LOADED when the folder, or its place, has a module: its authorisation value, once
 * overwritten, would take the module and the terminal's journal with it. ERR_TRSM_TPM.
 * @throws {FactoryError} ERR_DEPLOYMENT_PROOF when the module does not prove its block; the terminal is quarantined.
 */
export function deployTerminal(
  factory: Factory,
  tenant: TenantId,
  folder: Folder,
  targets: readonly UploadTarget[],
  place: TrsmPlace = { kind: "soft" },
): DeploymentReport {
  const [report] = deployTerminals(factory, tenant, [{ folder, place }], targets);
  if (report?.verified) return report;
  throw new FactoryError("ERR_DEPLOYMENT_PROOF", `terminal ${report?.serial} does not prove its key block`);
}

/**
 * Deploys a terminal into each of the sites. Reports are in the order of the sites; what does not prove its block is
 * quarantined and reported. A terminal is reported when its registration is durable in every copy of the key store.
 *
 * A deployment that an error ends leaves terminals that nobody trusts; those whose modules are loaded are finished by
 * {@link verifyTerminals}.
 *
 * @param onProgress is told how many are done.
 * @throws {TrsmError} ERR_TRSM_LOADED before anything is done, when a site has a module; as {@link Trsm.load}.
 * @throws {FactoryError} as {@link MasterSequence}.
 */
export function deployTerminals(
  factory: Factory,
  tenant: TenantId,
  sites: readonly DeploymentSite[],
  targets: readonly UploadTarget[],
  onProgress: (doneCount: number) => void = () => undefined,
): readonly DeploymentReport[] {
  for (const site of sites) requireEmpty(factory, site);
  const welcome = welcomeOf(factory, targets);
  const reports: DeploymentReport[] = [];
  while (reports.length < sites.length) {
    const group = sites.slice(reports.length, reports.length + GROUP_TERMINALS);
    reports.push(...deployGroup(factory, tenant, group, welcome));
    onProgress(reports.length);
  }
  return reports;
}

function trsmOf({ random, nowUnixMs }: Factory, folder: Folder, place: TrsmPlace): Trsm {
  return openTrsm({ folder, random, nowUnixMs }, place);
}

const placeOf = ({ place }: DeploymentSite): TrsmPlace => place ?? { kind: "soft" };

function requireEmpty(factory: Factory, site: DeploymentSite): void {
  trsmOf(factory, site.folder, readPlace(site.folder)).requireEmpty();
  trsmOf(factory, site.folder, placeOf(site)).requireEmpty();
}

function deployGroup(
  factory: Factory,
  tenant: TenantId,
  sites: readonly DeploymentSite[],
  welcome: Welcome,
): readonly DeploymentReport[] {
  const { store, nowUnixMs } = factory;
  const blocks = takeBlocks(factory, sites.length);
  const terminals = store.allocateTerminals(tenant, blocks, nowUnixMs());
  const loaded = sites.map((site, i) => {
    return load(factory, site, terminals[i] as Terminal, (blocks[i] as TerminalBlock).block, welcome);
  });
  putInPlace(loaded);
  const reports = verifyTerminals(
    factory,
    sites.map(({ folder }) => folder),
  );
  return reports.map((report) => {
    if (report.serial !== null) return report;
    throw new FactoryError("ERR_DEPLOYMENT_PROOF", `module does not open right after it was loaded: ${report.code}`);
  });
}

/** The next blocks that no terminal has. They are taken once a terminal is allocated with them. */
export function takeBlocks(factory: Factory, count: number): readonly TerminalBlock[] {
  const sequence = openSequence(factory);
  const firstIndex = Math.max(sequence.firstIndex, factory.store.nextBlockIndex);
  const missing = firstIndex + count - sequence.endIndex;
  if (missing > 0) sequence.extendTo(sequence.endIndex + Math.max(missing, STEP_BLOCKS), factory.random);
  return sequence.readBlocks(firstIndex, count);
}

/** What every terminal is told of the installation: the pin of its root, the server's newest keys, where to upload. */
export interface Welcome {
  readonly rootPin: Uint8Array;
  readonly statements: readonly Uint8Array[];
  readonly targets: readonly UploadTarget[];
}

/**
 * At a factory on another machine, what its intake says: the terminals are its server's.
 *
 * @param targets ordered: the first that answers is used.
 */
export function welcomeOf({ store }: Factory, targets: readonly UploadTarget[]): Welcome {
  const joined = store.handover.find();
  if (joined) {
    const { rootPublicKey, hpkeStatement, receiptStatement } = joined;
    return { rootPin: fingerprintOf(rootPublicKey), statements: [hpkeStatement, receiptStatement], targets };
  }
  const keys = [store.serverKeys("hpke")[0], store.serverKeys("receipt")[0]].filter((key) => key !== undefined);
  return { rootPin: fingerprintOf(store.rootPublicKey), statements: keys.map(({ statement }) => statement), targets };
}

/** Files that go into a terminal's folder once they are all written, the provision last: it says that the rest is there. */
interface LoadedSite {
  readonly folder: Folder;
  readonly files: readonly (readonly [name: string, contents: Uint8Array])[];
}

/**
 * Loads a module. A soft one is made in memory and put in place with those of its group; what a TPM's module needs to be
 * opened is durable before the TPM is written.
 */
function load(
  factory: Factory,
  site: DeploymentSite,
  { serial, routing, tenant, blockIndex }: Terminal,
  block: Uint8Array,
  { rootPin, statements, targets }: Welcome,
): LoadedSite {
  const place = placeOf(site);
  const made = createMemoryFolder();
  const folder = place.kind === "soft" ? made : site.folder;
  const authorisation = factory.random(AUTHORISATION_BYTES);
  writeAuthorisation(folder, authorisation);
  writePlace(folder, place);
  trsmOf(factory, folder, place).load(authorisation, { block, serial, blockIndex, rootPin });
  const provision = createMemoryFolder();
  writeProvision(provision, { serial, tenant, routing, statements, targets });
  return { folder: site.folder, files: [...filesOf(made), ...filesOf(provision)] };
}

function filesOf(made: MemoryFolder): LoadedSite["files"] {
  return made.list().map((name) => [name, made.bytesOf(name)]);
}

/** Makes files of many folders durable together: contents, then names, then folders. */
function putInPlace(loaded: readonly LoadedSite[]): void {
  const prepared = loaded.flatMap(({ folder, files }) =>
    files.map(([name, contents]) => folder.prepare(name, contents)),
  );
  for (const file of prepared) file.sync();
  for (const file of prepared) file.rename();
  for (const { folder } of loaded) folder.sync();
}
