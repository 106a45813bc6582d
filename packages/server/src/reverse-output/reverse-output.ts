/**
 * Reverse output: a terminal gets its own streams back, signed by the server and sealed so that it alone opens them.
 *
 * Source: paper B §4, as corrected in docs/papers.md; docs/format.md §7.10.
 */
import { CryptoError, sealReturned, sha256, type RandomSource } from "@pericard/crypto";
import {
  FetchBack,
  FetchChallenge,
  ProtocolError,
  SUITE,
  type FetchWanted,
  type ReturnedContent,
} from "@pericard/protocol";
import type { Audit } from "../access/audit.ts";
import type { Catalog } from "../catalog/catalog.ts";
import { codeOf, ServerError } from "../errors.ts";
import type { StatementMaker } from "../ingest/statements.ts";
import type { KeyStorePort } from "../keys/key-store.ts";
import type { RegisteredTerminal } from "../keys/terminals.ts";
import type { SegmentReader } from "../retrieval/segment-reader.ts";
import { FetchPace } from "./fetch-pace.ts";
import { OwnRecordings } from "./own-recordings.ts";
import { listPage, streamPage } from "./return-pages.ts";

/** How long a challenge holds, in milliseconds of server time. */
export const CHALLENGE_LIFETIME_MS = 300_000;

export interface ReverseOutputParts {
  readonly catalog: Catalog;
  readonly keyStore: KeyStorePort;
  readonly reader: SegmentReader;
  readonly statements: StatementMaker;
  readonly audit: Audit;
  readonly random: RandomSource;
  readonly nowUnixMs: () => number;
  readonly monotonicMs: () => number;
}

type Asked = NonNullable<FetchBack["asked"]>;

export class ReverseOutput {
  readonly #parts: ReverseOutputParts;
  readonly #own: OwnRecordings;
  readonly #pace: FetchPace;

  constructor(parts: ReverseOutputParts) {
    this.#parts = parts;
    this.#own = new OwnRecordings(parts.keyStore, parts.catalog);
    this.#pace = new FetchPace(parts.monotonicMs);
  }

  /**
   * Answers a request whose signature is the terminal's.
   *
   * @param signed the request as it came. @param payload what it says.
   * @returns a challenge, or one returned page.
   * @throws {ServerError} ERR_SUITE_REFUSED, ERR_MESSAGE_REFUSED, ERR_FETCH_RATE, ERR_FETCH_CHALLENGE, ERR_FETCH_REPLAYED,
   * ERR_NOT_FOUND or ERR_DATA_UNREADABLE. @throws {ProtocolError} when it is malformed.
   */
  async answer(terminal: RegisteredTerminal, signed: Uint8Array, payload: Uint8Array): Promise<readonly Uint8Array[]> {
    const { serial, suite, agreePublicKey } = terminal;
    if (suite !== SUITE.pericard1 || !agreePublicKey) {
      throw new ServerError("ERR_SUITE_REFUSED", `terminal ${serial} has no key that something can be returned to`);
    }
    const request = FetchBack.decode(payload);
    if (request.routing !== terminal.routing) {
      throw new ServerError("ERR_MESSAGE_REFUSED", "request is another terminal's");
    }
    return this.#pace.run(serial, async () => {
      const { asked, cycle, index } = request;
      if (!asked) return [this.#challenge(terminal)];
      this.#requireChallenge(terminal, asked);
      await this.#requireNew(terminal, request.contact);
      const content = await this.#gather(terminal, asked.wanted);
      const { routing } = terminal;
      const keys = { agreePublicKey, returnKey: terminal.groupKey("return", cycle, index), cycle, index };
      const about = { routing, requestHash: sha256(signed) };
      return [this.#parts.statements.returned(sealReturned(keys, about, content, this.#parts.random))];
    });
  }

  #challenge({ routing }: RegisteredTerminal): Uint8Array {
    const { statements, random, nowUnixMs } = this.#parts;
    const issuedAtUnixMs = nowUnixMs();
    const expiresAtUnixMs = issuedAtUnixMs + CHALLENGE_LIFETIME_MS;
    return statements.fetchChallenge({ routing, nonce: random(32), issuedAtUnixMs, expiresAtUnixMs });
  }

  /** Nothing is kept of a challenge: its signature says that it is the server's, so any server may answer with it. */
  #requireChallenge({ routing }: RegisteredTerminal, { challenge }: Asked): void {
    const said = this.#readChallenge(challenge);
    const now = this.#parts.nowUnixMs();
    if (said?.routing === routing && said.issuedAtUnixMs <= now && now < said.expiresAtUnixMs) return;
    throw new ServerError("ERR_FETCH_CHALLENGE", "challenge is not one of this terminal's that holds now");
  }

  #readChallenge(challenge: Uint8Array): FetchChallenge | undefined {
    try {
      return FetchChallenge.decode(this.#parts.statements.readOwn("pericard/fetch-challenge", challenge));
    } catch (error) {
      if (error instanceof ProtocolError || error instanceof CryptoError) return undefined;
      throw error;
    }
  }

  async #requireNew({ serial }: RegisteredTerminal, contact: number): Promise<void> {
    if (await this.#parts.catalog.takeFetchContact(serial, contact)) return;
    throw new ServerError("ERR_FETCH_REPLAYED", "request is not newer than the last one");
  }

  /** What is given is in the audit trail before it leaves. */
  async #gather(terminal: RegisteredTerminal, wanted: FetchWanted): Promise<ReturnedContent> {
    try {
      const content = await this.#read(terminal, wanted);
      await this.#audit(terminal, wanted, "allowed");
      return content;
    } catch (error) {
      if (codeOf(error) === "ERR_NOT_FOUND") await this.#audit(terminal, wanted, "denied");
      throw error;
    }
  }

  async #read(terminal: RegisteredTerminal, wanted: FetchWanted): Promise<ReturnedContent> {
    if (wanted.kind === "list") return listPage(await this.#own.list(terminal), wanted.after);
    return streamPage(this.#parts, await this.#own.get(terminal, wanted.name.recording), wanted);
  }

  async #audit({ serial }: RegisteredTerminal, wanted: FetchWanted, outcome: "allowed" | "denied"): Promise<void> {
    const subject =
      wanted.kind === "list"
        ? `${serial} streams`
        : `${wanted.name.recording} ${wanted.name.stream} from ${wanted.from.sequence}+${wanted.from.offsetBytes}`;
    await this.#parts.audit.record({ actor: `terminal ${serial}`, action: "fetch back", subject, outcome });
  }
}
