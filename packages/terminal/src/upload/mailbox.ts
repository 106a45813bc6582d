/**
 * Mail from the server: every message is verified before anything is done on its word; one that is not is counted and
 * ignored. The key change of suite paper-2018 has nothing to verify: a terminal of that suite alone takes it.
 *
 * Source: docs/format.md §7, §9.2; docs/format-paper-2018.md §7.
 */
import { CryptoError } from "@pericard/crypto";
import {
  Command,
  Conflict,
  decodeMail,
  Erased,
  isPaperKeyMessage,
  parseSigned,
  ProtocolError,
  readPaperKeyMessage,
  Receipt,
  Rejected,
  Rewrap,
  type RoutingId,
} from "@pericard/protocol";
import { TerminalError } from "../errors.ts";
import { isDiskError } from "../journal/journal-error.ts";
import type { ServerTrust } from "../server-trust.ts";
import type { KeyChangeType } from "./key-change-actions.ts";

/** What is done on the server's word. Each returns whether it was news. */
export interface MailActions {
  receipt(receipt: Receipt): boolean;
  conflict(conflict: Conflict): boolean;
  rejected(rejected: Rejected): boolean;
  rewrap(rewrap: Rewrap): boolean;
  erased(erased: Erased): boolean;
  command(command: Command): boolean;
  /** An offer or order of a key change, as it came. @throws {ProtocolError} when it is of another suite than the terminal. */
  keyChange(type: KeyChangeType, message: Uint8Array): boolean;
  /** A key statement that was taken: the trusted keys changed. */
  keysChanged(): void;
}

/** Reads mail for one terminal. */
export class Mailbox {
  readonly #routing: RoutingId;
  readonly #trust: ServerTrust;
  readonly #actions: MailActions;
  #badCount = 0;

  constructor(routing: RoutingId, trust: ServerTrust, actions: MailActions) {
    this.#routing = routing;
    this.#trust = trust;
    this.#actions = actions;
  }

  /** Messages that were malformed, not the server's, or for another terminal. */
  get badCount(): number {
    return this.#badCount;
  }

  /**
   * Takes one answer's mail. Whether anything in it was news. What a failed disk does not allow is left undone: the server
   * says it again when the item is sent again.
   */
  take(mail: Uint8Array): boolean {
    let news = false;
    for (const message of this.#messages(mail)) {
      const isNews = this.#trying(() => this.#takeMessage(message));
      news = (isNews ?? false) || news;
    }
    return news;
  }

  #messages(mail: Uint8Array): readonly Uint8Array[] {
    return this.#trying(() => decodeMail(mail)) ?? [];
  }

  #takeMessage(message: Uint8Array): boolean {
    if (isPaperKeyMessage(message)) return this.#takePaperKeyMessage(message);
    if (parseSigned(message).type === "pericard/key-statement") return this.#takeStatement(message);
    const { type, payload } = this.#trust.verify(message);
    const actions = this.#actions;
    if (type === "pericard/receipt") return actions.receipt(this.#mine(Receipt.decode(payload)));
    if (type === "pericard/conflict") return actions.conflict(this.#mine(Conflict.decode(payload)));
    if (type === "pericard/rejected") return actions.rejected(this.#mine(Rejected.decode(payload)));
    if (type === "pericard/rewrap") return actions.rewrap(this.#mine(Rewrap.decode(payload)));
    if (type === "pericard/erased") return actions.erased(this.#mine(Erased.decode(payload)));
    if (type === "pericard/command") return actions.command(this.#mine(Command.decode(payload)));
    if (type === "pericard/key-offer" || type === "pericard/key-order") return actions.keyChange(type, message);
    throw new ProtocolError("ERR_TYPE_MISMATCH", "message is none that a server sends");
  }

  #takePaperKeyMessage(message: Uint8Array): boolean {
    const { type } = this.#mine(readPaperKeyMessage(message));
    if (type !== "paper-2018/key-answer") return this.#actions.keyChange(type, message);
    throw new ProtocolError("ERR_TYPE_MISMATCH", "message is none that a server sends");
  }

  #takeStatement(message: Uint8Array): boolean {
    if (!this.#trust.accept(message)) return false;
    this.#actions.keysChanged();
    return true;
  }

  #mine<T extends { readonly routing: RoutingId }>(statement: T): T {
    if (statement.routing === this.#routing) return statement;
    throw new ProtocolError("ERR_FIELD_RANGE", "message is for another terminal");
  }

  /** undefined when the message is bad, or when the disk failed on the way; every other error is thrown. */
  #trying<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (isBad(error)) this.#badCount += 1;
      else if (!isDiskError(error)) throw error;
      return undefined;
    }
  }
}

function isBad(error: unknown): boolean {
  if (error instanceof TerminalError) return error.code === "ERR_SERVER_UNTRUSTED";
  return error instanceof ProtocolError || error instanceof CryptoError;
}
