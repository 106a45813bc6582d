/** The settings of a gateway: its file, with secrets from files of their own, and what the command line puts in place of it. */
import type { GatewaySettings } from "@pericard/gateway";
import { dirname, resolve } from "node:path";
import { CliError } from "./errors.ts";
import { readSecret, readText } from "./secret-file.ts";
import { numberOption } from "./terminal-source.ts";

/** Options of the command line that stand in place of settings in the file. */
export interface GatewayOptions {
  readonly config: string;
  /** In order of preference; the token of each is in the file named at the same place of `upstreamToken`. */
  readonly upstream?: readonly string[];
  readonly upstreamToken?: readonly string[];
  readonly ca?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly clientCa?: string;
  readonly mqttPort?: string;
}

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readConfig(path: string): unknown {
  const text = readText(path);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new CliError("ERR_USAGE", `${path} cannot be read as JSON`, { cause });
  }
}

/** Settings that may stand in a file of their own, and where they go. Paths are relative to the configuration's folder. */
const FILES: Readonly<Record<string, string>> = {
  tokenFile: "token",
  caFile: "ca",
  certFile: "cert",
  keyFile: "key",
  clientCaFile: "clientCa",
};

function withFiles(entry: unknown, folder: string): unknown {
  if (!isFields(entry)) return entry;
  const read = ([name, value]: readonly [string, unknown]): readonly [string, unknown] => {
    const into = FILES[name];
    if (into === undefined || typeof value !== "string") return [name, value];
    const path = resolve(folder, value);
    return [into, into === "token" ? readSecret(path) : readText(path)];
  };
  return Object.fromEntries(Object.entries(entry).map(read));
}

function withFilesEach(list: unknown, folder: string): unknown {
  return Array.isArray(list) ? list.map((entry) => withFiles(entry, folder)) : list;
}

function upstreamsOf({ upstream = [], upstreamToken = [] }: GatewayOptions): readonly Fields[] | undefined {
  if (upstream.length !== upstreamToken.length) {
    throw new CliError("ERR_USAGE", "--upstream and --upstream-token must be given equally often");
  }
  if (upstream.length === 0) return undefined;
  return upstream.map((url, i) => ({ url, token: readSecret(upstreamToken[i] ?? "") }));
}

/** What the command line says of TLS, in place of the file's. */
function tlsOf({ tlsCert, tlsKey, clientCa }: GatewayOptions): Fields | undefined {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new CliError("ERR_USAGE", "--tls-cert and --tls-key must be given together");
  }
  const ca = clientCa === undefined ? {} : { clientCa: readText(clientCa) };
  return { cert: readText(tlsCert), key: readText(tlsKey), ...ca };
}

function mqttOf({ mqttPort }: GatewayOptions): Fields | undefined {
  return mqttPort === undefined ? undefined : { port: numberOption("mqtt-port", mqttPort, 0, 65_535) };
}

/** Upstreams that name no CA of their own are verified by the one of the command line. */
function withCa(upstreams: unknown, path: string | undefined): unknown {
  if (path === undefined || !Array.isArray(upstreams)) return upstreams;
  const ca = readText(path);
  return upstreams.map((upstream: unknown) => (isFields(upstream) ? { ca, ...upstream } : upstream));
}

/**
 * What a gateway is started with. The gateway checks it field by field.
 *
 * @throws {CliError} ERR_USAGE when a file cannot be read.
 */
export function readGatewaySettings(options: GatewayOptions): GatewaySettings {
  const config = readConfig(options.config);
  const folder = dirname(resolve(options.config));
  if (!isFields(config)) return config as GatewaySettings;
  const clients = withFilesEach(config["clients"], folder);
  const upstreams = withCa(upstreamsOf(options) ?? withFilesEach(config["upstreams"], folder), options.ca);
  const tls = tlsOf(options) ?? withFiles(config["tls"], folder);
  const mqtt = mqttOf(options) ?? config["mqtt"];
  const optional = { ...(tls === undefined ? {} : { tls }), ...(mqtt === undefined ? {} : { mqtt }) };
  return { ...config, clients, upstreams, ...optional } as unknown as GatewaySettings;
}
