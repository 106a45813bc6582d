/** `pericard server`: sets up at the first start, then serves until it is stopped. */
import { systemRandom } from "@pericard/crypto";
import {
  createInstallation,
  isFactoryInstallation,
  isInstalled,
  isShared,
  openKek,
  type KeyStorePlace,
} from "@pericard/custody";
import {
  configOf,
  defaultSettings,
  findSettings,
  keyFolderPaths,
  keyStorePlace,
  startServer,
  systemEnvironment,
  writeSettings,
  type RunningServer,
  type ServerEnvironment,
  type ServerSettings,
} from "@pericard/server";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { CliError } from "../errors.ts";
import { noteRunning, reachablePlace, readSecret, type InstallationOptions } from "../installation.ts";
import { outputFor } from "../output.ts";
import { stopSignal, untilAborted } from "../stop-signal.ts";

interface ServerOptions extends InstallationOptions {
  readonly host?: string;
  readonly port?: string;
  readonly tenant: string;
  readonly synthetic?: boolean;
  readonly rootFolder?: string;
  readonly viewer?: string;
  readonly logLevel: string;
  readonly json?: boolean;
}

const VIEWER = fileURLToPath(new URL("../../../web/dist", import.meta.url));

function newSettings(): ServerSettings {
  const token = Buffer.from(systemRandom(24)).toString("base64url");
  return defaultSettings([{ name: "gateway", token }]);
}

/** Writes settings and sets the key store up when the folder is new. @returns the folder of the root key when it was. */
function setUp(
  options: ServerOptions,
  passphrase: Uint8Array,
  settings: ServerSettings,
  keyStore: KeyStorePlace,
): string | undefined {
  const config = configOf(options.data, settings, undefined);
  if (!isShared(keyStore) && isFactoryInstallation(keyStore)) {
    throw new CliError("ERR_FACTORY_FOLDER", `${options.data} is a factory's folder: name another for the server`);
  }
  if (isInstalled(keyStore)) return undefined;
  // What is stored opens under those keys alone: new ones beside them would lock everybody out.
  if (isShared(keyStore) && isInstalled(keyFolderPaths(config))) {
    throw new CliError("ERR_KEYSTORE_ELSEWHERE", "volumes have a key store, and the database of the settings has none");
  }
  const rootFolderPath = options.rootFolder ?? `${options.data.replace(/\/+$/, "")}.root`;
  createInstallation({
    keyStore,
    passphrase,
    rootFolderPath,
    tenantName: options.tenant,
    synthetic: options.synthetic ?? false,
    nowUnixMs: Date.now(),
    random: systemRandom,
  });
  return rootFolderPath;
}

function withOverrides(settings: ServerSettings, { host, port }: ServerOptions): ServerSettings {
  return {
    ...settings,
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port: Number(port) }),
  };
}

export async function run(options: ServerOptions): Promise<void> {
  const output = outputFor(options);
  const stop = stopSignal();
  const secret = readSecret(options);
  const known = findSettings(options.data);
  const settings = withOverrides(known ?? newSettings(), options);
  if (!known) writeSettings(options.data, settings);
  const keyStore = await reachablePlace(keyStorePlace(configOf(options.data, settings, undefined)));
  const rootFolderPath = setUp(options, secret.secret, settings, keyStore);
  if (rootFolderPath) output.note(`set up: take the root key in ${rootFolderPath} off this machine`);
  const kek = openKek(keyStore, secret, systemRandom);
  const environment = systemEnvironment(kek, pino({ level: options.logLevel }, pino.destination(2)));
  let server = await startOver(settings, options, environment);
  const { rebuilt } = server.context;
  output.result({ ready: true, url: server.url, rebuilt: rebuilt ?? null }, [`server is at ${server.url}`]);
  const stopped = untilAborted(stop);
  while ((await Promise.race([stopped, server.restart.then(() => "restart" as const)])) === "restart") {
    // It stays where its clients know it.
    const { port } = new URL(server.url);
    await server.close();
    server = await startOver(
      withOverrides(findSettings(options.data) ?? settings, { ...options, port }),
      options,
      environment,
    );
    environment.logger.info({ url: server.url }, "server was started anew over its settings");
  }
  noteRunning(options.data, undefined);
  await server.close();
}

/** Starts the server over settings, and notes where it is. */
async function startOver(
  settings: ServerSettings,
  options: ServerOptions,
  environment: ServerEnvironment,
): Promise<RunningServer> {
  const viewer = options.viewer ?? VIEWER;
  const config = configOf(options.data, settings, existsSync(viewer) ? viewer : undefined);
  const server = await startServer(config, environment);
  noteRunning(options.data, server.url);
  return server;
}
