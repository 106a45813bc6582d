/** Vectors of the messages of paper-2018's key change. Source: docs/format-paper-2018.md §7. */
import { createCipheriv } from "node:crypto";
import { PAPER_GROUP, sealPaperKeyOrder, sha256 } from "@pericard/crypto";
import {
  concatBytes,
  PaperKeyAnswer,
  PaperKeyOffer,
  PaperKeyOrder,
  RoutingId,
  toHex,
  type KeyOrder,
} from "@pericard/protocol";
import { toJson, type VectorCase, type VectorFile } from "./case.ts";
import { array, bytes, FLOAT_ONE, indefiniteArray, int, NULL, text } from "./cbor-writer.ts";
import { flipBit, refusals, type Code, type Refusal } from "./edit.ts";
import { OTHER_HASH, ROUTING, seededRandom, USE } from "./fixtures.ts";
import { LEAVE } from "./paper-fixtures.ts";

const OFFER = "paper-2018/key-offer";
const ANSWER = "paper-2018/key-answer";
const ORDER = "paper-2018/key-order";
type Type = typeof OFFER | typeof ANSWER | typeof ORDER;

const RANGE = "ERR_FIELD_RANGE";
const BROKEN = "ERR_SEAL_BROKEN";
const MALFORMED = "ERR_CBOR_MALFORMED";

const random = seededRandom("pericard vectors: paper key change");
const [A, B, SHARED, OTHER_SHARED] = [random(48), random(48), random(48), random(48)];
const ONE = new Uint8Array(48).with(47, 1);
const BODY: KeyOrder = { version: 7, maximum: 26_300, effectiveFrom: USE };
const OFFER_HASH = sha256(PaperKeyOffer.encode({ routing: ROUTING, version: 7, publicKey: A }));

const INPUTS = { sharedSecretHex: toHex(SHARED) };

function acceptOffer(name: string, version: number, publicKey: Uint8Array): VectorCase {
  const message = { routing: ROUTING, version, publicKey };
  const bytesHex = toHex(PaperKeyOffer.encode(message));
  return { name, expect: "accept", type: OFFER, ...INPUTS, bytesHex, decoded: toJson(message) };
}

function acceptAnswer(name: string, publicKey: Uint8Array): VectorCase {
  const message = { routing: ROUTING, offerHash: OFFER_HASH, publicKey };
  const bytesHex = toHex(PaperKeyAnswer.encode(message));
  return { name, expect: "accept", type: ANSWER, ...INPUTS, bytesHex, decoded: toJson(message) };
}

function acceptOrder(name: string, order: KeyOrder, sharedSecret: Uint8Array = SHARED): VectorCase {
  const sealed = sealPaperKeyOrder(LEAVE, sharedSecret, ROUTING, order);
  const decoded = toJson({ ...PaperKeyOrder.decode(sealed), order });
  const sharedSecretHex = toHex(sharedSecret);
  return { name, expect: "accept", type: ORDER, sharedSecretHex, bytesHex: toHex(sealed), decoded };
}

function accepted(): readonly VectorCase[] {
  const first = { cycle: 0, index: 0, use: 0 };
  const last = { cycle: 2 ** 32 - 1, index: 119, use: 2 ** 32 - 1 };
  return [
    acceptOffer("an offer", 7, A),
    acceptOffer("an offer of the first version", 1, A),
    acceptOffer("an offer of the last version", 2 ** 32 - 1, A),
    acceptOffer("nothing tells here: A is 0, which the agreement refuses", 7, new Uint8Array(48)),
    acceptOffer("nothing tells here: A is Q, which the agreement refuses", 7, PAPER_GROUP.prime),
    acceptOffer("nothing tells: A is 1, and K will be 1", 7, ONE),
    acceptAnswer("an answer", B),
    acceptAnswer("nothing tells: B is 1, and K will be 1", ONE),
    acceptOrder("an order", BODY),
    acceptOrder("an order of the least maximum, from the first use", {
      version: 1,
      maximum: 360,
      effectiveFrom: first,
    }),
    acceptOrder("an order of the greatest maximum, from the last use", {
      version: 2 ** 32 - 1,
      maximum: 2 ** 24,
      effectiveFrom: last,
    }),
    acceptOrder("nothing tells: an order under a K that everybody knows", BODY, ONE),
  ];
}

const routing = bytes(RoutingId.toBytes(ROUTING));
const OFFER_ITEMS = [int(0), text(OFFER), routing, int(7), bytes(A)] as const;
const ANSWER_ITEMS = [int(0), text(ANSWER), routing, bytes(OFFER_HASH), bytes(B)] as const;

/** An order's array around any ciphertext. */
function orderItems(ciphertext: Uint8Array): readonly Uint8Array[] {
  return [int(0), text(ORDER), routing, int(7), bytes(ciphertext)];
}

/** DES under the first 8 bytes of K, by hand, of bytes that may be no order; padded unless they say how they end. */
function sealed(plain: Uint8Array, shared = SHARED, padding = true): Uint8Array {
  const key = shared.slice(0, 8);
  const cipher = createCipheriv("des-ede3", concatBytes(key, key, key), null).setAutoPadding(padding);
  return new Uint8Array(concatBytes(cipher.update(plain), cipher.final()));
}

const FROM = array([int(USE.cycle), int(USE.index), int(USE.use)]);
const BODY_ITEMS = [int(7), int(26_300), FROM] as const;
const PLAIN = array(BODY_ITEMS);
const orderOf = (plain: Uint8Array): Uint8Array => array(orderItems(sealed(plain)));
const withBody = (at: number, item: Uint8Array): Uint8Array => orderOf(array(BODY_ITEMS.with(at, item)));

/** What holds of all three, shown on one each. */
function formRefusals(items: readonly Uint8Array[], other: Type): readonly Refusal[] {
  return [
    ["suite is pericard-1", array(items.with(0, int(1))), "ERR_SUITE_UNKNOWN"],
    ["suite is a float", array(items.with(0, FLOAT_ONE)), MALFORMED],
    ["type is another one's", array(items.with(1, text(other))), "ERR_TYPE_MISMATCH"],
    ["type is a signed message's", array(items.with(1, text("pericard/key-offer"))), "ERR_TYPE_MISMATCH"],
    ["type is bytes", array(items.with(1, bytes(new Uint8Array(8)))), "ERR_TYPE_MISMATCH"],
    ["routing id is 7 bytes", array(items.with(2, bytes(new Uint8Array(7)))), RANGE],
    ["routing id is missing", array(items.with(2, NULL)), RANGE],
    ["an item too few", array(items.slice(0, -1)), RANGE],
    ["an item too many", array([...items, NULL]), RANGE],
    ["suite is written longer than needed", array(items.with(0, int(0, 1))), MALFORMED],
    ["array of indefinite length", indefiniteArray(items), MALFORMED],
    ["a trailing byte", concatBytes(array(items), Uint8Array.of(0)), MALFORMED],
    ["cut before its last byte", array(items).slice(0, -1), MALFORMED],
    [
      "257 bytes",
      array(items.with(4, bytes(new Uint8Array(257 - array(items.slice(0, 4)).length - 2)))),
      "ERR_LENGTH_LIMIT",
    ],
    ["no bytes", new Uint8Array(0), MALFORMED],
  ];
}

const offerRefusals: readonly Refusal[] = [
  ["version is 0", array(OFFER_ITEMS.with(3, int(0))), RANGE],
  ["version is 2^32", array(OFFER_ITEMS.with(3, int(2 ** 32))), RANGE],
  ["A is 47 bytes", array(OFFER_ITEMS.with(4, bytes(A.slice(1)))), RANGE],
  ["A is 49 bytes", array(OFFER_ITEMS.with(4, bytes(concatBytes(Uint8Array.of(0), A)))), RANGE],
  ["A is an integer", array(OFFER_ITEMS.with(4, int(2))), RANGE],
];

const answerRefusals: readonly Refusal[] = [
  ["hash of the offer is 31 bytes", array(ANSWER_ITEMS.with(3, bytes(OTHER_HASH.slice(1)))), RANGE],
  ["version in place of the hash", array(ANSWER_ITEMS.with(3, int(7))), RANGE],
  ["B is 47 bytes", array(ANSWER_ITEMS.with(4, bytes(B.slice(1)))), RANGE],
  ["B is text", array(ANSWER_ITEMS.with(4, text("2".repeat(48)))), RANGE],
];

const orderRefusals: readonly Refusal[] = [
  ["version is 0", array(orderItems(sealed(PLAIN)).with(3, int(0))), RANGE],
  ["ciphertext is empty", array(orderItems(new Uint8Array(0))), RANGE],
  ["ciphertext is 15 bytes", array(orderItems(sealed(PLAIN).slice(0, 15))), RANGE],
  ["ciphertext is 40 bytes", array(orderItems(new Uint8Array(40))), RANGE],
  ["sealed under another K", array(orderItems(sealed(PLAIN, OTHER_SHARED))), BROKEN],
  ["last block is lost", array(orderItems(sealed(PLAIN).slice(0, 8))), BROKEN],
  ["last bit of the ciphertext is turned over", array(orderItems(flipBit(sealed(PLAIN), -1))), BROKEN],
  ["without padding", array(orderItems(sealed(new Uint8Array(16), SHARED, false))), BROKEN],
  ["version of the message was raised", array(orderItems(sealed(PLAIN)).with(3, int(8))), RANGE],
  ["order has version 0", withBody(0, int(0)), RANGE],
  ["order has a maximum of 1", withBody(1, int(1)), RANGE],
  ["order has a maximum of 359", withBody(1, int(359)), RANGE],
  ["order has a maximum of 2^24 + 1", withBody(1, int(2 ** 24 + 1)), RANGE],
  ["order holds from no use", withBody(2, NULL), RANGE],
  ["order holds from an index of 120", withBody(2, array([int(1), int(120), int(0)])), RANGE],
  ["order has one field less", orderOf(array(BODY_ITEMS.slice(0, -1))), RANGE],
  ["order has one field more", orderOf(array([...BODY_ITEMS, NULL])), RANGE],
  ["order is the maximum alone", orderOf(int(26_300)), RANGE],
  ["order is empty", orderOf(new Uint8Array(0)), MALFORMED],
  ["order has a trailing byte", orderOf(concatBytes(PLAIN, Uint8Array.of(0))), MALFORMED],
];

function refusedAs(type: Type, list: readonly (readonly [string, Uint8Array, Code])[]): readonly VectorCase[] {
  const short = type.replace("paper-2018/key-", "");
  return refusals(
    { type, ...INPUTS },
    list.map(([name, content, code]) => [`${short}: ${name}`, content, code]),
  );
}

/** Every vector of a key change of paper-2018. */
export function paperKeyChangeVectors(): VectorFile {
  return {
    structure: "messages of the key change of paper-2018",
    source: "docs/format-paper-2018.md §7",
    steps: "read bytes as a message of that type; open an order under K = sharedSecret",
    cases: [
      ...accepted(),
      ...refusedAs(OFFER, [...formRefusals(OFFER_ITEMS, ANSWER), ...offerRefusals]),
      ...refusedAs(ANSWER, [...formRefusals(ANSWER_ITEMS, ORDER), ...answerRefusals]),
      ...refusedAs(ORDER, [...formRefusals(orderItems(sealed(PLAIN)), OFFER), ...orderRefusals]),
    ],
  };
}
