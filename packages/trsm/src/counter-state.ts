/**
 * What the counters beside a module's image say, and their bytes.
 *
 * Source: docs/format.md §11.2.
 */
import {
  CHANGES_PER_KEY_MAX,
  compareKeyUse,
  decodeCanonical,
  decodeKeyOrder,
  encodeCbor,
  encodeKeyOrder,
  KEYS_PER_BLOCK,
  readArray,
  readBytesUpTo,
  readInt,
  readOptional,
  readUint32,
  USE_COUNT_MAX,
  type CborValue,
  type KeyOrder,
  type KeyUse,
} from "@pericard/protocol";
import { crc32c } from "./crc32c.ts";
import { TrsmError } from "./errors.ts";
import { exchangeFields, readExchange, type KeyExchange } from "./exchange-state.ts";

/** Counters as they are saved. */
export interface CounterState extends KeyUse {
  readonly maximum: number;
  /** Version of the change that gave the maximum; 0 before the first. */
  readonly policyVersion: number;
  readonly contact: number;
  /** A change that was taken and whose first use has not come yet. */
  readonly pending: KeyOrder | null;
  /** Changes that were taken while this key was in use. */
  readonly changeCount: number;
  /** The newest exchange; null before the first. */
  readonly exchange: KeyExchange | null;
}

const FORMAT = 2;
const STATE_BYTES_MAX = 4096;
const ORDER_BYTES_MAX = 64;

/** How a module's life begins. */
export function firstState(maximum: number): CounterState {
  const place = { cycle: 0, index: 0, use: 0 };
  return { ...place, maximum, policyVersion: 0, contact: 0, pending: null, changeCount: 0, exchange: null };
}

export function encodeState(state: CounterState): Uint8Array {
  const fields: readonly CborValue[] = [
    FORMAT,
    state.cycle,
    state.index,
    state.use,
    state.maximum,
    state.policyVersion,
    state.contact,
    state.pending && encodeKeyOrder(state.pending),
    state.changeCount,
    state.exchange && exchangeFields(state.exchange),
  ];
  return encodeCbor([...fields, crc32c(encodeCbor(fields))]);
}

/** @throws {TrsmError} ERR_TRSM_COUNTER when the bytes are damaged, of another format or out of range. */
export function decodeState(bytes: Uint8Array): CounterState {
  try {
    const fields = readFields(bytes);
    return {
      cycle: readUint32("cycle", fields[1]),
      index: readInt("key index", fields[2], 0, KEYS_PER_BLOCK - 1),
      use: readUint32("use", fields[3]),
      maximum: readInt("maximum", fields[4], USE_COUNT_MAX.min, USE_COUNT_MAX.max),
      policyVersion: readUint32("policy version", fields[5]),
      contact: readInt("contact", fields[6], 0, Number.MAX_SAFE_INTEGER),
      pending: readOptional(fields[7], (value) => decodeKeyOrder(readBytesUpTo("pending", value, ORDER_BYTES_MAX))),
      changeCount: readInt("changes", fields[8], 0, CHANGES_PER_KEY_MAX),
      exchange: readOptional(fields[9], readExchange),
    };
  } catch (cause) {
    throw new TrsmError("ERR_TRSM_COUNTER", "counters beside the image are damaged", { cause });
  }
}

/** The fields, checked against their checksum; those of format 1, which knew no key change, as format 2 writes them. */
function readFields(bytes: Uint8Array): readonly CborValue[] {
  const value = readArray("counters", decodeCanonical(bytes, STATE_BYTES_MAX), 8, 11) as readonly CborValue[];
  const [format] = value;
  const fields = value.slice(0, -1);
  const isKnown = (format === FORMAT && fields.length === 10) || (format === 1 && fields.length === 7);
  if (!isKnown || value.at(-1) !== crc32c(encodeCbor(fields))) throw new TypeError("checksum is wrong");
  return format === FORMAT ? fields : [...fields, null, 0, null];
}

/** The state at its next use: with the change whose first use has come, and the next key when this one is used up. */
export function settled(state: CounterState): CounterState {
  const changed = withPending(state);
  if (changed.use < changed.maximum) return changed;
  const last = changed.index === KEYS_PER_BLOCK - 1;
  const index = last ? 0 : changed.index + 1;
  const cycle = last ? changed.cycle + 1 : changed.cycle;
  return withPending({ ...changed, cycle, index, use: 0, changeCount: 0 });
}

function withPending(state: CounterState): CounterState {
  const { pending } = state;
  if (!pending || compareKeyUse(state, pending.effectiveFrom) < 0) return state;
  return { ...state, maximum: pending.maximum, policyVersion: pending.version, pending: null };
}
