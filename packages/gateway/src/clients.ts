/** Who is at the door. Source: RFC 6750 §2.1. */
import { utf8 } from "@pericard/protocol";
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

function bearerToken(authorization: string | undefined): Uint8Array | undefined {
  const token = /^bearer +([\x21-\x7e]{1,512})$/i.exec(authorization ?? "")?.[1];
  return token === undefined ? undefined : utf8(token);
}

/** The configured clients. */
export class ClientRegistry {
  readonly #known: readonly { readonly client: ClientConfig; readonly token: Uint8Array }[];

  constructor(clients: readonly ClientConfig[]) {
    this.#known = clients.map((client) => ({ client, token: utf8(client.token) }));
  }

  /**
   * The client whose token an Authorization header carries. Every known token is compared, also after a match.
   *
   * @throws {GatewayError} ERR_CLIENT_UNKNOWN, which does not tell a missing token from a wrong one.
   */
  admit(authorization: string | undefined): ClientConfig {
    const given = bearerToken(authorization) ?? new Uint8Array(0);
    let found: ClientConfig | undefined;
    for (const { client, token } of this.#known) if (equalTokens(token, given)) found = client;
    if (found) return found;
    throw new GatewayError("ERR_CLIENT_UNKNOWN", "request carries no token of a known client");
  }
}
