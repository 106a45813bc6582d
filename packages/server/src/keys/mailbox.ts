/**
 * The mailbox: signed messages that wait for a terminal, each with a number that rises and an expiry.
 *
 * Receipts and refusals are not kept here: they answer an upload and are made again, from the rows, for the same upload.
 * Commands are kept in memory: whoever gives one gives it again for as long as it holds.
 */
import { signMessage } from "@pericard/crypto";
import { Command, KeyId, type RoutingId } from "@pericard/protocol";
import type { StatementSigner } from "./server-keys.ts";

interface Letter {
  readonly name: Command["name"];
  readonly mailNumber: number;
  readonly expiresAtUnixMs: number;
  readonly message: Uint8Array;
}

/** Answers that may wait for one terminal's mail. It asks one at a time; a new one ends the oldest. */
const WAITING_PER_TERMINAL_MAX = 4;

/** Messages that wait, and who waits for messages. */
export class Mailbox {
  readonly #letters = new Map<RoutingId, Letter[]>();
  readonly #waiting = new Map<RoutingId, Set<() => void>>();
  readonly #keys: StatementSigner;
  readonly #nowUnixMs: () => number;
  #lastNumber = 0;

  constructor(keys: StatementSigner, nowUnixMs: () => number) {
    this.#keys = keys;
    this.#nowUnixMs = nowUnixMs;
  }

  /** Puts a command in, in place of an older one of the same name. Numbers rise over restarts: they begin at the time. */
  command(routing: RoutingId, name: Command["name"], value: number, lifetimeMs: number): void {
    const issuedAtUnixMs = this.#nowUnixMs();
    const mailNumber = Math.max(issuedAtUnixMs, this.#lastNumber + 1);
    this.#lastNumber = mailNumber;
    const expiresAtUnixMs = issuedAtUnixMs + lifetimeMs;
    const payload = Command.encode({ routing, mailNumber, issuedAtUnixMs, expiresAtUnixMs, name, value });
    const { privateKey, keyId } = this.#keys.statementKey;
    const message = signMessage(privateKey, "pericard/command", KeyId.toBytes(keyId), payload);
    const others = (this.#letters.get(routing) ?? []).filter((letter) => letter.name !== name);
    this.#letters.set(routing, [...others, { name, mailNumber, expiresAtUnixMs, message }]);
    for (const wake of this.#waiting.get(routing) ?? []) wake();
  }

  /** What waits for a terminal that has carried out everything up to `seen`. */
  collect(routing: RoutingId, seen: number): readonly Uint8Array[] {
    const now = this.#nowUnixMs();
    const letters = (this.#letters.get(routing) ?? []).filter(
      ({ mailNumber, expiresAtUnixMs }) => mailNumber > seen && expiresAtUnixMs > now,
    );
    if (letters.length > 0) this.#letters.set(routing, letters);
    else this.#letters.delete(routing);
    return letters.map(({ message }) => message);
  }

  /** Resolves when something comes for the terminal, the time is over, too many others wait, or the signal aborts. */
  wait(routing: RoutingId, waitMs: number, signal: AbortSignal): Promise<void> {
    if (waitMs <= 0 || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(routing) ?? new Set();
      this.#waiting.set(routing, waiting);
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        waiting.delete(done);
        if (waiting.size === 0) this.#waiting.delete(routing);
        resolve();
      };
      const timer = setTimeout(done, waitMs);
      signal.addEventListener("abort", done);
      waiting.add(done);
      if (waiting.size > WAITING_PER_TERMINAL_MAX) [...waiting][0]?.();
    });
  }
}
