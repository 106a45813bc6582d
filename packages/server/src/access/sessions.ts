/** Sessions of signed-in accounts: a random token in a cookie, its hash in the catalog. */
import { sha256, type RandomSource } from "@pericard/crypto";
import type { Account } from "@pericard/custody";
import { utf8 } from "@pericard/protocol";
import type { Catalog } from "../catalog/catalog.ts";
import { codeOf, ServerError } from "../errors.ts";
import type { KeyStorePort } from "../keys/key-store.ts";
import type { Audit } from "./audit.ts";

/** How long a session lasts, in milliseconds. */
export const SESSION_LIFETIME_MS = 12 * 3600 * 1000;

export interface Session {
  readonly token: string;
  readonly account: Account;
  readonly expiresAtUnixMs: number;
}

export interface SessionParts {
  readonly keyStore: KeyStorePort;
  readonly catalog: Catalog;
  readonly audit: Audit;
  readonly random: RandomSource;
  readonly nowUnixMs: () => number;
}

export class Sessions {
  readonly #parts: SessionParts;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** Opens a session for a one-time token. @throws {ServerError} ERR_SIGN_IN_LINK. */
  async open(linkToken: string): Promise<Session> {
    const { keyStore, catalog, audit, random, nowUnixMs } = this.#parts;
    const account = await keyStore.redeemSignInLink(linkToken, nowUnixMs()).catch((cause: unknown) => {
      if (codeOf(cause) !== "ERR_SIGN_IN_LINK") throw cause;
      throw new ServerError("ERR_SIGN_IN_LINK", "sign-in link was used before or has expired", { cause });
    });
    const token = Buffer.from(random(32)).toString("base64url");
    const now = nowUnixMs();
    const expiresAtUnixMs = now + SESSION_LIFETIME_MS;
    await catalog.storeSession(sha256(utf8(token)), account.id, expiresAtUnixMs, now);
    await audit.record({ actor: actorOf(account), action: "sign in", subject: account.id, outcome: "done" });
    return { token, account, expiresAtUnixMs };
  }

  /** The session of a token. @throws {ServerError} ERR_SIGN_IN_NEEDED when there is none. */
  async require(token: string | undefined): Promise<Omit<Session, "token">> {
    const { catalog, keyStore, nowUnixMs } = this.#parts;
    const found = token === undefined ? null : await catalog.findSession(sha256(utf8(token)), nowUnixMs());
    const account = found && (await keyStore.findAccount(found.account));
    if (!found || !account) throw new ServerError("ERR_SIGN_IN_NEEDED", "sign in first");
    return { account, expiresAtUnixMs: found.expiresAtUnixMs };
  }

  /** Ends a session. */
  async close(token: string): Promise<void> {
    await this.#parts.catalog.removeSession(sha256(utf8(token)));
  }
}

/** How the audit trail names an account. */
export function actorOf(account: Account): string {
  return `${account.role} ${account.id}`;
}
