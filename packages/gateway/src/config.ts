/** The gateway's configuration: a JSON file's value, checked field by field. Source: docs/operating/gateway.md. */
import { isIP } from "node:net";
import { GatewayError } from "./errors.ts";
import { SPOOL_BYTES_DEFAULT, UPSTREAMS_MAX } from "./limits.ts";

/** Who may hand in messages: a terminal, or another gateway. */
export interface ClientConfig {
  /** 1 to 64 of a-z, A-Z, 0-9, dot, dash, underscore; appears in logs. */
  readonly name: string;
  /** Bearer token, 16 to 512 visible ASCII characters. */
  readonly token: string;
  /** Bytes on disk that this client's waiting items may take. */
  readonly spoolBytesMax: number;
}

/** Where items go. */
export interface UpstreamConfig {
  /** http or https, with a path prefix or none; the upload path is put behind it. */
  readonly url: string;
  readonly token: string;
  /** For one request, 100 to 600000. A status may take its waiting time longer. */
  readonly timeoutMs: number;
}

/** A checked configuration. */
export interface GatewayConfig {
  readonly host: string;
  /** 0 lets the system choose one. */
  readonly port: number;
  /** Folder of the spool, of this gateway alone. */
  readonly folderPath: string;
  /** Bytes on disk at which clients get 503, at least 64 KiB. Below about 40 MiB large envelopes never fit. */
  readonly spoolBytesMax: number;
  readonly clients: readonly ClientConfig[];
  /** In order of preference. */
  readonly upstreams: readonly UpstreamConfig[];
}

/** A configuration as written: what has a default may be left out. */
export type GatewaySettings = Pick<GatewayConfig, "port" | "folderPath"> &
  Partial<Pick<GatewayConfig, "host" | "spoolBytesMax">> & {
    readonly clients: readonly (Omit<ClientConfig, "spoolBytesMax"> & Partial<ClientConfig>)[];
    readonly upstreams: readonly (Omit<UpstreamConfig, "timeoutMs"> & Partial<UpstreamConfig>)[];
  };

const SPOOL_BYTES_MIN = 64 * 1024;

type Fields = Readonly<Record<string, unknown>>;

function refuse(field: string, wanted: string): never {
  throw new GatewayError("ERR_GATEWAY_CONFIG", `${field} is not ${wanted}`);
}

function readFields(field: string, value: unknown, names: readonly string[]): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return refuse(field, "an object");
  const strange = Object.keys(value).find((name) => !names.includes(name));
  return strange === undefined ? (value as Fields) : refuse(`${field}.${strange}`, "a setting");
}

function readInteger(field: string, value: unknown, min: number, max: number): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max
    ? value
    : refuse(field, `an integer from ${min} to ${max}`);
}

function readPattern(field: string, value: unknown, pattern: RegExp, wanted: string): string {
  return typeof value === "string" && pattern.test(value) ? value : refuse(field, wanted);
}

function readToken(field: string, value: unknown): string {
  return readPattern(field, value, /^[\x21-\x7e]{16,512}$/, "16 to 512 visible ASCII characters");
}

function readHost(value: unknown): string {
  const host = readPattern("host", value, /^[0-9A-Za-z.:%_-]{1,253}$/, "a host name or address");
  return host.includes(":") && isIP(host) === 0 ? refuse("host", "a host name or address") : host;
}

function readUrl(field: string, value: unknown): string {
  const url = typeof value === "string" && URL.canParse(value) ? new URL(value) : undefined;
  const plain = url && !url.username && !url.password && !url.search && !url.hash;
  return plain && /^https?:$/.test(url.protocol)
    ? url.href
    : refuse(field, "an http or https address without user, query and fragment");
}

function readClient(field: string, value: unknown, spoolBytesMax: number): ClientConfig {
  const fields = readFields(field, value, ["name", "token", "spoolBytesMax"]);
  return {
    name: readPattern(`${field}.name`, fields["name"], /^[\w.-]{1,64}$/, "1 to 64 letters, digits, dots and dashes"),
    token: readToken(`${field}.token`, fields["token"]),
    spoolBytesMax: readInteger(`${field}.spoolBytesMax`, fields["spoolBytesMax"] ?? spoolBytesMax, 1, 2 ** 50),
  };
}

function readClients(value: unknown, spoolBytesMax: number): readonly ClientConfig[] {
  if (!Array.isArray(value) || value.length === 0) return refuse("clients", "a list of one client or more");
  const clients = value.map((client, i) => readClient(`clients[${i}]`, client, spoolBytesMax));
  refuseSame("clients", clients, ["name", "token"]);
  return clients;
}

function readUpstream(field: string, value: unknown): UpstreamConfig {
  const fields = readFields(field, value, ["url", "token", "timeoutMs"]);
  return {
    url: readUrl(`${field}.url`, fields["url"]),
    token: readToken(`${field}.token`, fields["token"]),
    timeoutMs: readInteger(`${field}.timeoutMs`, fields["timeoutMs"] ?? 30_000, 100, 600_000),
  };
}

function readUpstreams(value: unknown): readonly UpstreamConfig[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > UPSTREAMS_MAX) {
    return refuse("upstreams", `a list of 1 to ${UPSTREAMS_MAX} upstreams`);
  }
  const upstreams = value.map((upstream, i) => readUpstream(`upstreams[${i}]`, upstream));
  refuseSame("upstreams", upstreams, ["url"]);
  return upstreams;
}

/** Refuses a list of which two say the same in one of the fields. */
function refuseSame<T extends object>(field: string, list: readonly T[], keys: readonly (keyof T & string)[]): void {
  for (const key of keys) {
    const second = list.findIndex((one, i) => list.findIndex((other) => other[key] === one[key]) < i);
    if (second >= 0) refuse(`${field}[${second}].${key}`, "different from every other one's");
  }
}

/**
 * Checks a configuration and fills in what was left out: host 127.0.0.1, spool 2 GiB, no quota of a client's own,
 * upstream timeout 30 s.
 *
 * @throws {GatewayError} ERR_GATEWAY_CONFIG naming the first field that is wrong, never its value.
 */
export function readGatewayConfig(value: unknown): GatewayConfig {
  const names = ["host", "port", "folderPath", "spoolBytesMax", "clients", "upstreams"];
  const fields = readFields("gateway", value, names);
  const { host = "127.0.0.1", port, folderPath, clients, upstreams } = fields;
  const bytes = fields["spoolBytesMax"] ?? SPOOL_BYTES_DEFAULT;
  const spoolBytesMax = readInteger("spoolBytesMax", bytes, SPOOL_BYTES_MIN, 2 ** 50);
  return {
    host: readHost(host),
    port: readInteger("port", port, 0, 65_535),
    folderPath: readPattern("folderPath", folderPath, /^[^\0]+$/, "a path"),
    spoolBytesMax,
    clients: readClients(clients, spoolBytesMax),
    upstreams: readUpstreams(upstreams),
  };
}
