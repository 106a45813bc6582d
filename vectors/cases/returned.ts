/** Vectors of the COSE_Encrypt inside a returned page. Source: docs/format.md §7.10. */
import {
  aeadSeal,
  hkdfExpand,
  hpkeSeal,
  keyIdOf,
  openReturned,
  sealReturned,
  x25519Private,
  x25519Public,
  type ReturnRequest,
} from "@pericard/crypto";
import {
  concatBytes,
  KeyId,
  parseReturned,
  RecordingId,
  RoutingId,
  toHex,
  utf8,
  type FetchPlace,
  type ReturnedContent,
  type ReturnedSegment,
} from "@pericard/protocol";
import { toJson, type VectorCase, type VectorFile } from "./case.ts";
import { array, bytes, FALSE, FLOAT_ONE, int, map, NULL, text } from "./cbor-writer.ts";
import { flipIn, refusals, type Refusal } from "./edit.ts";
import { EMPTY_MAP, pericardHeader, truncations } from "./encrypt0.ts";
import {
  groupKey,
  HASH,
  OTHER_BLOCK,
  OTHER_HASH,
  OTHER_KEY,
  PLACE,
  PREVIOUS_RECORDING,
  ROUTING,
  seededRandom,
  SERVER_HPKE,
  TERMINAL_AGREE,
  USE,
} from "./fixtures.ts";
import { BODY } from "./segment.ts";

const RETURN_KEY = groupKey("return");
const ASKED: ReturnRequest = { routing: ROUTING, requestHash: HASH };
const INPUTS = {
  agreePrivateKeyHex: toHex(TERMINAL_AGREE.seed),
  agreePublicKeyHex: toHex(TERMINAL_AGREE.publicBytes),
  returnKeyHex: toHex(RETURN_KEY),
  routing: ROUTING,
  requestHashHex: toHex(HASH),
};
const TERMINAL = { privateKey: x25519Private(TERMINAL_AGREE.seed), publicBytes: TERMINAL_AGREE.publicBytes };
const KEYS = { ...USE, agreePublicKey: TERMINAL_AGREE.publicBytes, returnKey: RETURN_KEY };
const TAG = Uint8Array.of(0xd8, 0x60);
const CONTENT_KEY = seededRandom("returned content key")(32);
const EPHEMERAL = seededRandom("returned ephemeral")(32);
const ALG = int(1);

const { recording, stream, sequence } = PLACE;
const NAME = { recording, stream };
const FROM: FetchPlace = { sequence, offsetBytes: 0 };
const WHOLE: ReturnedSegment = {
  ...FROM,
  hash: HASH,
  prev: null,
  final: false,
  sizeBytes: BODY.length,
  data: BODY,
};
const NEXT: ReturnedSegment = { ...WHOLE, sequence: sequence + 1, hash: OTHER_HASH, prev: HASH, final: true };
const PART: ReturnedSegment = { ...WHOLE, data: BODY.slice(0, 10) };
const REST: ReturnedSegment = { ...WHOLE, offsetBytes: 10, data: BODY.slice(10) };
const STREAM = { ...NAME, firstReceivedAtUnixMs: 1_760_000_020_000, segmentCount: 2, highestSequence: sequence + 1 };

const page = (from: FetchPlace, segments: readonly ReturnedSegment[], next: FetchPlace | null): ReturnedContent => ({
  kind: "page",
  name: NAME,
  from,
  next,
  segments,
});

function sealed(seed: string, content: ReturnedContent): Uint8Array {
  return sealReturned(KEYS, ASKED, content, seededRandom(seed));
}

/** The page that the signed vectors sign. */
export const RETURNED_BYTES = sealed("returned", page(FROM, [WHOLE, NEXT], null));

/** Items and zeros up to a multiple of 256. */
function padded(items: Uint8Array, sizeBytes = Math.ceil(items.length / 256) * 256): Uint8Array {
  const content = new Uint8Array(sizeBytes);
  content.set(items);
  return content;
}

const place = (sequence: number, offsetBytes = 0): Uint8Array => array([int(sequence), int(offsetBytes)]);

function segmentFields({ sequence, offsetBytes, sizeBytes, data }: ReturnedSegment): readonly Uint8Array[] {
  return [int(sequence), int(offsetBytes), bytes(HASH), NULL, FALSE, int(sizeBytes), bytes(data)];
}

const RECORDING = bytes(RecordingId.toBytes(recording));
const PAGE_FIELDS = [
  int(2),
  RECORDING,
  int(stream),
  place(sequence),
  place(sequence + 1),
  array([array(segmentFields(WHOLE))]),
] as const;
const CONTENT = padded(array(PAGE_FIELDS));

function commitmentOf(key: Uint8Array): Uint8Array {
  return hkdfExpand(key, array([text("commit"), bytes(HASH)]), 32);
}

function headerFields(content: Uint8Array): readonly Uint8Array[] {
  const routing = bytes(RoutingId.toBytes(ROUTING));
  return [int(1), routing, bytes(HASH), bytes(commitmentOf(CONTENT_KEY)), int(content.length)];
}

const PSK_ID = array([int(USE.cycle), int(USE.index)]);
type Entry = readonly [Uint8Array, Uint8Array];
const RECIPIENT: readonly [Entry, Entry, Entry] = [
  [ALG, int(50)],
  [int(4), bytes(KeyId.toBytes(keyIdOf(TERMINAL_AGREE.publicBytes)))],
  [int(-5), bytes(PSK_ID)],
];

/** Everything that one page is made from; each refused case has one part another. */
interface Parts {
  readonly content: Uint8Array;
  readonly protectedBytes: Uint8Array;
  readonly recipientProtected: Uint8Array;
  readonly extraInfo: Uint8Array;
  readonly psk: Uint8Array | null;
  readonly recipientPublic: Uint8Array;
  readonly contentKey: Uint8Array;
  readonly type: string;
}

function itemsOf(edit: Partial<Parts>): readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array] {
  const content = edit.content ?? CONTENT;
  const protectedBytes = edit.protectedBytes ?? pericardHeader(headerFields(content));
  const recipientProtected = edit.recipientProtected ?? map(RECIPIENT);
  const extraInfo = bytes(edit.extraInfo ?? protectedBytes);
  const info = array([text("HPKE Recipient"), int(3), bytes(recipientProtected), extraInfo]);
  const aad = new Uint8Array(0);
  const psk = { key: edit.psk ?? RETURN_KEY, id: PSK_ID };
  const wrapped = hpkeSeal(
    x25519Public(edit.recipientPublic ?? TERMINAL_AGREE.publicBytes),
    x25519Private(EPHEMERAL),
    edit.psk === null ? { info, aad } : { info, aad, psk },
    CONTENT_KEY,
  );
  const encAad = array([text("Encrypt"), bytes(protectedBytes), bytes(utf8(edit.type ?? "pericard/returned"))]);
  const ciphertext = aeadSeal("aes-256-gcm", edit.contentKey ?? CONTENT_KEY, encAad, content);
  const ek = map([[int(-4), bytes(wrapped.encapsulatedKey)]]);
  const recipient = array([bytes(recipientProtected), ek, bytes(wrapped.ciphertext)]);
  return [bytes(protectedBytes), EMPTY_MAP, bytes(ciphertext), array([recipient])];
}

const tagged = (items: readonly Uint8Array[]): Uint8Array => concatBytes(TAG, array(items));
const assemble = (edit: Partial<Parts>): Uint8Array => tagged(itemsOf(edit));
const GOOD = assemble({});
const PARSED = parseReturned(GOOD);

function outerRefusals(): readonly Refusal[] {
  const structure = "ERR_COSE_STRUCTURE";
  const [header, empty, ciphertext, recipients] = itemsOf({});
  return [
    ["message is empty", new Uint8Array(0), structure],
    ["message has no tag", GOOD.slice(2), structure],
    ["message has three items", tagged([header, empty, ciphertext]), structure],
    ["message has a trailing byte", concatBytes(GOOD, Uint8Array.of(0)), "ERR_CBOR_MALFORMED"],
    ["unprotected header is present", tagged([header, map([[int(5), NULL]]), ciphertext, recipients]), structure],
    ["there are no recipients", tagged([header, empty, ciphertext, array([])]), structure],
    ...truncations(GOOD, [
      ["in the protected header", 30],
      ["in the ciphertext", 200],
      ["in the recipient", GOOD.length - 60],
      ["before its last byte", GOOD.length - 1],
    ]),
  ];
}

function headerRefusals(): readonly Refusal[] {
  const range = "ERR_FIELD_RANGE";
  const fields = headerFields(CONTENT);
  const withField = (index: number, value: Uint8Array): Uint8Array =>
    assemble({ protectedBytes: pericardHeader(fields.with(index, value)) });
  const recipient = (entries: readonly Entry[]): Uint8Array => assemble({ recipientProtected: map(entries) });
  const [alg, kid, psk] = RECIPIENT;
  return [
    ["suite is paper-2018", withField(0, int(0)), "ERR_SUITE_UNKNOWN"],
    ["suite is a float", withField(0, FLOAT_ONE), "ERR_CBOR_MALFORMED"],
    ["routing id is 6 bytes", withField(1, bytes(new Uint8Array(6))), range],
    ["request is 31 bytes", withField(2, bytes(HASH.slice(1))), range],
    ["commitment is 33 bytes", withField(3, bytes(new Uint8Array(33))), range],
    ["padded length is zero", withField(4, int(0)), range],
    ["padded length is 256 more than the ciphertext's", withField(4, int(CONTENT.length + 256)), range],
    ["padded length is over 512 KiB", withField(4, int(512 * 1024 + 256)), range],
    ["header has a field more", assemble({ protectedBytes: pericardHeader([...fields, NULL]) }), range],
    ["header has a field less", assemble({ protectedBytes: pericardHeader(fields.slice(0, -1)) }), range],
    ["recipient header names hpke-3-ke", recipient([[ALG, int(49)], kid, psk]), "ERR_ALGORITHM_REFUSED"],
    ["recipient header has no key id", recipient([alg, psk]), "ERR_HEADER_MALFORMED"],
    ["recipient header has no psk id", recipient([alg, kid]), "ERR_HEADER_MALFORMED"],
  ];
}

function mismatches(): readonly Refusal[] {
  const fields = headerFields(CONTENT);
  const mismatch = "ERR_RETURN_MISMATCH";
  const withField = (index: number, value: Uint8Array): Uint8Array =>
    assemble({ protectedBytes: pericardHeader(fields.with(index, value)) });
  return [
    ["answers another request", withField(2, bytes(OTHER_HASH)), mismatch],
    ["is for another routing id", withField(1, bytes(new Uint8Array(8))), mismatch],
    ["a bit of the request is turned over", flipIn(GOOD, HASH), mismatch],
  ];
}

function sealRefusals(): readonly Refusal[] {
  const broken = "ERR_SEAL_BROKEN";
  const fields = headerFields(CONTENT);
  const otherHeader = pericardHeader(fields.with(3, bytes(commitmentOf(OTHER_KEY))));
  const [alg, , psk] = RECIPIENT;
  const otherKid = map([alg, [int(4), bytes(KeyId.toBytes(keyIdOf(SERVER_HPKE.publicBytes)))], psk]);
  return [
    ["sealed to another key", assemble({ recipientPublic: SERVER_HPKE.publicBytes }), broken],
    ["names another key", assemble({ recipientProtected: otherKid }), broken],
    ["sealed in base mode", assemble({ psk: null }), broken],
    ["sealed under another terminal's block", assemble({ psk: groupKey("return", OTHER_BLOCK) }), broken],
    ["sealed under the transport key", assemble({ psk: groupKey("transport") }), broken],
    ["hpke's info has another protected header", assemble({ extraInfo: otherHeader }), broken],
    ["content is sealed as an envelope", assemble({ type: "pericard/envelope" }), broken],
    ["content is sealed under another key than the wrapped one", assemble({ contentKey: OTHER_KEY }), broken],
    ["commitment is another key's", assemble({ protectedBytes: otherHeader }), "ERR_KEY_COMMITMENT"],
    ["a bit of the encapsulated key is turned over", flipIn(GOOD, PARSED.encapsulatedKey), broken],
    ["a bit of the wrapped key is turned over", flipIn(GOOD, PARSED.wrappedKey), broken],
    ["a bit of the ciphertext is turned over", flipIn(GOOD, PARSED.ciphertext), broken],
    ["a bit of the tag is turned over", flipIn(GOOD, PARSED.ciphertext.slice(-16)), broken],
  ];
}

function contentRefusals(): readonly Refusal[] {
  const range = "ERR_FIELD_RANGE";
  const content = (items: Uint8Array): Uint8Array => assemble({ content: padded(items) });
  const withField = (index: number, value: Uint8Array): Uint8Array => content(array(PAGE_FIELDS.with(index, value)));
  const withSegment = (index: number, value: Uint8Array): Uint8Array =>
    withField(5, array([array(segmentFields(WHOLE).with(index, value))]));
  const withSegments = (next: Uint8Array, ...segments: readonly ReturnedSegment[]): Uint8Array =>
    content(array(PAGE_FIELDS.with(4, next).with(5, array(segments.map((one) => array(segmentFields(one)))))));
  const streamFields = [RECORDING, int(0), int(0), int(1), int(0)];
  const list = (streams: readonly Uint8Array[], more: Uint8Array): Uint8Array =>
    content(array([int(1), array(streams), more]));
  return [
    ["content is not an array", content(int(2)), range],
    ["content is of another kind", withField(0, int(3)), range],
    ["content has a field more", content(array([...PAGE_FIELDS, NULL])), range],
    [
      "content has 256 bytes of padding",
      assemble({ content: padded(array(PAGE_FIELDS), CONTENT.length + 256) }),
      "ERR_PADDING_MALFORMED",
    ],
    ["padding is not zero", assemble({ content: CONTENT.with(CONTENT.length - 1, 1) }), "ERR_PADDING_MALFORMED"],
    ["stream is 256", withField(2, int(256)), range],
    ["segment lies before the page", withSegments(place(sequence + 1), { ...WHOLE, sequence: sequence - 1 }), range],
    ["segments are in another order", withSegments(place(sequence + 2), NEXT, WHOLE), range],
    ["a segment is there twice", withSegments(place(sequence + 1), WHOLE, WHOLE), range],
    ["next lies before the last segment", withSegments(place(sequence), WHOLE), range],
    ["next is within a segment that is whole", withSegments(place(sequence + 1, 5), WHOLE), range],
    ["a part is followed by another segment", withSegments(place(sequence + 2), PART, NEXT), range],
    ["a part is the end", withSegments(NULL, PART), range],
    ["next is not where a part ends", withSegments(place(sequence, 11), PART), range],
    ["a part begins elsewhere than the page", withSegments(place(sequence + 1), REST), range],
    [
      "a page that begins within a segment leaves it out",
      content(
        array(
          PAGE_FIELDS.with(3, place(sequence, 10))
            .with(4, NULL)
            .with(5, array([array(segmentFields(NEXT))])),
        ),
      ),
      range,
    ],
    ["a page goes on where it began", withSegments(place(sequence)), range],
    ["segment has no bytes", withSegment(6, bytes(new Uint8Array(0))), range],
    ["segment has more bytes than its size", withSegment(5, int(BODY.length - 1)), range],
    ["segment has a size over 16 MiB", withSegment(5, int(2 ** 24 + 1)), range],
    ["segment has an h of 31 bytes", withSegment(2, bytes(HASH.slice(1))), range],
    ["segment has its final as 0", withSegment(4, int(0)), range],
    ["65 segments", withField(5, array(Array.from({ length: 65 }, () => NULL))), range],
    ["list has no end", list([array(streamFields)], NULL), range],
    ["list has a stream of four fields", list([array(streamFields.slice(1))], FALSE), range],
    [
      "list has 65 streams",
      list(
        Array.from({ length: 65 }, () => array(streamFields)),
        FALSE,
      ),
      range,
    ],
  ];
}

function accept(name: string, message: Uint8Array): VectorCase {
  const parsed = parseReturned(message);
  const { header, recipient } = parsed;
  const decoded = toJson({ header, recipient, content: openReturned(TERMINAL, RETURN_KEY, parsed, ASKED) });
  return { name, expect: "accept", ...INPUTS, bytesHex: toHex(message), decoded };
}

/** Every vector of the COSE_Encrypt inside a returned page. */
export function returnedVectors(): VectorFile {
  const refused = [...outerRefusals(), ...headerRefusals(), ...mismatches(), ...sealRefusals(), ...contentRefusals()];
  const streams = [STREAM, { ...STREAM, recording: PREVIOUS_RECORDING }];
  const empty = page({ sequence: sequence + 5, offsetBytes: 0 }, [], null);
  const after = { sequence: sequence + 9, offsetBytes: 0 };
  return {
    structure: "COSE_Encrypt of a returned page",
    source: "docs/format.md §7.10",
    steps:
      "parse, compare routing id and request with those asked for, open under the terminal's private key and K_return, decode the content",
    cases: [
      accept("a page of two segments, the last", RETURNED_BYTES),
      accept("a page after which a gap and another page come", sealed("gap", page(FROM, [WHOLE], after))),
      accept("a page that ends within a segment", sealed("part", page(FROM, [PART], { sequence, offsetBytes: 10 }))),
      accept(
        "a page that begins within a segment",
        sealed("rest", page({ sequence, offsetBytes: 10 }, [REST, NEXT], null)),
      ),
      accept("a page without segments", sealed("empty page", empty)),
      accept("a list of two streams", sealed("list", { kind: "list", streams, more: true })),
      accept("an empty list", sealed("empty list", { kind: "list", streams: [], more: false })),
      accept("a page written by a second encoder", GOOD),
      ...refusals(INPUTS, refused),
    ],
  };
}
