/**
 * What a terminal is told beside its module: nothing secret but the tokens that admit it to its gateways.
 *
 * Source: docs/format.md §11.4.
 */
import type { Folder } from "@pericard/framelog";
import { fromHex, RoutingId, TenantId, TerminalId, toHex } from "@pericard/protocol";
import { TrsmError } from "./errors.ts";

const PROVISION_FILE = "terminal.json";
const FORMAT = "pericard/terminal";

/** One place to upload to, a gateway or a server, and the token that admits this terminal there. */
export interface UploadTarget {
  readonly url: string;
  readonly token: string;
}

export interface Provision {
  readonly serial: TerminalId;
  readonly tenant: TenantId;
  readonly routing: RoutingId;
  /** Signed key statements, as the server issued them. */
  readonly statements: readonly Uint8Array[];
  /** Ordered: the first that answers is used. */
  readonly targets: readonly UploadTarget[];
}

/** Writes the provision durably, in place of an older one. */
export function writeProvision(folder: Folder, provision: Provision): void {
  const { statements, ...rest } = provision;
  const text = JSON.stringify({ format: FORMAT, version: 1, ...rest, statements: statements.map(toHex) }, null, 2);
  folder.replace(PROVISION_FILE, new TextEncoder().encode(`${text}\n`));
}

/** @throws {TrsmError} ERR_TRSM_PROVISION when the file is missing or not a provision. */
export function readProvision(folder: Folder): Provision {
  const bytes = folder.read(PROVISION_FILE);
  if (!bytes) throw new TrsmError("ERR_TRSM_PROVISION", `${PROVISION_FILE} is missing: deploy the terminal first`);
  try {
    return parseProvision(JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>);
  } catch (cause) {
    throw new TrsmError("ERR_TRSM_PROVISION", `${PROVISION_FILE} is not a terminal's provision`, { cause });
  }
}

function parseProvision(value: Record<string, unknown>): Provision {
  const { format, version, statements, targets } = value;
  if (format !== FORMAT || version !== 1 || !Array.isArray(statements) || !Array.isArray(targets)) {
    throw new TypeError("provision has another format");
  }
  return {
    serial: TerminalId.parse(String(value["serial"])),
    tenant: TenantId.parse(String(value["tenant"])),
    routing: RoutingId.parse(String(value["routing"])),
    statements: statements.map((statement) => fromHex(String(statement))),
    targets: targets.map(parseTarget),
  };
}

/** HTTP and MQTT, in clear or over TLS. */
const TARGET_PROTOCOLS = /^(?:https?|mqtts?):$/;

/** Checks a target. @throws {TypeError} when it has no token, or no address that a terminal can upload to. */
export function parseTarget(value: unknown): UploadTarget {
  const { url, token } = value as Record<string, unknown>;
  if (typeof url !== "string" || typeof token !== "string" || !TARGET_PROTOCOLS.test(new URL(url).protocol)) {
    throw new TypeError("upload target has no url and token");
  }
  return { url, token };
}
