/** What a terminal keeps of a key change, beside its counters. Source: docs/format.md §11.2. */
import {
  readBytes,
  readBytesUpTo,
  readInt,
  readOptional,
  readTuple,
  UINT32_MAX,
  type CborValue,
} from "@pericard/protocol";

/** One exchange: the newest that the terminal answered. Kept after its end, so that each step can be repeated. */
export interface KeyExchange {
  readonly version: number;
  /** SHA-256 of M1. */
  readonly offerHash: Uint8Array;
  /** M2 as it was signed. */
  readonly answer: Uint8Array;
  /** SHA-256(M1 ‖ M2). */
  readonly transcript: Uint8Array;
  /** The shared secret as a blob; null when M3 was taken. */
  readonly sealedSecret: Uint8Array | null;
  /** The end of the exchange; null before M3 was taken. */
  readonly end: {
    /** SHA-256 of M3. */
    readonly orderHash: Uint8Array;
    /** M4 as it was signed. */
    readonly taken: Uint8Array;
  } | null;
}

const MESSAGE_BYTES_MAX = 512;
const SECRET_BYTES_MAX = 256;

/** An exchange as one CBOR array. */
export function exchangeFields(exchange: KeyExchange): CborValue {
  const { version, offerHash, answer, transcript, sealedSecret, end } = exchange;
  return [version, offerHash, answer, transcript, sealedSecret, end && [end.orderHash, end.taken]];
}

/** @throws {ProtocolError} ERR_FIELD_RANGE. */
export function readExchange(value: unknown): KeyExchange {
  const fields = readTuple("exchange", value, 6);
  return {
    version: readInt("version", fields[0], 1, UINT32_MAX),
    offerHash: readBytes("offer", fields[1], 32),
    answer: readBytesUpTo("answer", fields[2], MESSAGE_BYTES_MAX),
    transcript: readBytes("transcript", fields[3], 32),
    sealedSecret: readOptional(fields[4], (secret) => readBytesUpTo("secret", secret, SECRET_BYTES_MAX)),
    end: readOptional(fields[5], readEnd),
  };
}

function readEnd(value: unknown): NonNullable<KeyExchange["end"]> {
  const fields = readTuple("end", value, 2);
  return {
    orderHash: readBytes("order", fields[0], 32),
    taken: readBytesUpTo("taken", fields[1], MESSAGE_BYTES_MAX),
  };
}
