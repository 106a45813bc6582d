/**
 * The mailbox: signed messages that wait for a terminal, each with a number that rises and an expiry.
 *
 * Receipts and refusals are not kept here: they answer an upload and are made again, from the rows, for the same upload.
 * Commands are kept in memory: whoever gives one gives it again for as long as it holds.
 */
import { signMessage, type KeyObject } from "@pericard/crypto";
import { Command, KeyId, type RoutingId } from "@pericard/protocol";

interface Letter {
  readonly mailNumber: number;
  readonly expiresAtUnixMs: number;
  readonly message: Uint8Array;
}

const LETTERS_PER_TERMINAL_MAX = 16;

/** The server's key for statements to terminals. */
export interface StatementKey {
  readonly keyId: KeyId;
  readonly privateKey: KeyObject;
}

/** Messages that wait, and who waits for messages. */
export class Mailbox {
  readonly #letters = new Map<RoutingId, Letter[]>();
  readonly #waiting = new Map<RoutingId, Set<() => void>>();
  readonly #key: StatementKey;
  readonly #nowUnixMs: () => number;
  #lastNumber = 0;

  constructor(key: StatementKey, nowUnixMs: () => number) {
    this.#key = key;
    this.#nowUnixMs = nowUnixMs;
  }

  /** Puts a command in, in place of an older one of the same name. Numbers rise over restarts: they begin at the time. */
  command(routing: RoutingId, name: Command["name"], value: number, lifetimeMs: number): void {
    const issuedAtUnixMs = this.#nowUnixMs();
    const mailNumber = Math.max(issuedAtUnixMs, this.#lastNumber + 1);
    this.#lastNumber = mailNumber;
    const expiresAtUnixMs = issuedAtUnixMs + lifetimeMs;
    const payload = Command.encode({ routing, mailNumber, issuedAtUnixMs, expiresAtUnixMs, name, value });
    const message = signMessage(this.#key.privateKey, "pericard/command", KeyId.toBytes(this.#key.keyId), payload);
    const letters = this.#letters.get(routing) ?? [];
    this.#letters.set(routing, [...letters, { mailNumber, expiresAtUnixMs, message }].slice(-LETTERS_PER_TERMINAL_MAX));
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

  /** Resolves when something comes for the terminal, the time is over, or the signal aborts. */
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
    });
  }
}
