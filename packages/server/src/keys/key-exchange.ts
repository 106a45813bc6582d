/**
 * The server's side of one key change: offers, orders, and learns what the terminal took. Every step is durable in every
 * copy of the key store before its message is sent, so that a step can be repeated with the same bytes.
 *
 * The steps know a suite's agreement and messages by their port alone; what the agreed secret seals is the crypto package's.
 *
 * Source: docs/format.md §7.8; docs/format-paper-2018.md §7; docs/keys.md, "A terminal's key life"; paper A §II.H.
 */
import { CryptoError, sha256, type KeyAgreement, type RandomSource } from "@pericard/crypto";
import type { KeyChange } from "@pericard/custody";
import {
  compareKeyUse,
  equalBytes,
  KeyRefused,
  KeyTaken,
  UINT32_MAX,
  type KeyAnswer,
  type KeyUse,
  type RoutingId,
  type TerminalId,
} from "@pericard/protocol";
import type { Audit } from "../access/audit.ts";
import { ServerError } from "../errors.ts";
import { paperMessages, pericardMessages, type ExchangeMessages } from "./exchange-messages.ts";
import { mayBegin } from "./key-policy.ts";
import type { KeyStorePort } from "./key-store.ts";
import { nameOf, type KeyWatch } from "./key-watch.ts";
import type { StatementSigner } from "./server-keys.ts";
import type { RegisteredTerminal } from "./terminals.ts";

export interface KeyExchangeParts {
  readonly keyStore: KeyStorePort;
  readonly watch: KeyWatch;
  readonly keys: StatementSigner;
  /** That of pericard-1. */
  readonly agreement: KeyAgreement;
  readonly audit: Audit;
  readonly random: RandomSource;
  readonly nowUnixMs: () => number;
}

/** Types that a terminal sends in a key change. That of paper-2018 is signed by nobody. */
export type KeyChangeType = ExchangeMessages["answerType"] | "pericard/key-taken" | "pericard/key-refused";

const FIRST_USE: KeyUse = { cycle: 0, index: 0, use: 0 };
const NOTHING: readonly Uint8Array[] = [];

/** Steps of every terminal's exchanges. The caller runs those of one terminal in turn. */
export class KeyExchange {
  readonly #parts: KeyExchangeParts;
  readonly #pericard: ExchangeMessages;

  constructor(parts: KeyExchangeParts) {
    this.#parts = parts;
    this.#pericard = pericardMessages(parts.keys, parts.agreement, parts.random);
  }

  /** Begins a change, ending what was under way. @returns M1. @throws {CustodyError} code ERR_KEY_CHANGE_VERSION. */
  async begin(terminal: RegisteredTerminal, version: number, maximum: number): Promise<Uint8Array> {
    const { keyStore, random, nowUnixMs } = this.#parts;
    const { serial, routing } = terminal;
    const { agreement, writeOffer } = this.#messagesOf(terminal);
    const { secret, publicKey } = agreement.draw(random);
    const offer = writeOffer({ routing, version, publicKey });
    await this.#audit("server", `key change ${version} offered: maximum ${maximum}`, serial, "done");
    await keyStore.beginKeyChange(serial, { version, maximum, offer, secret, begunAtUnixMs: nowUnixMs() });
    return offer;
  }

  /** Whether a terminal believes the newest message of a change that is under way. */
  isCurrent(terminal: RegisteredTerminal, { order, offer }: KeyChange): boolean {
    return this.#messagesOf(terminal).isCurrent(order ?? offer);
  }

  /** Ends a change that the terminal did not take. */
  async end(serial: TerminalId, version: number, state: "refused" | "cancelled", code: string): Promise<void> {
    const end = { state, endedAtUnixMs: this.#parts.nowUnixMs(), taken: null, code };
    await this.#parts.keyStore.endKeyChange(serial, version, end);
  }

  /**
   * Takes a message whose signature was verified as the terminal's, where its type has one.
   *
   * @returns what to answer at once: M3 to M2, or M1 of a higher version to a refusal.
   * @throws {ProtocolError} when it is malformed. @throws {ServerError} ERR_MESSAGE_REFUSED when it names another terminal,
   * ERR_SUITE_REFUSED when it answers as the other suite does.
   */
  take(terminal: RegisteredTerminal, type: KeyChangeType, message: Uint8Array, payload: Uint8Array) {
    const { answerType, readAnswer } = this.#messagesOf(terminal);
    if (type === answerType) return this.#takeAnswer(terminal, message, readAnswer(payload));
    if (type === "pericard/key-taken") return this.#takeTaken(terminal, KeyTaken.decode(payload));
    if (type === "pericard/key-refused") return this.#takeRefused(terminal, KeyRefused.decode(payload));
    throw new ServerError("ERR_SUITE_REFUSED", `terminal ${terminal.serial} is of another suite than a ${type}`);
  }

  async #takeAnswer(
    terminal: RegisteredTerminal,
    message: Uint8Array,
    { routing, offerHash, publicKey }: KeyAnswer,
  ): Promise<readonly Uint8Array[]> {
    requireMine(terminal, routing);
    const change = await this.#find(terminal.serial, ({ offer }) => equalBytes(sha256(offer), offerHash));
    if (!change) return this.#strange(terminal.serial, "answer to an offer that was not made");
    const answerHash = sha256(message);
    if (change.state === "offered") return this.#order(terminal, change, message, publicKey);
    if (change.answerHash && !equalBytes(change.answerHash, answerHash)) {
      await this.end(terminal.serial, change.version, "cancelled", "second-answer");
      return this.#strange(terminal.serial, `second answer to offer ${change.version}`);
    }
    return change.state === "ordered" && change.order ? [change.order] : NOTHING;
  }

  /** M3: kept first, then sent. The secret is forgotten in the same step. */
  async #order(
    terminal: RegisteredTerminal,
    change: KeyChange,
    answer: Uint8Array,
    publicKey: Uint8Array,
  ): Promise<readonly Uint8Array[]> {
    const { keyStore, watch, nowUnixMs } = this.#parts;
    const { serial } = terminal;
    const { version, maximum, offer } = change;
    const { agreement, writeOrder } = this.#messagesOf(terminal);
    const secret = await keyStore.openKeyChangeSecret(serial, version);
    const sharedSecret = secret && tryAgree(agreement, secret, publicKey);
    if (!sharedSecret) {
      await this.end(serial, version, "cancelled", "ERR_SHARED_SECRET");
      return this.#strange(serial, `answer to offer ${version} gives no secret`);
    }
    const { cycle, index, use } = (await watch.highWater(serial)) ?? FIRST_USE;
    const effectiveFrom = { cycle, index, use };
    const order = writeOrder(terminal, { sharedSecret, offer, answer }, { version, maximum, effectiveFrom });
    const ordered = { version, answerHash: sha256(answer), order, effectiveFrom, orderedAtUnixMs: nowUnixMs() };
    await this.#audit("server", `key change ${version} ordered: maximum ${maximum}`, serial, "done");
    return (await keyStore.orderKeyChange(serial, ordered)) ? [order] : NOTHING;
  }

  async #takeTaken(terminal: RegisteredTerminal, taken: KeyTaken): Promise<readonly Uint8Array[]> {
    const { routing, orderHash, version, cycle, index, use } = taken;
    requireMine(terminal, routing);
    const { serial } = terminal;
    const change = await this.#find(serial, ({ order }) => order !== null && equalBytes(sha256(order), orderHash));
    if (!change || change.version !== version) return this.#strange(serial, "order taken that was not given");
    if (change.state === "done") return NOTHING;
    const endedAtUnixMs = this.#parts.nowUnixMs();
    await this.#audit(`terminal ${serial}`, `key change ${version} taken at ${nameOf(taken)}`, serial, "done");
    const end = { state: "done", endedAtUnixMs, taken: { cycle, index, use }, code: null } as const;
    await this.#parts.keyStore.endKeyChange(serial, version, end);
    // The order named a use that the terminal had reached: one that is back before it was restored from a copy.
    if (change.effectiveFrom && compareKeyUse(taken, change.effectiveFrom) < 0) {
      await this.#parts.watch.alarm(serial, "use", `${nameOf(taken)} after ${nameOf(change.effectiveFrom)}`);
    }
    return NOTHING;
  }

  async #takeRefused(terminal: RegisteredTerminal, refused: KeyRefused): Promise<readonly Uint8Array[]> {
    const { routing, messageHash, version, code } = refused;
    requireMine(terminal, routing);
    const { serial } = terminal;
    const { changes } = await this.#parts.keyStore.keyLife(serial);
    const change = changes.find(({ offer, order }) =>
      [offer, order].some((message) => message !== null && equalBytes(sha256(message), messageHash)),
    );
    await this.#audit(`terminal ${serial}`, `key change refused: ${code}`, serial, "denied");
    if (change?.state !== "offered" && change?.state !== "ordered") return NOTHING;
    await this.end(serial, change.version, "refused", code);
    if (code === "ERR_KEY_CHANGE_UNKNOWN") await this.#strange(serial, "terminal forgot an exchange");
    const isAhead = code === "ERR_KEY_CHANGE_OLD" && version >= change.version && version < UINT32_MAX;
    if (!isAhead || !mayBegin(changes, this.#parts.nowUnixMs())) return NOTHING;
    await this.#strange(serial, `terminal answered version ${version}, which is not known here`);
    return [await this.begin(terminal, version + 1, change.maximum)];
  }

  async #find(serial: TerminalId, matches: (change: KeyChange) => boolean): Promise<KeyChange | undefined> {
    return (await this.#parts.keyStore.keyLife(serial)).changes.find(matches);
  }

  #messagesOf({ paper }: RegisteredTerminal): ExchangeMessages {
    return paper ? paperMessages(paper.leave) : this.#pericard;
  }

  async #strange(serial: TerminalId, detail: string): Promise<readonly Uint8Array[]> {
    await this.#parts.watch.alarm(serial, "exchange", detail);
    return NOTHING;
  }

  #audit(actor: string, action: string, subject: string, outcome: "done" | "denied"): Promise<unknown> {
    return this.#parts.audit.record({ actor, action, subject, outcome });
  }
}

function tryAgree(agreement: KeyAgreement, secret: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined {
  try {
    return agreement.agree(secret, publicKey);
  } catch (error) {
    if (error instanceof CryptoError && error.code === "ERR_SHARED_SECRET") return undefined;
    throw error;
  }
}

function requireMine({ routing }: RegisteredTerminal, named: RoutingId): void {
  if (named !== routing) throw new ServerError("ERR_MESSAGE_REFUSED", "message is another terminal's");
}
