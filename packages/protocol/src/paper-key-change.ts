/**
 * The key change of suite paper-2018: three arrays under no signature, since the paper has none.
 *
 *     M1 offer, with A   server → terminal      M2 answer, with B   terminal → server
 *     M3 order, with the new maximum under K    server → terminal
 *
 * Each names its type, so that none is taken for another; the number of items tells them from everything else that
 * travels. What the terminal says of the end is signed, as in pericard-1: see {@link KeyTaken} and {@link KeyRefused}.
 *
 * Source: paper A §II.H; docs/format-paper-2018.md §7.
 */
import { decodeCanonical, encodeCbor, type CborValue } from "./cbor.ts";
import { ProtocolError } from "./errors.ts";
import { readBytes, readInt, readTuple } from "./fields.ts";
import { RoutingId } from "./ids.ts";
import type { KeyAnswer, KeyOffer, KeyOrder } from "./key-change.ts";
import { UINT32_MAX } from "./limits.ts";
import { readDesBlocks } from "./paper-des-blocks.ts";
import { PAPER_GROUP_BYTES } from "./paper-limits.ts";
import type { StatementKind } from "./statement-kind.ts";
import { readPaperSuite, SUITE } from "./suites.ts";

/** Types of the messages. */
export const PAPER_KEY_TYPES = ["paper-2018/key-offer", "paper-2018/key-answer", "paper-2018/key-order"] as const;
export type PaperKeyType = (typeof PAPER_KEY_TYPES)[number];

/** M1. `publicKey` is A, 48 bytes, big-endian, of whatever value. */
export type PaperKeyOffer = Omit<KeyOffer, "nonce">;

/** M2. `publicKey` is B, 48 bytes, big-endian, of whatever value; `offerHash` is SHA-256 of M1. */
export type PaperKeyAnswer = KeyAnswer;

/** M3. `ciphertext` is the order under K: 16 to 32 bytes, a multiple of 8. */
export interface PaperKeyOrder extends Pick<KeyOrder, "version"> {
  readonly routing: RoutingId;
  readonly ciphertext: Uint8Array;
}

const FIELD_COUNT = 5;
const FIRST_BYTE = 0x80 | FIELD_COUNT;
const MESSAGE_BYTES_MAX = 256;
const CIPHERTEXT_BYTES_MAX = 32;

/** Whether a message has this form: a COSE message begins with a tag, an envelope of this suite has more items. */
export function isPaperKeyMessage(bytes: Uint8Array): boolean {
  return bytes[0] === FIRST_BYTE;
}

function readFields(bytes: Uint8Array): readonly unknown[] {
  const fields = readTuple("paper key message", decodeCanonical(bytes, MESSAGE_BYTES_MAX), FIELD_COUNT);
  readPaperSuite(fields[0]);
  return fields;
}

/** One kind of message: the suite, its type, the routing id and two fields. */
function messageKind<T extends { readonly routing: RoutingId }>(
  type: PaperKeyType,
  toFields: (message: T) => readonly CborValue[],
  fromFields: (routing: RoutingId, fields: readonly unknown[]) => T,
): StatementKind<T> {
  const decode = (bytes: Uint8Array): T => {
    const [, named, routing, ...fields] = readFields(bytes);
    if (named !== type) throw new ProtocolError("ERR_TYPE_MISMATCH", `message is no ${type}`);
    return fromFields(RoutingId.fromBytes(routing), fields);
  };
  return {
    encode: (message) => {
      const bytes = encodeCbor([SUITE.paper2018, type, RoutingId.toBytes(message.routing), ...toFields(message)]);
      decode(bytes);
      return bytes;
    },
    decode,
  };
}

const readVersion = (value: unknown): number => readInt("version", value, 1, UINT32_MAX);

export const PaperKeyOffer = messageKind<PaperKeyOffer>(
  "paper-2018/key-offer",
  ({ version, publicKey }) => [version, publicKey],
  (routing, [version, publicKey]) => ({
    routing,
    version: readVersion(version),
    publicKey: readBytes("A", publicKey, PAPER_GROUP_BYTES),
  }),
);

export const PaperKeyAnswer = messageKind<PaperKeyAnswer>(
  "paper-2018/key-answer",
  ({ offerHash, publicKey }) => [offerHash, publicKey],
  (routing, [offerHash, publicKey]) => ({
    routing,
    offerHash: readBytes("offer", offerHash, 32),
    publicKey: readBytes("B", publicKey, PAPER_GROUP_BYTES),
  }),
);

export const PaperKeyOrder = messageKind<PaperKeyOrder>(
  "paper-2018/key-order",
  ({ version, ciphertext }) => [version, ciphertext],
  (routing, [version, ciphertext]) => ({
    routing,
    version: readVersion(version),
    ciphertext: readDesBlocks("order", ciphertext, CIPHERTEXT_BYTES_MAX),
  }),
);

const KINDS = {
  "paper-2018/key-offer": PaperKeyOffer,
  "paper-2018/key-answer": PaperKeyAnswer,
  "paper-2018/key-order": PaperKeyOrder,
} as const;

/** Type and routing id of a whole, well-formed message. @throws {ProtocolError} with the code of the first thing that is wrong. */
export function readPaperKeyMessage(bytes: Uint8Array): { readonly type: PaperKeyType; readonly routing: RoutingId } {
  const named = readFields(bytes)[1];
  const type = PAPER_KEY_TYPES.find((one) => one === named);
  if (!type) throw new ProtocolError("ERR_TYPE_MISMATCH", "message is none of a key change");
  return { type, routing: KINDS[type].decode(bytes).routing };
}
