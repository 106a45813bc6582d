/**
 * The counters beside a module's image: which key is in use and how often, reserved before use, so that a crash skips
 * numbers and repeats none.
 *
 * Source: paper A §II.F, H; docs/format.md §11.2.
 */
import {
  decodeCanonical,
  encodeCbor,
  KEYS_PER_BLOCK,
  readInt,
  readTuple,
  readUint32,
  type KeyUse,
} from "@pericard/protocol";
import { crc32c } from "./crc32c.ts";
import { TrsmError } from "./errors.ts";

/** Bounds and default of the maximum use count. Default: 120 keys over ten years of continuous 10 s segments. */
export const USE_COUNT_MAX = { min: 360, max: 2 ** 24, standard: 262_980 } as const;

/** Where counters are kept. `save` returns when they are durable. */
export interface CounterStore {
  load(): Uint8Array | undefined;
  save(bytes: Uint8Array): void;
}

interface CounterState extends KeyUse {
  readonly maximum: number;
  readonly policyVersion: number;
  readonly contact: number;
}

const FORMAT = 1;
const USES_PER_RESERVATION = 256;
const CONTACTS_PER_RESERVATION = 1024;

function encodeState(state: CounterState): Uint8Array {
  const fields = [FORMAT, state.cycle, state.index, state.use, state.maximum, state.policyVersion, state.contact];
  return encodeCbor([...fields, crc32c(encodeCbor(fields))]);
}

function decodeState(bytes: Uint8Array): CounterState {
  try {
    const fields = readTuple("counters", decodeCanonical(bytes, 128), 8) as readonly number[];
    const [format, cycle, index, use, maximum, policyVersion, contact, checksum] = fields;
    if (format !== FORMAT || checksum !== crc32c(encodeCbor(fields.slice(0, 7))))
      throw new TypeError("checksum is wrong");
    return {
      cycle: readUint32("cycle", cycle),
      index: readInt("key index", index, 0, KEYS_PER_BLOCK - 1),
      use: readUint32("use", use),
      maximum: readInt("maximum", maximum, USE_COUNT_MAX.min, USE_COUNT_MAX.max),
      policyVersion: readUint32("policy version", policyVersion),
      contact: readInt("contact", contact, 0, Number.MAX_SAFE_INTEGER),
    };
  } catch (cause) {
    throw new TrsmError("ERR_TRSM_COUNTER", "counters beside the image are damaged", { cause });
  }
}

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
    const state = { cycle: 0, index: 0, use: 0, maximum, policyVersion: 0, contact: 0 };
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
    const { cycle, index, use, policyVersion, maximum } = rotated(this.#next);
    return { cycle, index, use, policyVersion, maximum };
  }

  /** Takes the next use; durable before it is returned. After key 119 the next cycle begins. */
  takeUse(): KeyUse & { readonly policyVersion: number } {
    const taken = rotated(this.#next);
    const reserved = this.#reserved;
    if (taken.cycle !== reserved.cycle || taken.index !== reserved.index || taken.use >= reserved.use) {
      this.#reserve({
        ...taken,
        use: Math.min(taken.use + USES_PER_RESERVATION, taken.maximum),
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

  #reserve(state: CounterState): void {
    this.#store.save(encodeState(state));
    this.#reserved = state;
  }
}

/** The state with the key index moved on when the current key reached its maximum. */
function rotated(state: CounterState): CounterState {
  if (state.use < state.maximum) return state;
  const last = state.index === KEYS_PER_BLOCK - 1;
  return { ...state, use: 0, index: last ? 0 : state.index + 1, cycle: last ? state.cycle + 1 : state.cycle };
}
