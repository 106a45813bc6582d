/** Who is at the door. Source: RFC 6750 §2.1; RFC 8446 §4.4.2. */
import { utf8, type RoutingId } from "@pericard/protocol";
import type { ClientConfig } from "./config.ts";
import { GatewayError } from "./errors.ts";

/**
 * Whether two secrets are the same, in a time that depends on the length of `given` alone. Written out, because this
 * package imports no cryptography.
 */
export function equalTokens(known: Uint8Array, given: Uint8Array): boolean {
  let difference = known.length ^ given.length;
  for (let i = 0; i < given.length; i += 1) difference |= (known[i % known.length] ?? 0) ^ (given[i] ?? 0);
  return difference === 0;
}

const TOKEN_BYTES_MAX = 512;

/** What a client shows of itself. */
export interface Credential {
  /** Its token. */
  readonly token: Uint8Array | undefined;
  /** Common name of its certificate, when the gateway's client CA has signed it. */
  readonly commonName: string | undefined;
}

/** The token of an Authorization header, or undefined. */
export function bearerToken(authorization: string | undefined): Uint8Array | undefined {
  const token = /^bearer +([\x21-\x7e]{1,512})$/i.exec(authorization ?? "")?.[1];
  return token === undefined ? undefined : utf8(token);
}

/** As much of a TLS socket as says whose certificate the other side has shown. */
interface PeerSocket {
  readonly authorized?: boolean;
  getPeerCertificate?(): { readonly subject?: { readonly CN?: string | readonly string[] } };
}

/** The common name of the certificate that the other side has shown and proved; undefined when there is none, or several. */
export function peerName(socket: object): string | undefined {
  const peer: PeerSocket = socket;
  if (peer.authorized !== true) return undefined;
  const name = peer.getPeerCertificate?.().subject?.CN;
  return typeof name === "string" ? name : undefined;
}

/** The configured clients. */
export class ClientRegistry {
  readonly #byToken: readonly { readonly client: ClientConfig; readonly token: Uint8Array }[];
  readonly #byName: ReadonlyMap<string, ClientConfig>;
  readonly #routings: ReadonlyMap<ClientConfig, ReadonlySet<RoutingId>>;

  constructor(clients: readonly ClientConfig[]) {
    this.#byToken = clients.flatMap((client) =>
      client.token === undefined ? [] : [{ client, token: utf8(client.token) }],
    );
    this.#byName = new Map(
      clients.flatMap((client) => (client.commonName === undefined ? [] : [[client.commonName, client]])),
    );
    this.#routings = new Map(
      clients.flatMap((client) => (client.routings ? [[client, new Set(client.routings)]] : [])),
    );
  }

  /**
   * The client that a credential belongs to: by its token when that is known, else by its certificate. Every known token is
   * compared, also after a match.
   *
   * @throws {GatewayError} ERR_CLIENT_UNKNOWN, which does not tell a missing credential from a wrong one.
   */
  admit({ token, commonName }: Credential): ClientConfig {
    const found = (token && this.#find(token)) ?? this.#byName.get(commonName ?? "");
    if (found) return found;
    throw new GatewayError("ERR_CLIENT_UNKNOWN", "client shows no token or certificate that is known");
  }

  /** Whether a client may speak for a terminal. */
  speaksFor(client: ClientConfig, routing: RoutingId): boolean {
    return this.#routings.get(client)?.has(routing) ?? client.routings === undefined;
  }

  /** @throws {GatewayError} ERR_ROUTING_FOREIGN when a client may not speak for a terminal. */
  requireSpeaksFor(client: ClientConfig, routing: RoutingId): void {
    if (this.speaksFor(client, routing)) return;
    throw new GatewayError("ERR_ROUTING_FOREIGN", `client ${client.name} does not speak for this terminal`);
  }

  #find(given: Uint8Array): ClientConfig | undefined {
    if (given.length > TOKEN_BYTES_MAX) return undefined;
    let found: ClientConfig | undefined;
    for (const { client, token } of this.#byToken) if (equalTokens(token, given)) found = client;
    return found;
  }
}
