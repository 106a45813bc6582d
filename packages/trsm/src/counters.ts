/**
 * The counters beside a module's image: which key is in use and how often, reserved before use, so that a crash skips
 * numbers and repeats none. The newest key change lies in the same file, so that taking one is one durable step.
 *
 * Source: paper A §II.F, H; docs/format.md §11.2.
 */
import { CHANGES_PER_KEY_MAX, compareKeyUse, USE_COUNT_MAX, type KeyOrder, type KeyUse } from "@pericard/protocol";
import { decodeState, encodeState, firstState, settled, type CounterState } from "./counter-state.ts";
import { TrsmError } from "./errors.ts";
import type { KeyExchange } from "./exchange-state.ts";

/** Where counters are kept. `save` returns when they are durable. */
export interface CounterStore {
  load(): Uint8Array | undefined;
  save(bytes: Uint8Array): void;
  /** How many uses one save reserves. Default 256: a crash skips at most so many. */
  readonly usesPerReservation?: number;
}

const USES_PER_RESERVATION = 256;
const CONTACTS_PER_RESERVATION = 1024;

/** The counters of one module. What is saved is always at least what was handed out. */
export class Counters {
  readonly #store: CounterStore;
  #next: CounterState;
  #reserved: CounterState;

  private constructor(store: CounterStore, state: CounterState) {
    this.#store = store;
    this.#next = state;
    this.#reserved = state;
  }

  /** Begins a module's life at cycle 0, key 0, use 0. */
  static create(store: CounterStore, maximum: number = USE_COUNT_MAX.standard): Counters {
    const state = firstState(maximum);
    store.save(encodeState(state));
    return new Counters(store, state);
  }

  /**
   * Continues after everything that may have been handed out before.
   *
   * @throws {TrsmError} ERR_TRSM_COUNTER when the counters are missing or damaged.
   */
  static load(store: CounterStore): Counters {
    const bytes = store.load();
    if (!bytes) throw new TrsmError("ERR_TRSM_COUNTER", "counters beside the image are missing");
    return new Counters(store, decodeState(bytes));
  }

  /** The use that the next segment will have; nothing is reserved. */
  get current(): KeyUse & { readonly policyVersion: number; readonly maximum: number } {
    const { cycle, index, use, policyVersion, maximum } = settled(this.#next);
    return { cycle, index, use, policyVersion, maximum };
  }

  /** The newest key change that was answered; null before the first. */
  get exchange(): KeyExchange | null {
    return this.#next.exchange;
  }

  /** Takes the next use; durable before it is returned. After key 119 the next cycle begins. */
  takeUse(): KeyUse & { readonly policyVersion: number } {
    const taken = settled(this.#next);
    const reserved = this.#reserved;
    if (taken.cycle !== reserved.cycle || taken.index !== reserved.index || taken.use >= reserved.use) {
      this.#reserve({
        ...taken,
        use: Math.min(taken.use + (this.#store.usesPerReservation ?? USES_PER_RESERVATION), taken.maximum),
        contact: reserved.contact,
      });
    }
    this.#next = { ...taken, use: taken.use + 1, contact: this.#next.contact };
    return { cycle: taken.cycle, index: taken.index, use: taken.use, policyVersion: taken.policyVersion };
  }

  /** Takes the next contact number; durable before it is returned. */
  takeContact(): number {
    const contact = this.#next.contact;
    if (contact >= this.#reserved.contact) {
      this.#reserve({ ...this.#reserved, contact: contact + CONTACTS_PER_RESERVATION });
    }
    this.#next = { ...this.#next, contact: contact + 1 };
    return contact;
  }

  /** Keeps an exchange that goes on; durable when it returns. */
  keepExchange(exchange: KeyExchange): void {
    this.#keep((state) => ({ ...state, exchange }));
  }

  /**
   * Ends an exchange with the order that it brought; both are durable in one step when it returns.
   *
   * @throws {TrsmError} ERR_KEY_CHANGE_LIMIT when three changes were taken while this key is in use.
   */
  takeOrder(exchange: KeyExchange, order: KeyOrder): void {
    const { changeCount } = settled(this.#next);
    if (changeCount >= CHANGES_PER_KEY_MAX) {
      throw new TrsmError("ERR_KEY_CHANGE_LIMIT", `${CHANGES_PER_KEY_MAX} changes were taken with this key`);
    }
    this.#keep((state) => ({ ...state, exchange, pending: order, changeCount: changeCount + 1 }));
  }

  /** Changes what does not count, in what is saved and in what is next. */
  #keep(change: (state: CounterState) => CounterState): void {
    const next = settled(this.#next);
    // A key that is used up has no reservation in the next one yet: what is kept belongs to the next one.
    const reserved =
      compareKeyUse(next, this.#reserved) > 0 ? { ...next, contact: this.#reserved.contact } : this.#reserved;
    this.#reserve(change(reserved));
    this.#next = change(next);
  }

  #reserve(state: CounterState): void {
    this.#store.save(encodeState(state));
    this.#reserved = state;
  }
}
