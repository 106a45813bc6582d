/** The settings of a gateway: its file, with secrets from files of their own, and what the command line puts in place of it. */
import type { GatewaySettings } from "@pericard/gateway";
import { dirname, resolve } from "node:path";
import { CliError } from "./errors.ts";
import { readSecret, readText } from "./secret-file.ts";

/** Options of the command line that stand in place of settings in the file. */
export interface GatewayOptions {
  readonly config: string;
  /** In order of preference; the token of each is in the file named at the same place of `upstreamToken`. */
  readonly upstream?: readonly string[];
  readonly upstreamToken?: readonly string[];
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

/** An entry of a list with the token of its `tokenFile`, when it has one. Paths are relative to the configuration's folder. */
function withToken(entry: unknown, folder: string): unknown {
  if (!isFields(entry) || typeof entry["tokenFile"] !== "string") return entry;
  const { tokenFile, ...rest } = entry;
  return { ...rest, token: readSecret(resolve(folder, tokenFile)) };
}

function withTokens(list: unknown, folder: string): unknown {
  return Array.isArray(list) ? list.map((entry) => withToken(entry, folder)) : list;
}

function upstreamsOf({ upstream = [], upstreamToken = [] }: GatewayOptions): readonly Fields[] | undefined {
  if (upstream.length !== upstreamToken.length) {
    throw new CliError("ERR_USAGE", "--upstream and --upstream-token must be given equally often");
  }
  if (upstream.length === 0) return undefined;
  return upstream.map((url, i) => ({ url, token: readSecret(upstreamToken[i] ?? "") }));
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
  const clients = withTokens(config["clients"], folder);
  const upstreams = upstreamsOf(options) ?? withTokens(config["upstreams"], folder);
  return { ...config, clients, upstreams } as unknown as GatewaySettings;
}
