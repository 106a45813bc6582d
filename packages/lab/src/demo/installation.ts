/** A small installation in one folder: server, gateway, terminals, demo patients. */
import { systemRandom } from "@pericard/crypto";
import {
  createInstallation,
  isInstalled,
  openInstallation,
  passphraseSecret,
  readPassphraseFile,
  type KeyStore,
} from "@pericard/custody";
import { deployTerminal, verifyTerminal } from "@pericard/factory";
import { openDiskFolder } from "@pericard/framelog";
import { configOf, defaultSettings, findSettings, keyStorePlace, writeSettings } from "@pericard/server";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeProvision, readProvision } from "@pericard/trsm";

/** Where everything of a demo lies. The passphrase is beside the data that it protects, not in it. */
export interface DemoPaths {
  readonly root: string;
  readonly server: string;
  readonly gateway: string;
  readonly gatewayConfig: string;
  readonly passphraseFile: string;
  readonly rootKey: string;
  terminal(number: number): string;
  /** Of the terminal that takes what plain sensors tell. */
  readonly bridge: string;
}

/** The folders of a demo. */
export function demoPaths(root: string): DemoPaths {
  return {
    root,
    server: join(root, "server"),
    gateway: join(root, "gateway"),
    gatewayConfig: join(root, "gateway.json"),
    passphraseFile: join(root, "kek-passphrase"),
    rootKey: join(root, "root-key"),
    terminal: (number) => join(root, "terminals", `terminal-${number}`),
    bridge: join(root, "terminals", "bridge"),
  };
}

const token = (): string => Buffer.from(systemRandom(24)).toString("base64url");

function serverConfig(paths: DemoPaths) {
  const known = findSettings(paths.server);
  const settings = known ?? { ...defaultSettings([{ name: "gateway", token: token() }]), port: 0 };
  if (!known) writeSettings(paths.server, settings);
  return configOf(paths.server, settings, undefined);
}

/** Opens the demo's key store; the first time everything is made. */
export function openDemo(paths: DemoPaths): { store: KeyStore; isNew: boolean } {
  mkdirSync(paths.root, { recursive: true, mode: 0o700 });
  if (!existsSync(paths.passphraseFile)) writeFileSync(paths.passphraseFile, `${token()}\n`, { mode: 0o600 });
  const passphrase = readPassphraseFile(paths.passphraseFile, paths.server);
  const keyStore = keyStorePlace(serverConfig(paths));
  const isNew = !isInstalled(keyStore);
  if (isNew) {
    createInstallation({
      keyStore,
      passphrase,
      rootFolderPath: paths.rootKey,
      tenantName: "Demo",
      synthetic: true,
      nowUnixMs: Date.now(),
      random: systemRandom,
    });
  }
  return { store: openInstallation(keyStore, passphraseSecret(passphrase), systemRandom).store, isNew };
}

/** Token with which the demo's gateway is admitted at the server, and the terminals at the gateway. */
export function demoTokens(paths: DemoPaths): { readonly gateway: string; readonly terminals: string } {
  const gateway = serverConfig(paths).uploadClients[0]?.token ?? "";
  const file = join(paths.root, "terminal-token");
  if (!existsSync(file)) writeFileSync(file, `${token()}\n`, { mode: 0o600 });
  return { gateway, terminals: readFileSync(file, "utf8").trim() };
}

/** Writes the gateway's configuration for the server's address of this start. */
export function writeGatewayConfig(paths: DemoPaths, upstreamUrl: string): void {
  const { gateway, terminals } = demoTokens(paths);
  const config = {
    host: "127.0.0.1",
    port: 0,
    folderPath: paths.gateway,
    clients: [{ name: "terminals", token: terminals }],
    upstreams: [{ url: upstreamUrl, token: gateway }],
  };
  writeFileSync(paths.gatewayConfig, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
}

/** Whether a deployment into a folder was interrupted: it has no provision, and nothing was ever recorded there. */
function isUnfinished(path: string): boolean {
  return (
    existsSync(path) && !readdirSync(path).some((name) => /^(terminal\.json|terminal\.state|journal-.*)$/.test(name))
  );
}

/** Deploys terminal `number` if it is not there, for a patient of its own. See {@link prepareFor}. */
export function prepareTerminal(paths: DemoPaths, store: KeyStore, number: number, gatewayUrl: string): void {
  prepareFor(demoPatient(number), paths.terminal(number), { paths, store, gatewayUrl });
}

/** Name of the patient of terminal `number`. */
export const demoPatient = (number: number): string => `Demo patient ${number}`;

/** What a deployment needs. */
export interface PrepareParts {
  readonly paths: DemoPaths;
  readonly store: KeyStore;
  readonly gatewayUrl: string;
}

/**
 * Deploys a terminal into a folder if it is not there, gives it to a patient, who is made when nobody has that name, and points
 * it at the gateway. Every step is done only where it is missing, so that a start that was interrupted is finished by the next.
 */
export function prepareFor(name: string, path: string, { paths, store, gatewayUrl }: PrepareParts): void {
  const [tenant] = store.tenants();
  if (!tenant) return;
  const targets = [{ url: gatewayUrl, token: demoTokens(paths).terminals }];
  const sequenceFolder = openDiskFolder(join(paths.server, "factory"));
  const factory = { store, sequenceFolder, random: systemRandom, nowUnixMs: Date.now };
  if (isUnfinished(path)) rmSync(path, { recursive: true, force: true });
  const folder = openDiskFolder(path);
  if (!folder.read("terminal.json")) deployTerminal(factory, tenant.id, folder, targets);
  const provision = readProvision(folder);
  writeProvision(folder, { ...provision, targets });
  if (store.getTerminal(provision.serial).state === "allocated") verifyTerminal(factory, folder);
  if (store.assignments(provision.serial).length > 0) return;
  const known = store.patients(tenant.id).find((patient) => patient.name === name);
  const patient = known ?? store.addPatient(tenant.id, name, Date.now());
  store.assign(provision.serial, patient.id, Date.now(), "demo");
}

/** A one-time link for the demo's clinician. */
export function createDemoLink(store: KeyStore, lifetimeMs: number): string {
  const name = "Demo clinician";
  const [tenant] = store.tenants();
  const known = store.accounts().find((account) => account.name === name);
  const account = known ?? (tenant && store.addAccount(tenant.id, name, "clinician"));
  return account ? store.createSignInLink(account.id, Date.now() + lifetimeMs) : "";
}
