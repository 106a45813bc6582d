/** Vectors of the COSE_Encrypt inside an envelope. Source: docs/format.md §6. */
import {
  aeadSeal,
  hkdfExpand,
  hpkeOpen,
  hpkeSeal,
  openEnvelope,
  sealEnvelope,
  x25519Private,
  x25519Public,
  type EnvelopeKeys,
} from "@pericard/crypto";
import {
  concatBytes,
  EnvelopeId,
  KeyId,
  parseEnvelope,
  RoutingId,
  toHex,
  utf8,
  type ParsedEnvelope,
} from "@pericard/protocol";
import { DESCRIPTOR } from "./body.ts";
import { toJson, type VectorCase, type VectorFile } from "./case.ts";
import { array, bytes, FLOAT_ONE, head, int, map, NULL, text } from "./cbor-writer.ts";
import { flipBit, flipIn, refusals, type Refusal } from "./edit.ts";
import { EMPTY_MAP, pericardHeader, truncations } from "./encrypt0.ts";
import {
  ENVELOPE,
  groupKey,
  OTHER_BLOCK,
  OTHER_KEY,
  ROUTING,
  seededRandom,
  SERVER_HPKE,
  SERVER_HPKE_ID,
  TERMINAL_AGREE,
  USE,
} from "./fixtures.ts";
import { SEGMENT, sealed as sealedSegment } from "./segment.ts";

const TRANSPORT_KEY = groupKey("transport");
const INPUTS = {
  hpkePrivateKeyHex: toHex(SERVER_HPKE.seed),
  hpkePublicKeyHex: toHex(SERVER_HPKE.publicBytes),
  transportKeyHex: toHex(TRANSPORT_KEY),
};
const RECIPIENT = { privateKey: x25519Private(SERVER_HPKE.seed), publicBytes: SERVER_HPKE.publicBytes };
const KEYS: EnvelopeKeys = {
  hpkeKey: SERVER_HPKE_ID,
  hpkePublic: x25519Public(SERVER_HPKE.publicBytes),
  transportKey: TRANSPORT_KEY,
  cycle: USE.cycle,
  index: USE.index,
};
const TAG = Uint8Array.of(0xd8, 0x60);
const CONTENT_KEY = seededRandom("content key")(32);
const EPHEMERAL = seededRandom("ephemeral")(32);
const ALG = int(1);
const KID = int(4);
const PSK_ID = int(-5);
const EK = int(-4);

function sealed(seed: string, segments: readonly Uint8Array[]): Uint8Array {
  return sealEnvelope(KEYS, ROUTING, segments, seededRandom(seed)).bytes;
}

/** The envelope of one segment that the signed vectors sign. */
export const ENVELOPE_BYTES = sealed("envelope", [SEGMENT]);

/** P: an array of byte strings and zeros up to a multiple of 256. */
function padded(items: Uint8Array, sizeBytes = Math.ceil(items.length / 256) * 256): Uint8Array {
  const content = new Uint8Array(sizeBytes);
  content.set(items);
  return content;
}

/** Bytes of a segment that fills 256 bytes of content: one byte of array, two of length. */
const EXACT_BYTES = 253;
const CONTENT = padded(array([bytes(SEGMENT)]));

function commitmentOf(key: Uint8Array): Uint8Array {
  return hkdfExpand(key, array([text("commit"), bytes(EnvelopeId.toBytes(ENVELOPE))]), 32);
}

function headerFields(content: Uint8Array = CONTENT): Uint8Array[] {
  return [
    int(1),
    bytes(EnvelopeId.toBytes(ENVELOPE)),
    bytes(RoutingId.toBytes(ROUTING)),
    bytes(commitmentOf(CONTENT_KEY)),
    int(content.length),
  ];
}

const pskId = (cycle: Uint8Array, index: Uint8Array): Uint8Array => array([cycle, index]);
const PSK_ID_BYTES = pskId(int(USE.cycle), int(USE.index));

type Entry = readonly [Uint8Array, Uint8Array];
const RECIPIENT_ENTRIES: readonly Entry[] = [
  [ALG, int(50)],
  [KID, bytes(KeyId.toBytes(SERVER_HPKE_ID))],
  [PSK_ID, bytes(PSK_ID_BYTES)],
];

/** Everything that one envelope is made from; each refused case has one part another. */
interface Parts {
  readonly content: Uint8Array;
  readonly protectedBytes: Uint8Array;
  readonly recipientProtected: Uint8Array;
  /** Next-layer algorithm and extra info of HPKE's info. */
  readonly nextLayer: Uint8Array;
  readonly extraInfo: Uint8Array;
  readonly infoContext: string;
  readonly pskIdBytes: Uint8Array;
  readonly psk: Uint8Array | null;
  readonly hpkeAad: Uint8Array;
  readonly recipientPublic: Uint8Array;
  readonly wrapped: Uint8Array;
  readonly contentKey: Uint8Array;
  readonly type: string;
}

function assemble(
  edit: Partial<Parts> & { readonly recipientItems?: (recipient: readonly Uint8Array[]) => Uint8Array },
): Uint8Array {
  const content = edit.content ?? CONTENT;
  const protectedBytes = edit.protectedBytes ?? pericardHeader(headerFields(content));
  const recipientProtected = edit.recipientProtected ?? map(RECIPIENT_ENTRIES);
  const info = array([
    text(edit.infoContext ?? "HPKE Recipient"),
    edit.nextLayer ?? int(3),
    bytes(recipientProtected),
    bytes(edit.extraInfo ?? protectedBytes),
  ]);
  const aad = edit.hpkeAad ?? new Uint8Array(0);
  const psk = edit.psk === null ? undefined : { key: edit.psk ?? TRANSPORT_KEY, id: edit.pskIdBytes ?? PSK_ID_BYTES };
  const sealedKey = hpkeSeal(
    x25519Public(edit.recipientPublic ?? SERVER_HPKE.publicBytes),
    x25519Private(EPHEMERAL),
    psk === undefined ? { info, aad } : { info, aad, psk },
    edit.wrapped ?? CONTENT_KEY,
  );
  const encAad = array([text("Encrypt"), bytes(protectedBytes), bytes(utf8(edit.type ?? "pericard/envelope"))]);
  const ciphertext = aeadSeal("aes-256-gcm", edit.contentKey ?? CONTENT_KEY, encAad, content);
  const recipient = [
    bytes(recipientProtected),
    map([[EK, bytes(sealedKey.encapsulatedKey)]]),
    bytes(sealedKey.ciphertext),
  ];
  const recipients = edit.recipientItems ? edit.recipientItems(recipient) : array([array(recipient)]);
  return concatBytes(TAG, array([bytes(protectedBytes), EMPTY_MAP, bytes(ciphertext), recipients]));
}

const GOOD = assemble({});
const PARSED = parseEnvelope(GOOD);

/** The items of the good envelope's outer array, encoded. */
function outerItems(): readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array] {
  const recipient = array([
    bytes(PARSED.recipientProtectedBytes),
    map([[EK, bytes(PARSED.encapsulatedKey)]]),
    bytes(PARSED.wrappedKey),
  ]);
  return [bytes(PARSED.protectedBytes), EMPTY_MAP, bytes(PARSED.ciphertext), array([recipient])];
}

function outerRefusals(): readonly Refusal[] {
  const structure = "ERR_COSE_STRUCTURE";
  const [header, empty, ciphertext, recipients] = outerItems();
  return [
    ["message is empty", new Uint8Array(0), structure],
    ["message has no tag", GOOD.slice(2), structure],
    ["message has the tag of encrypt0", concatBytes(Uint8Array.of(0xd0), GOOD.slice(2)), structure],
    ["message writes its tag longer than needed", concatBytes(Uint8Array.of(0xd9, 0, 0x60), GOOD.slice(2)), structure],
    ["message has three items", concatBytes(TAG, array([header, empty, ciphertext])), structure],
    ["message has five items", concatBytes(TAG, array([header, empty, ciphertext, recipients, NULL])), structure],
    ["message has a trailing byte", concatBytes(GOOD, Uint8Array.of(0)), "ERR_CBOR_MALFORMED"],
    [
      "message array has indefinite length",
      concatBytes(TAG, concatBytes(Uint8Array.of(0x9f), header, empty, ciphertext, recipients, Uint8Array.of(0xff))),
      "ERR_CBOR_MALFORMED",
    ],
    [
      "unprotected header is present",
      concatBytes(TAG, array([header, map([[int(5), bytes(new Uint8Array(12))]]), ciphertext, recipients])),
      structure,
    ],
    ["ciphertext is detached", concatBytes(TAG, array([header, empty, NULL, recipients])), structure],
    [
      "ciphertext claims 2^32 bytes",
      concatBytes(TAG, concatBytes(head(4, 4), header, empty, head(2, 2n ** 32n))),
      "ERR_CBOR_MALFORMED",
    ],
    ["recipients are null", concatBytes(TAG, array([header, empty, ciphertext, NULL])), structure],
    [
      "recipients claim 2^32 - 1 items",
      concatBytes(TAG, concatBytes(head(4, 4), header, empty, ciphertext, head(4, 2n ** 32n - 1n))),
      "ERR_CBOR_MALFORMED",
    ],
    ...truncations(GOOD, [
      ["after its tag", 2],
      ["after the array's head", 3],
      ["in the protected header", 30],
      ["after the protected header", 3 + header.length],
      ["after the unprotected header", 4 + header.length],
      ["in the ciphertext", 100 + header.length],
      ["after the ciphertext", 4 + header.length + ciphertext.length],
      ["in the recipient", GOOD.length - 60],
      ["before its last byte", GOOD.length - 1],
    ]),
  ];
}

/** An envelope whose recipients are made from the right recipient's items. */
const around = (recipientItems: (recipient: readonly Uint8Array[]) => Uint8Array): Uint8Array =>
  assemble({ recipientItems });

function recipientRefusals(): readonly Refusal[] {
  const structure = "ERR_COSE_STRUCTURE";
  const ek = (value: Uint8Array, label: Uint8Array = EK): Uint8Array =>
    around(([header, , wrapped]) => array([array([header ?? NULL, map([[label, value]]), wrapped ?? NULL])]));
  return [
    ["there are no recipients", around(() => array([])), structure],
    ["there are two recipients", around((recipient) => array([array(recipient), array(recipient)])), structure],
    ["recipient has two items", around((recipient) => array([array(recipient.slice(0, 2))])), structure],
    ["recipient has a recipient itself", around((recipient) => array([array([...recipient, array([])])])), structure],
    [
      "recipient has no encapsulated key",
      around(([header, , wrapped]) => array([array([header ?? NULL, EMPTY_MAP, wrapped ?? NULL])])),
      structure,
    ],
    [
      "recipient has another unprotected parameter too",
      around(([header, , wrapped]) =>
        array([
          array([
            header ?? NULL,
            map([
              [KID, bytes(utf8("k"))],
              [EK, bytes(PARSED.encapsulatedKey)],
            ]),
            wrapped ?? NULL,
          ]),
        ]),
      ),
      structure,
    ],
    ["recipient has the encapsulated key at another label", ek(bytes(PARSED.encapsulatedKey), int(-6)), structure],
    [
      "recipient has the encapsulated key at a float label",
      ek(bytes(PARSED.encapsulatedKey), Uint8Array.of(0xf9, 0xc4, 0x00)),
      "ERR_CBOR_MALFORMED",
    ],
    ["encapsulated key is text", ek(text("k".repeat(32))), structure],
    ["encapsulated key is 31 bytes", ek(bytes(PARSED.encapsulatedKey.slice(1))), "ERR_FIELD_RANGE"],
    [
      "encapsulated key is 33 bytes",
      ek(bytes(concatBytes(PARSED.encapsulatedKey, Uint8Array.of(0)))),
      "ERR_FIELD_RANGE",
    ],
    [
      "wrapped key is null",
      around(([header, unprotected]) => array([array([header ?? NULL, unprotected ?? NULL, NULL])])),
      structure,
    ],
    [
      "wrapped key is 47 bytes",
      around(([header, unprotected]) =>
        array([array([header ?? NULL, unprotected ?? NULL, bytes(PARSED.wrappedKey.slice(1))])]),
      ),
      "ERR_FIELD_RANGE",
    ],
  ];
}

function recipientHeaderRefusals(): readonly Refusal[] {
  const [alg, kid, psk] = RECIPIENT_ENTRIES as readonly [Entry, Entry, Entry];
  const header = (entries: readonly Entry[], edit: Partial<Parts> = {}): Uint8Array =>
    assemble({ recipientProtected: map(entries), ...edit });
  const withPskId = (value: Uint8Array): Uint8Array =>
    header([alg, kid, [PSK_ID, bytes(value)]], { pskIdBytes: value });
  return [
    ["recipient header is empty", assemble({ recipientProtected: new Uint8Array(0) }), "ERR_CBOR_MALFORMED"],
    ["recipient header names hpke-3-ke", header([[ALG, int(49)], kid, psk]), "ERR_ALGORITHM_REFUSED"],
    ["recipient header names integrated hpke-4", header([[ALG, int(42)], kid, psk]), "ERR_ALGORITHM_REFUSED"],
    ["recipient header names direct", header([[ALG, int(-6)], kid, psk]), "ERR_ALGORITHM_REFUSED"],
    ["recipient header has no algorithm", header([kid, psk]), "ERR_ALGORITHM_REFUSED"],
    ["recipient header has no key id", header([alg, psk]), "ERR_HEADER_MALFORMED"],
    ["recipient header has no psk id, base mode", header([alg, kid], { psk: null }), "ERR_HEADER_MALFORMED"],
    ["recipient header has a crit", header([alg, [int(2), array([PSK_ID])], kid, psk]), "ERR_HEADER_MALFORMED"],
    ["recipient header map is in another order", header([alg, psk, kid]), "ERR_CBOR_MALFORMED"],
    ["key id is 7 bytes", header([alg, [KID, bytes(new Uint8Array(7))], psk]), "ERR_FIELD_RANGE"],
    ["key id is text", header([alg, [KID, text(SERVER_HPKE_ID)], psk]), "ERR_FIELD_RANGE"],
    ["psk id is text", header([alg, kid, [PSK_ID, text("psk")]]), "ERR_FIELD_RANGE"],
    ["psk id is 17 bytes", withPskId(new Uint8Array(17)), "ERR_FIELD_RANGE"],
    ["psk id is empty", header([alg, kid, [PSK_ID, bytes(new Uint8Array(0))]]), "ERR_CBOR_MALFORMED"],
    ["psk id has a trailing byte", withPskId(concatBytes(PSK_ID_BYTES, Uint8Array.of(0))), "ERR_CBOR_MALFORMED"],
    ["psk id has an index of 120", withPskId(pskId(int(1), int(120))), "ERR_FIELD_RANGE"],
    ["psk id has a cycle of 2^32", withPskId(pskId(int(2 ** 32), int(1))), "ERR_FIELD_RANGE"],
    ["psk id has a float cycle", withPskId(pskId(FLOAT_ONE, int(USE.index))), "ERR_CBOR_MALFORMED"],
    [
      "psk id has its index written longer than needed",
      withPskId(pskId(int(USE.cycle), int(USE.index, 2))),
      "ERR_CBOR_MALFORMED",
    ],
    ["psk id has three items", withPskId(array([int(1), int(USE.index), int(0)])), "ERR_FIELD_RANGE"],
  ];
}

function headerRefusals(): readonly Refusal[] {
  const range = "ERR_FIELD_RANGE";
  const withField = (index: number, value: Uint8Array): Uint8Array =>
    assemble({ protectedBytes: pericardHeader(headerFields().map((field, i) => (i === index ? value : field))) });
  const fields = array(headerFields());
  const own = int(-70_000);
  return [
    ["suite is paper-2018", withField(0, int(0)), "ERR_SUITE_UNKNOWN"],
    ["envelope id is 15 bytes", withField(1, bytes(new Uint8Array(15))), range],
    ["routing id is a 6-byte serial number", withField(2, bytes(new Uint8Array(6))), range],
    ["commitment is 31 bytes", withField(3, bytes(new Uint8Array(31))), range],
    ["padded length is zero", withField(4, int(0)), range],
    ["padded length is 256 more than the ciphertext's", withField(4, int(CONTENT.length + 256)), range],
    [
      "padded length is not a multiple of 256",
      assemble({ content: padded(array([bytes(SEGMENT)]), CONTENT.length + 1) }),
      range,
    ],
    ["padded length is over 20 MiB", withField(4, int(20 * 1024 * 1024)), range],
    ["padded length is 2^64 - 1", withField(4, int(2n ** 64n - 1n)), range],
    ["header has one field less", assemble({ protectedBytes: pericardHeader(headerFields().slice(0, 4)) }), range],
    ["header has one field more", assemble({ protectedBytes: pericardHeader([...headerFields(), NULL]) }), range],
    [
      "header names aes-128-gcm",
      assemble({
        protectedBytes: map([
          [ALG, int(1)],
          [int(2), array([own])],
          [own, fields],
        ]),
      }),
      "ERR_ALGORITHM_REFUSED",
    ],
    [
      "header has no crit",
      assemble({
        protectedBytes: map([
          [ALG, int(3)],
          [own, fields],
        ]),
      }),
      "ERR_HEADER_MALFORMED",
    ],
    [
      "header has a nonce too",
      assemble({
        protectedBytes: map([
          [ALG, int(3)],
          [int(2), array([own])],
          [int(5), bytes(new Uint8Array(12))],
          [own, fields],
        ]),
      }),
      "ERR_HEADER_MALFORMED",
    ],
    [
      "header map is in another order",
      assemble({
        protectedBytes: map([
          [int(2), array([own])],
          [ALG, int(3)],
          [own, fields],
        ]),
      }),
      "ERR_CBOR_MALFORMED",
    ],
  ];
}

/** Points of small order, canonical and not: with each, X25519 gives zero for every private key. */
const LOW_ORDER: readonly (readonly [string, string])[] = [
  ["zero", "00".repeat(32)],
  ["one", `01${"00".repeat(31)}`],
  ["a point of order 8", "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"],
  ["another point of order 8", "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"],
  ["p - 1", `ec${"ff".repeat(30)}7f`],
  ["p, which is zero", `ed${"ff".repeat(30)}7f`],
  ["p + 1, which is one", `ee${"ff".repeat(30)}7f`],
];

function lowOrderRefusals(): readonly Refusal[] {
  return LOW_ORDER.map(([name, hex]) => {
    const point = Uint8Array.from(Buffer.from(hex, "hex"));
    const items = (recipient: readonly Uint8Array[]): Uint8Array =>
      array([array([recipient[0] ?? NULL, map([[EK, bytes(point)]]), recipient[2] ?? NULL])]);
    return [`encapsulated key is ${name}`, assemble({ recipientItems: items }), "ERR_SHARED_SECRET"];
  });
}

function sealRefusals(): readonly Refusal[] {
  const other = groupKey("transport", OTHER_BLOCK);
  const otherRouting = headerFields().map((field, i) => (i === 2 ? bytes(new Uint8Array(8)) : field));
  const [, empty, ciphertext, recipients] = outerItems();
  const rerouted = concatBytes(TAG, array([bytes(pericardHeader(otherRouting)), empty, ciphertext, recipients]));
  return [
    ["sealed with another terminal's psk", assemble({ psk: other }), "ERR_SEAL_BROKEN"],
    ["sealed with the storage key as psk", assemble({ psk: groupKey("storage") }), "ERR_SEAL_BROKEN"],
    ["sealed in base mode under a header that names a psk", assemble({ psk: null }), "ERR_SEAL_BROKEN"],
    [
      "sealed under another psk id than the header's",
      assemble({ pskIdBytes: pskId(int(USE.cycle), int(0)) }),
      "ERR_SEAL_BROKEN",
    ],
    ["sealed to another server key", assemble({ recipientPublic: TERMINAL_AGREE.publicBytes }), "ERR_SEAL_BROKEN"],
    ["sealed for another next-layer algorithm", assemble({ nextLayer: int(1) }), "ERR_SEAL_BROKEN"],
    ["sealed without the envelope's header in info", assemble({ extraInfo: new Uint8Array(0) }), "ERR_SEAL_BROKEN"],
    ["sealed under another info context", assemble({ infoContext: "Enc_Recipient" }), "ERR_SEAL_BROKEN"],
    ["sealed with an hpke aad", assemble({ hpkeAad: utf8("aad") }), "ERR_SEAL_BROKEN"],
    ["wrapped key is another than committed to", assemble({ wrapped: OTHER_KEY }), "ERR_KEY_COMMITMENT"],
    ["content is sealed under another key than wrapped", assemble({ contentKey: OTHER_KEY }), "ERR_SEAL_BROKEN"],
    ["content is sealed as a segment", assemble({ type: "pericard/segment" }), "ERR_SEAL_BROKEN"],
    ["wrapped key is 16 bytes, padded by its tag", assemble({ wrapped: OTHER_KEY.slice(0, 16) }), "ERR_FIELD_RANGE"],
    ["routing id was changed", rerouted, "ERR_SEAL_BROKEN"],
    ["one bit of the commitment is turned over", flipIn(GOOD, PARSED.header.commitment), "ERR_SEAL_BROKEN"],
    ["one bit of the psk id is turned over", flipBit(GOOD, pskIdPlace()), "ERR_SEAL_BROKEN"],
    ["one bit of the key id is turned over", flipIn(GOOD, KeyId.toBytes(SERVER_HPKE_ID)), "ERR_SEAL_BROKEN"],
    ["one bit of the encapsulated key is turned over", flipIn(GOOD, PARSED.encapsulatedKey), "ERR_SEAL_BROKEN"],
    ["the encapsulated key's ignored bit is turned over", assembleWithIgnoredBit(), "ERR_SEAL_BROKEN"],
    ["one bit of the wrapped key is turned over", flipIn(GOOD, PARSED.wrappedKey), "ERR_SEAL_BROKEN"],
    ["last bit of the wrapped key's tag is turned over", flipBit(GOOD, -1, 7), "ERR_SEAL_BROKEN"],
    ["one bit of the ciphertext is turned over", flipIn(GOOD, PARSED.ciphertext.slice(0, 32)), "ERR_SEAL_BROKEN"],
    ["one bit of the tag is turned over", flipIn(GOOD, PARSED.ciphertext.slice(-16)), "ERR_SEAL_BROKEN"],
  ];
}

/** X25519 ignores the top bit of a point; HPKE's context does not. */
function assembleWithIgnoredBit(): Uint8Array {
  const point = flipBit(PARSED.encapsulatedKey, 31, 7);
  return assemble({
    recipientItems: (recipient) =>
      array([array([recipient[0] ?? NULL, map([[EK, bytes(point)]]), recipient[2] ?? NULL])]),
  });
}

function pskIdPlace(): number {
  const entry = concatBytes(PSK_ID, bytes(PSK_ID_BYTES));
  return Buffer.from(GOOD).indexOf(entry) + PSK_ID.length + 2;
}

const sealedContent = (content: Uint8Array): Uint8Array => assemble({ content });

function contentRefusals(): readonly Refusal[] {
  const segment = bytes(SEGMENT);
  const items = array([segment]);
  const used = items.length;
  const dirty = (at: number): Uint8Array => {
    const copy = padded(items);
    copy[at] = 1;
    return copy;
  };
  return [
    ["content has no segments", sealedContent(padded(array([]))), "ERR_FIELD_RANGE"],
    [
      "content has 65 segments",
      sealedContent(padded(array(Array.from({ length: 65 }, () => bytes(Uint8Array.of(1)))))),
      "ERR_FIELD_RANGE",
    ],
    ["content is only zeros", sealedContent(new Uint8Array(256)), "ERR_FIELD_RANGE"],
    ["content has a text as segment", sealedContent(padded(array([text("segment")]))), "ERR_FIELD_RANGE"],
    ["content is one byte string", sealedContent(padded(segment)), "ERR_FIELD_RANGE"],
    [
      "content claims more segments than it has",
      sealedContent(padded(concatBytes(head(4, 64), segment))),
      "ERR_FIELD_RANGE",
    ],
    [
      "content claims 2^32 - 1 segments",
      sealedContent(padded(concatBytes(head(4, 2n ** 32n - 1n), segment))),
      "ERR_CBOR_MALFORMED",
    ],
    [
      "segment claims more bytes than the content has",
      sealedContent(padded(concatBytes(head(4, 1), head(2, 2 ** 31), SEGMENT))),
      "ERR_CBOR_MALFORMED",
    ],
    ["first byte of the padding is not zero", sealedContent(dirty(used)), "ERR_PADDING_MALFORMED"],
    ["last byte of the padding is not zero", sealedContent(dirty(CONTENT.length - 1)), "ERR_PADDING_MALFORMED"],
    [
      "padding is 256 bytes more than needed",
      sealedContent(padded(items, CONTENT.length + 256)),
      "ERR_PADDING_MALFORMED",
    ],
    [
      "padding is exactly 256 bytes",
      sealedContent(padded(exactItems(), exactItems().length + 256)),
      "ERR_PADDING_MALFORMED",
    ],
  ];
}

/** An array of one byte string that fills 256 bytes to the last. */
function exactItems(): Uint8Array {
  return array([bytes(new Uint8Array(EXACT_BYTES))]);
}

function accept(name: string, bytesOfEnvelope: Uint8Array): VectorCase {
  const parsed: ParsedEnvelope = parseEnvelope(bytesOfEnvelope);
  const { segments } = openEnvelope(RECIPIENT, TRANSPORT_KEY, parsed);
  const { header, recipient, encapsulatedKey, wrappedKey } = parsed;
  const contentKey = contentKeyOf(parsed);
  const decoded = toJson({ header, recipient, encapsulatedKey, wrappedKey, contentKey, segments });
  return { name, expect: "accept", ...INPUTS, bytesHex: toHex(bytesOfEnvelope), decoded };
}

function contentKeyOf(parsed: ParsedEnvelope): Uint8Array {
  const info = array([
    text("HPKE Recipient"),
    int(3),
    bytes(parsed.recipientProtectedBytes),
    bytes(parsed.protectedBytes),
  ]);
  const sealedKey = { encapsulatedKey: parsed.encapsulatedKey, ciphertext: parsed.wrappedKey };
  const psk = { key: TRANSPORT_KEY, id: PSK_ID_BYTES };
  return hpkeOpen(RECIPIENT, sealedKey, { info, aad: new Uint8Array(0), psk });
}

/** Every vector of an envelope's COSE_Encrypt. */
export function envelopeVectors(): VectorFile {
  const three = [1000, 1001, 1002].map((sequence) => sealedSegment(`segment ${sequence}`, { sequence }, DESCRIPTOR));
  const many = Array.from({ length: 64 }, (_, i) => Uint8Array.of(i));
  return {
    structure: "envelope",
    source: "docs/format.md §6",
    steps:
      "parse the payload of the envelope's COSE_Sign1, unwrap K_C with HPKE in PSK mode, compare the commitment, open, read the segments",
    cases: [
      accept("an envelope of one segment", ENVELOPE_BYTES),
      accept("an envelope of three segments", sealed("three", three)),
      accept("an envelope of 64 items", sealed("many", many)),
      accept("an envelope without padding", sealed("exact", [new Uint8Array(EXACT_BYTES)])),
      accept("written by a second encoder", GOOD),
      ...refusals(INPUTS, [
        ...outerRefusals(),
        ...recipientRefusals(),
        ...recipientHeaderRefusals(),
        ...headerRefusals(),
        ...lowOrderRefusals(),
        ...sealRefusals(),
        ...contentRefusals(),
      ]),
    ],
  };
}
