/** The data folder of a server as commands open it: settings, passphrase, key store. */
import { systemRandom } from "@pericard/crypto";
import {
  CustodyError,
  isInstalled,
  isShared,
  openInstallation,
  readPassphraseFile,
  type KekAccess,
  type KekSecret,
  type KeyStore,
  type KeyStorePlace,
  type Tenant,
} from "@pericard/custody";
import { configOf, findSettings, keyStorePlace, type ServerConfig } from "@pericard/server";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { CliError } from "./errors.ts";

/** Options that every command on a server's data folder has. */
export interface InstallationOptions {
  readonly data: string;
  readonly passphraseFile?: string;
}

/** Name of the systemd credential that may hold the passphrase. */
const CREDENTIAL = "pericard-kek-passphrase";

/**
 * The passphrase of the key-encryption key: from the option, `PERICARD_KEK_PASSPHRASE_FILE`, or a systemd credential.
 *
 * @throws {CliError} ERR_PASSPHRASE_MISSING; {CustodyError} ERR_KEK_PASSPHRASE_FILE.
 */
export function readPassphrase(options: InstallationOptions): Uint8Array {
  const credentials = process.env["CREDENTIALS_DIRECTORY"];
  const credential = credentials === undefined ? undefined : join(credentials, CREDENTIAL);
  const given = options.passphraseFile ?? process.env["PERICARD_KEK_PASSPHRASE_FILE"];
  const path = given ?? (credential !== undefined && existsSync(credential) ? credential : undefined);
  if (path === undefined) {
    throw new CliError(
      "ERR_PASSPHRASE_MISSING",
      "no passphrase: give --passphrase-file, PERICARD_KEK_PASSPHRASE_FILE or a systemd credential",
    );
  }
  return readPassphraseFile(path, options.data);
}

/**
 * What opens the key-encryption key: the passphrase or the PIN, and the PKCS#11 module when
 * `PERICARD_PKCS11_MODULE` names one.
 *
 * @throws as {@link readPassphrase}.
 */
export function readSecret(options: InstallationOptions): KekSecret {
  return { secret: readPassphrase(options), modulePath: process.env["PERICARD_PKCS11_MODULE"] };
}

/** How long a folder of the key store may take to answer. */
const REACH_MS = 5000;

async function reaches(folderPath: string): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), REACH_MS);
  });
  const asked = mkdir(folderPath, { recursive: true, mode: 0o700 })
    .then(() => readdir(folderPath))
    .then(
      () => true,
      () => false,
    );
  const answer = await Promise.race([asked, late]);
  clearTimeout(timer);
  return answer;
}

/**
 * Where the key store can be reached now: a dead or hung volume keeps no server from starting while another has a copy.
 *
 * @throws {CustodyError} ERR_KEYSTORE_MISSING when a folder does not answer and no other has a key store: the only one may be there.
 */
export async function reachablePlace(place: KeyStorePlace): Promise<KeyStorePlace> {
  if (isShared(place)) return place;
  const answers = await Promise.all(place.map(reaches));
  const reached = place.filter((_, i) => answers[i]);
  if (reached.length === place.length || isInstalled(reached)) return reached;
  const missing = place.filter((_, i) => !answers[i]).join(", ");
  throw new CustodyError("ERR_KEYSTORE_MISSING", `${missing} does not answer, and no other folder has the key store`);
}

/** An installation that was set up. */
export interface OpenedInstallation {
  readonly config: ServerConfig;
  readonly kek: KekAccess;
  readonly store: KeyStore;
  readonly tenant: Tenant;
}

/**
 * Settings of a data folder that was set up.
 *
 * @throws {CliError} ERR_NOT_INSTALLED when no server was ever started on it.
 */
export function findConfig(options: InstallationOptions): ServerConfig {
  const settings = findSettings(options.data);
  const config = settings && configOf(options.data, settings, undefined);
  if (config && isInstalled(keyStorePlace(config))) return config;
  throw new CliError("ERR_NOT_INSTALLED", `${options.data} is not set up: start "pericard server" on it first`);
}

/** Opens the key store of a data folder. @throws {CliError} as {@link findConfig} and {@link readPassphrase}. */
export function openData(options: InstallationOptions): OpenedInstallation {
  const config = findConfig(options);
  const { kek, store } = openInstallation(keyStorePlace(config), readSecret(options), systemRandom);
  const [tenant] = store.tenants();
  if (!tenant) throw new CliError("ERR_NOT_INSTALLED", "installation has no tenant");
  return { config, kek, store, tenant };
}

/** Runs work on an opened installation and closes it. */
export async function withData<T>(
  options: InstallationOptions,
  work: (opened: OpenedInstallation) => T | Promise<T>,
): Promise<T> {
  const opened = openData(options);
  try {
    return await work(opened);
  } finally {
    opened.store.close();
  }
}

const RUNNING_FILE = "running.json";

/** Notes where the server of a data folder listens while it runs; undefined ends that. */
export function noteRunning(dataPath: string, url: string | undefined): void {
  const path = join(dataPath, RUNNING_FILE);
  if (url === undefined) rmSync(path, { force: true });
  else writeFileSync(path, `${JSON.stringify({ url })}\n`);
}

/** Address of the server of a data folder: where it runs now, or else where its settings say. */
export function serverUrl({ dataPath, host, port }: ServerConfig): string {
  try {
    const { url } = JSON.parse(readFileSync(join(dataPath, RUNNING_FILE), "utf8")) as { url?: unknown };
    if (typeof url === "string") return url;
  } catch {
    // It does not run, or was killed: the settings are the best guess.
  }
  return `http://${host}:${port}`;
}
