/** Vectors of the order of a key change: the sealed part of M3. Source: docs/format.md §7.8. */
import {
  deriveMessageKey,
  ed25519Private,
  keyChangeTranscript,
  sealKeyOrder,
  sha256,
  signMessage,
  x25519,
  x25519Private,
  x25519Public,
  type KeyChangeSecrets,
} from "@pericard/crypto";
import {
  concatBytes,
  encodeCbor,
  KeyAnswer,
  KeyId,
  KeyOffer,
  parseKeyOrder,
  RoutingId,
  SUITE,
  toHex,
  type KeyOrder,
} from "@pericard/protocol";
import { toJson, type Json, type VectorCase, type VectorFile } from "./case.ts";
import { array, bytes, FLOAT_ONE, int, NULL, text } from "./cbor-writer.ts";
import { flipBit, refusals, type Refusal } from "./edit.ts";
import { encrypt0, headerRefusals, outerRefusals, pericardHeader, sealedMessage, sealUnder } from "./encrypt0.ts";
import {
  groupKey,
  HASH,
  OTHER_BLOCK,
  OTHER_HASH,
  ROUTING,
  seededRandom,
  SERVER_HPKE,
  SERVER_SIGN,
  SERVER_SIGN_ID,
  TERMINAL_AGREE,
  TERMINAL_SIGN,
  USE,
} from "./fixtures.ts";

const TYPE = "pericard/key-order";
const random = seededRandom("pericard vectors: key change");

/** The ephemeral halves of the exchange: the pairs of the fixtures, which are ephemeral nowhere else. */
const SHARED = x25519(x25519Private(TERMINAL_AGREE.seed), x25519Public(SERVER_HPKE.publicBytes));

export const OFFER: KeyOffer = { routing: ROUTING, version: 7, publicKey: SERVER_HPKE.publicBytes, nonce: HASH };
const OFFER_MESSAGE = signMessage(
  ed25519Private(SERVER_SIGN.seed),
  "pericard/key-offer",
  KeyId.toBytes(SERVER_SIGN_ID),
  KeyOffer.encode(OFFER),
);
export const ANSWER: KeyAnswer = {
  routing: ROUTING,
  offerHash: sha256(OFFER_MESSAGE),
  publicKey: TERMINAL_AGREE.publicBytes,
};
const ANSWER_MESSAGE = signMessage(
  ed25519Private(TERMINAL_SIGN.seed),
  "pericard/key-answer",
  RoutingId.toBytes(ROUTING),
  KeyAnswer.encode(ANSWER),
);

const SECRETS: KeyChangeSecrets = {
  sharedSecret: SHARED,
  commandKey: groupKey("command"),
  transcript: keyChangeTranscript(OFFER_MESSAGE, ANSWER_MESSAGE),
};
const ORDER: KeyOrder = { version: 7, maximum: 26_300, effectiveFrom: USE };
const DRAFT = { suite: SUITE.pericard1, routing: ROUTING, cycle: USE.cycle, index: USE.index } as const;

/** The payload of an M3. */
export const ORDER_PAYLOAD = sealKeyOrder(SECRETS, DRAFT, ORDER, random);

const INPUTS: Readonly<Record<string, Json>> = {
  offerHex: toHex(OFFER_MESSAGE),
  answerHex: toHex(ANSWER_MESSAGE),
  terminalSecretHex: toHex(TERMINAL_AGREE.seed),
  serverPublicKeyHex: toHex(SERVER_HPKE.publicBytes),
  commandKeyHex: toHex(SECRETS.commandKey),
};

function accept(name: string, order: KeyOrder): VectorCase {
  const payload = sealKeyOrder(SECRETS, DRAFT, order, random);
  const decoded = toJson({ header: parseKeyOrder(payload).header, order });
  return { name, expect: "accept", ...INPUTS, bytesHex: toHex(payload), decoded };
}

function accepted(): readonly VectorCase[] {
  const first = { cycle: 0, index: 0, use: 0 };
  const last = { cycle: 2 ** 32 - 1, index: 119, use: 2 ** 32 - 1 };
  return [
    accept("an order", ORDER),
    accept("an order of the least maximum", { ...ORDER, maximum: 360 }),
    accept("an order of the greatest maximum", { ...ORDER, maximum: 2 ** 24 }),
    accept("an order that holds from the first use", { ...ORDER, version: 1, effectiveFrom: first }),
    accept("an order that holds from the last use", { ...ORDER, version: 2 ** 32 - 1, effectiveFrom: last }),
  ];
}

const SALT = HASH;

/** Key and commitment of a message that is sealed by hand. */
function handKey(secrets: Partial<KeyChangeSecrets> = {}) {
  const { sharedSecret, commandKey, transcript } = { ...SECRETS, ...secrets };
  return deriveMessageKey(SALT, concatBytes(sharedSecret, commandKey), encodeCbor(["key-change", transcript]));
}

const { key: KEY, commitment: COMMITMENT } = handKey();
const FIELDS = [
  int(1),
  bytes(RoutingId.toBytes(ROUTING)),
  int(7),
  int(USE.cycle),
  int(USE.index),
  bytes(SALT),
  bytes(COMMITMENT),
] as const;
const FROM = array([int(USE.cycle), int(USE.index), int(USE.use)]);
const BODY = [int(7), int(26_300), FROM] as const;
const PLAIN = array(BODY);
const SEALING = { key: KEY, type: TYPE, plain: PLAIN };

const withHeader = (at: number, item: Uint8Array): Uint8Array =>
  sealedMessage(pericardHeader(FIELDS.with(at, item)), SEALING);
const withPlain = (plain: Uint8Array): Uint8Array => sealedMessage(pericardHeader(FIELDS), { ...SEALING, plain });
const withBody = (at: number, item: Uint8Array): Uint8Array => withPlain(array(BODY.with(at, item)));
const withFrom = (...items: readonly Uint8Array[]): Uint8Array => withBody(2, array(items));

/** Sealed as if by a side that knows something else. */
function sealedUnder(secrets: Partial<KeyChangeSecrets>): Uint8Array {
  const { key, commitment } = handKey(secrets);
  return sealedMessage(pericardHeader(FIELDS.with(6, bytes(commitment))), { ...SEALING, key });
}

function fieldRefusals(): readonly Refusal[] {
  const range = "ERR_FIELD_RANGE";
  return [
    ["header is of suite paper-2018", withHeader(0, int(0)), "ERR_SUITE_UNKNOWN"],
    ["header has a float as suite", withHeader(0, FLOAT_ONE), "ERR_CBOR_MALFORMED"],
    ["header has a routing id of 7 bytes", withHeader(1, bytes(new Uint8Array(7))), range],
    ["header has version 0", withHeader(2, int(0)), range],
    ["header has version 2^32", withHeader(2, int(2 ** 32)), range],
    ["header has a cycle of 2^32", withHeader(3, int(2 ** 32)), range],
    ["header has an index of 120", withHeader(4, int(120)), range],
    ["header has a salt of 31 bytes", withHeader(5, bytes(SALT.slice(1))), range],
    ["header has a commitment of 33 bytes", withHeader(6, bytes(new Uint8Array(33))), range],
    ["order has another version than its header", withBody(0, int(8)), range],
    ["order has version 0", withBody(0, int(0)), range],
    ["order has a maximum of 1", withBody(1, int(1)), range],
    ["order has a maximum of 359", withBody(1, int(359)), range],
    ["order has a maximum of 2^24 + 1", withBody(1, int(2 ** 24 + 1)), range],
    ["order has a maximum as text", withBody(1, text("26300")), range],
    ["order holds from no use", withBody(2, NULL), range],
    ["order holds from an index of 120", withFrom(int(1), int(120), int(0)), range],
    ["order holds from a use of 2^32", withFrom(int(1), int(1), int(2 ** 32)), range],
    ["order holds from a place of two numbers", withFrom(int(1), int(1)), range],
    ["order has one field less", withPlain(array(BODY.slice(0, -1))), range],
    ["order has one field more", withPlain(array([...BODY, NULL])), range],
    ["order is empty", withPlain(new Uint8Array(0)), "ERR_CBOR_MALFORMED"],
    ["order has a trailing byte", withPlain(concatBytes(PLAIN, Uint8Array.of(0))), "ERR_CBOR_MALFORMED"],
  ];
}

function sealRefusals(): readonly Refusal[] {
  const header = pericardHeader(FIELDS);
  const other = x25519(x25519Private(TERMINAL_AGREE.seed), x25519Public(TERMINAL_AGREE.publicBytes));
  const raised = pericardHeader(FIELDS.with(2, int(8)));
  const commitment = "ERR_KEY_COMMITMENT";
  return [
    ["sealed under another shared secret", sealedUnder({ sharedSecret: other }), commitment],
    ["sealed under another block", sealedUnder({ commandKey: groupKey("command", OTHER_BLOCK) }), commitment],
    ["sealed under the storage key", sealedUnder({ commandKey: groupKey("storage") }), commitment],
    ["sealed for another offer and answer", sealedUnder({ transcript: OTHER_HASH }), commitment],
    ["salt is another", withHeader(5, bytes(OTHER_HASH)), commitment],
    ["version of the header was raised", encrypt0(raised, sealUnder(header, SEALING)), "ERR_SEAL_BROKEN"],
    ["sealed as a segment", sealedMessage(header, { ...SEALING, type: "pericard/segment" }), "ERR_SEAL_BROKEN"],
    [
      "sealed under another nonce",
      sealedMessage(header, { ...SEALING, nonce: new Uint8Array(12).fill(1) }),
      "ERR_SEAL_BROKEN",
    ],
    ["one bit of the ciphertext is turned over", flipBit(sealedMessage(header, SEALING), -20), "ERR_SEAL_BROKEN"],
    ["last bit of the tag is turned over", flipBit(sealedMessage(header, SEALING), -1, 7), "ERR_SEAL_BROKEN"],
  ];
}

/** Every vector of an order. */
export function keyOrderVectors(): VectorFile {
  const header = pericardHeader(FIELDS);
  return {
    structure: "order of a key change",
    source: "docs/format.md §7.8",
    steps:
      "transcript = H(offer ‖ answer); shared = X25519(terminalSecret, serverPublicKey); parse bytes, the payload of a key-order; open under shared ‖ commandKey",
    cases: [
      ...accepted(),
      ...refusals(INPUTS, [
        ...outerRefusals(header, sealUnder(header, SEALING)),
        ...headerRefusals(FIELDS, SEALING),
        ...fieldRefusals(),
        ...sealRefusals(),
      ]),
    ],
  };
}
