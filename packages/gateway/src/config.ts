/** The gateway's configuration: a JSON file's value, checked field by field. Source: docs/operating/gateway.md. */
import { RoutingId } from "@pericard/protocol";
import {
  readFields,
  readHost,
  readInteger,
  readPattern,
  readPem,
  readToken,
  readUrl,
  refuse,
  refuseSame,
  type Fields,
} from "./config-fields.ts";
import { SPOOL_BYTES_DEFAULT, UPSTREAMS_MAX } from "./limits.ts";

/** Who may hand in messages: a terminal, or another gateway. It is known by its token or by its certificate. */
export interface ClientConfig {
  /** 1 to 64 of a-z, A-Z, 0-9, dot, dash, underscore; appears in logs. */
  readonly name: string;
  /** Bearer token, 16 to 512 visible ASCII characters; undefined for a client with a certificate. */
  readonly token: string | undefined;
  /** Common name of its certificate, which the gateway's client CA has signed; undefined for a client with a token. */
  readonly commonName: string | undefined;
  /** The routing ids that it may speak for; undefined for a gateway, which speaks for many. */
  readonly routings: readonly RoutingId[] | undefined;
  /** Bytes on disk that this client's waiting items may take. */
  readonly spoolBytesMax: number;
}

/** Certificates of the other side, and what this side shows of itself, as texts of PEM files. */
export interface TlsClientConfig {
  /** Who signs the other side's certificate; undefined for those whom the system trusts. */
  readonly ca: string | undefined;
  /** Both or none. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** Where items go. */
export interface UpstreamConfig extends TlsClientConfig {
  /** http or https, with a path prefix or none; the upload path is put behind it. */
  readonly url: string;
  readonly token: string | undefined;
  /** For one request, 100 to 600000. A status may take its waiting time longer. */
  readonly timeoutMs: number;
}

/** What the gateway shows to its clients, as texts of PEM files. */
export interface TlsConfig {
  readonly cert: string;
  readonly key: string;
  /** Who signs clients' certificates; undefined when clients have tokens alone. */
  readonly clientCa: string | undefined;
}

/** Where MQTT is listened for. */
export interface MqttConfig {
  readonly host: string;
  /** 0 lets the system choose one. */
  readonly port: number;
}

/** A checked configuration. */
export interface GatewayConfig {
  readonly host: string;
  /** 0 lets the system choose one. */
  readonly port: number;
  /** With it the gateway speaks TLS alone. */
  readonly tls: TlsConfig | undefined;
  /** undefined: no MQTT. */
  readonly mqtt: MqttConfig | undefined;
  /** Folder of the spool, of this gateway alone. */
  readonly folderPath: string;
  /** Bytes on disk at which clients get 503, at least 64 KiB. Below about 40 MiB large envelopes never fit. */
  readonly spoolBytesMax: number;
  readonly clients: readonly ClientConfig[];
  /** In order of preference. */
  readonly upstreams: readonly UpstreamConfig[];
}

/** As written: what has a default may be left out. */
type Written<T, Required extends keyof T> = Pick<T, Required> & Partial<T>;

/** A configuration as written. */
export type GatewaySettings = Pick<GatewayConfig, "port" | "folderPath"> &
  Partial<Pick<GatewayConfig, "host" | "spoolBytesMax">> & {
    readonly tls?: Written<TlsConfig, "cert" | "key"> | undefined;
    readonly mqtt?: Written<MqttConfig, "port"> | undefined;
    readonly clients: readonly (Written<Omit<ClientConfig, "routings">, "name"> & {
      readonly routings?: readonly string[];
    })[];
    readonly upstreams: readonly Written<UpstreamConfig, "url">[];
  };

const SPOOL_BYTES_MIN = 64 * 1024;

/** Routing ids of one client, at most. */
const ROUTINGS_MAX = 10_000;

function readOptionalField<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === undefined ? undefined : read(value);
}

function readRoutings(field: string, value: unknown): readonly RoutingId[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > ROUTINGS_MAX) {
    return refuse(field, `a list of 1 to ${ROUTINGS_MAX} routing ids`);
  }
  return value.map((routing, i) =>
    RoutingId.parse(readPattern(`${field}[${i}]`, routing, /^[0-9a-f]{16}$/, "a routing id, 16 hexadecimal digits")),
  );
}

function readClient(field: string, value: unknown, spoolBytesMax: number): ClientConfig {
  const fields = readFields(field, value, ["name", "token", "commonName", "routings", "spoolBytesMax"]);
  const { token, commonName } = fields;
  if ((token === undefined) === (commonName === undefined)) refuse(field, "known by either a token or a commonName");
  return {
    name: readPattern(`${field}.name`, fields["name"], /^[\w.-]{1,64}$/, "1 to 64 letters, digits, dots and dashes"),
    token: readOptionalField(token, (one) => readToken(`${field}.token`, one)),
    commonName: readOptionalField(commonName, (one) =>
      readPattern(`${field}.commonName`, one, /^[\x20-\x7e]{1,64}$/, "1 to 64 ASCII characters"),
    ),
    routings: readOptionalField(fields["routings"], (one) => readRoutings(`${field}.routings`, one)),
    spoolBytesMax: readInteger(`${field}.spoolBytesMax`, fields["spoolBytesMax"] ?? spoolBytesMax, 1, 2 ** 50),
  };
}

function readClients(value: unknown, spoolBytesMax: number): readonly ClientConfig[] {
  if (!Array.isArray(value) || value.length === 0) return refuse("clients", "a list of one client or more");
  const clients = value.map((client, i) => readClient(`clients[${i}]`, client, spoolBytesMax));
  refuseSame("clients", clients, ["name", "token", "commonName"]);
  return clients;
}

function readTls(value: unknown): TlsConfig {
  const fields = readFields("tls", value, ["cert", "key", "clientCa"]);
  return {
    cert: readPem("tls.cert", fields["cert"]),
    key: readPem("tls.key", fields["key"]),
    clientCa: readOptionalField(fields["clientCa"], (one) => readPem("tls.clientCa", one)),
  };
}

function readMqtt(value: unknown, host: string): MqttConfig {
  const fields = readFields("mqtt", value, ["host", "port"]);
  return {
    host: readHost("mqtt.host", fields["host"] ?? host),
    port: readInteger("mqtt.port", fields["port"], 0, 65_535),
  };
}

/** A token goes over TLS or to where somebody wanted it otherwise; certificates make sense with TLS alone. */
function readUpstream(field: string, value: unknown): UpstreamConfig {
  const fields = readFields(field, value, ["url", "token", "timeoutMs", "ca", "cert", "key"]);
  const url = readUrl(`${field}.url`, fields["url"]);
  const pem = (name: string): string | undefined =>
    readOptionalField(fields[name], (one) => readPem(`${field}.${name}`, one));
  const [ca, cert, key] = [pem("ca"), pem("cert"), pem("key")];
  if ((cert === undefined) !== (key === undefined)) refuse(`${field}.key`, "given together with cert");
  if ((ca ?? cert) !== undefined && !url.startsWith("https:"))
    refuse(`${field}.url`, "an https address, as ca and cert want");
  if (fields["token"] === undefined && cert === undefined) refuse(`${field}.token`, "given, and there is no cert");
  const token = readOptionalField(fields["token"], (one) => readToken(`${field}.token`, one));
  const timeoutMs = readInteger(`${field}.timeoutMs`, fields["timeoutMs"] ?? 30_000, 100, 600_000);
  return { url, token, timeoutMs, ca, cert, key };
}

function readUpstreams(value: unknown): readonly UpstreamConfig[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > UPSTREAMS_MAX) {
    return refuse("upstreams", `a list of 1 to ${UPSTREAMS_MAX} upstreams`);
  }
  const upstreams = value.map((upstream, i) => readUpstream(`upstreams[${i}]`, upstream));
  refuseSame("upstreams", upstreams, ["url"]);
  return upstreams;
}

/** A certificate is looked at when there is TLS and somebody to vouch for it. */
function requireClientCa(clients: readonly ClientConfig[], tls: TlsConfig | undefined): void {
  const at = clients.findIndex(({ commonName }) => commonName !== undefined);
  if (at >= 0 && tls?.clientCa === undefined) refuse(`clients[${at}].commonName`, "of use without tls.clientCa");
}

/**
 * Checks a configuration and fills in what was left out: host 127.0.0.1, spool 2 GiB, no quota of a client's own,
 * upstream timeout 30 s, no TLS.
 *
 * @throws {GatewayError} ERR_GATEWAY_CONFIG naming the first field that is wrong, never its value.
 */
export function readGatewayConfig(value: unknown): GatewayConfig {
  const names = ["host", "port", "tls", "mqtt", "folderPath", "spoolBytesMax", "clients", "upstreams"];
  const fields: Fields = readFields("gateway", value, names);
  const { port, folderPath } = fields;
  const host = readHost("host", fields["host"] ?? "127.0.0.1");
  const bytes = fields["spoolBytesMax"] ?? SPOOL_BYTES_DEFAULT;
  const spoolBytesMax = readInteger("spoolBytesMax", bytes, SPOOL_BYTES_MIN, 2 ** 50);
  const tls = readOptionalField(fields["tls"], readTls);
  const clients = readClients(fields["clients"], spoolBytesMax);
  requireClientCa(clients, tls);
  return {
    host,
    port: readInteger("port", port, 0, 65_535),
    tls,
    mqtt: readOptionalField(fields["mqtt"], (one) => readMqtt(one, host)),
    folderPath: readPattern("folderPath", folderPath, /^[^\0]+$/, "a path"),
    spoolBytesMax,
    clients,
    upstreams: readUpstreams(fields["upstreams"]),
  };
}
