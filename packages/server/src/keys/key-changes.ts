/**
 * Every terminal's key changes: when one begins, and what waits for whom.
 *
 * Source: docs/keys.md, "A terminal's key life"; paper A §II.H.
 */
import type { KeyChange } from "@pericard/custody";
import { UINT32_MAX, type KeyUse, type TerminalId } from "@pericard/protocol";
import { InTurn } from "../ingest/in-turn.ts";
import type { KeyChangeType, KeyExchange } from "./key-exchange.ts";
import { CHANGE_LIFETIME_MS, decideMaximum, liveChange, maximumGiven, maximumOf } from "./key-policy.ts";
import type { KeyStorePort } from "./key-store.ts";
import { passUnavailable, type KeyWatch } from "./key-watch.ts";
import { Lru } from "./lru.ts";
import type { RegisteredTerminal } from "./terminals.ts";

export interface KeyChangesParts {
  readonly keyStore: KeyStorePort;
  readonly watch: KeyWatch;
  readonly exchange: KeyExchange;
  readonly nowUnixMs: () => number;
}

/** A message that was not answered is sent again after this time. */
export const SEND_AGAIN_MS = 60_000;
/** How often it is decided whether a terminal's maximum fits. */
export const DECIDE_AGAIN_MS = 3600 * 1000;
const TERMINALS_MAX = 20_000;
const NEVER = Number.NEGATIVE_INFINITY;

/** What a terminal's message tells of its keys. */
export interface KeyTelling {
  /** A status tells the next use; a segment may come late, and tells a use that is over. */
  readonly from: "status" | "segment";
  readonly next: KeyUse;
  /** Version of the change whose maximum is in force. */
  readonly version: number;
}

/** What is known of one terminal. */
interface Known {
  readonly changes: readonly KeyChange[];
  readonly decidedAtUnixMs: number;
  readonly sentAtUnixMs: number;
}

export class KeyChanges {
  readonly #parts: KeyChangesParts;
  readonly #known = new Lru<TerminalId, Known>(TERMINALS_MAX);
  readonly #turns = new InTurn<TerminalId>();

  constructor(parts: KeyChangesParts) {
    this.#parts = parts;
  }

  /**
   * Notes what a message tells, and begins a change when one is due. A key store that takes nothing now is told at the next
   * contact: no upload waits for it.
   */
  contact(terminal: RegisteredTerminal, telling: KeyTelling): Promise<void> {
    return this.#turns.run(terminal.serial, () => this.#contact(terminal, telling).catch(passUnavailable));
  }

  /** Takes a message of an exchange. @returns what to answer. @throws as {@link KeyExchange.take}. */
  take(terminal: RegisteredTerminal, type: KeyChangeType, message: Uint8Array, payload: Uint8Array) {
    const { serial } = terminal;
    return this.#turns.run(serial, async () => {
      const answer = await this.#parts.exchange.take(terminal, type, message, payload);
      await this.#load(serial, answer.length > 0 ? { sentAtUnixMs: this.#parts.nowUnixMs() } : {});
      return answer;
    });
  }

  /** What waits for a terminal. The same message is given again a minute later at the earliest. */
  letters(serial: TerminalId): readonly Uint8Array[] {
    const known = this.#known.get(serial);
    const live = known && liveChange(known.changes);
    const now = this.#parts.nowUnixMs();
    if (!live || now - known.sentAtUnixMs < SEND_AGAIN_MS) return [];
    this.#known.set(serial, { ...known, sentAtUnixMs: now });
    return [live.order ?? live.offer];
  }

  async #contact(terminal: RegisteredTerminal, { from, next, version }: KeyTelling): Promise<void> {
    const { watch, nowUnixMs } = this.#parts;
    const { serial } = terminal;
    const { changes, decidedAtUnixMs } = this.#known.get(serial) ?? (await this.#load(serial, {}));
    const maximum = maximumOf(changes, version);
    await watch.note(serial, next, maximum);
    if (from === "status") await watch.notePolicy(serial, next, version, changes);
    if (nowUnixMs() - decidedAtUnixMs >= DECIDE_AGAIN_MS) await this.#decide(terminal, next, version);
  }

  async #decide(terminal: RegisteredTerminal, next: KeyUse, version: number): Promise<void> {
    const { keyStore, watch, exchange, nowUnixMs } = this.#parts;
    const { serial } = terminal;
    const now = nowUnixMs();
    // Noted first: what fails now is not tried again with every message.
    await this.#load(serial, { decidedAtUnixMs: now });
    const { changes, marks, alarms } = await watch.withNewest(serial, await keyStore.keyLife(serial));
    const live = liveChange(changes);
    const end = live && endOf(live, now, exchange.isCurrent(terminal, live));
    if (live && end) await exchange.end(serial, live.version, "cancelled", end);
    const maximum = live && !end ? live.maximum : maximumGiven(changes, next, version);
    const wanted = decideMaximum({ marks, changes, alarms, maximum, nowUnixMs: now });
    const highest = Math.max(version, ...changes.map((change) => change.version));
    if (wanted !== null && highest < UINT32_MAX) {
      await exchange.begin(terminal, highest + 1, wanted);
      await this.#load(serial, { sentAtUnixMs: NEVER });
    } else if (end) await this.#load(serial, {});
  }

  async #load(serial: TerminalId, anew: Partial<Omit<Known, "changes">>): Promise<Known> {
    const before = this.#known.get(serial) ?? { decidedAtUnixMs: NEVER, sentAtUnixMs: NEVER };
    const { changes } = await this.#parts.keyStore.keyLife(serial);
    const known = { ...before, ...anew, changes };
    this.#known.set(serial, known);
    return known;
  }
}

/** Why a change that is under way has to end; undefined when it goes on. */
function endOf({ begunAtUnixMs }: KeyChange, nowUnixMs: number, isCurrent: boolean): string | undefined {
  if (nowUnixMs - begunAtUnixMs >= CHANGE_LIFETIME_MS) return "expired";
  return isCurrent ? undefined : "server-key";
}
