/** Vectors of envelopes of suite paper-2018. Source: docs/format-paper-2018.md §5. */
import { createHash } from "node:crypto";
import {
  desEncrypt,
  openPaperEnvelope,
  paperSign,
  paperWrapKey,
  sealPaperEnvelope,
  verifyPaperEnvelope,
  type KeyObject,
} from "@pericard/crypto";
import {
  concatBytes,
  decodePaperContent,
  encodePaperContent,
  EnvelopeId,
  parsePaperEnvelope,
  RoutingId,
  toHex,
  type PaperEnvelope,
} from "@pericard/protocol";
import { toJson, type VectorCase, type VectorFile } from "./case.ts";
import { array, bytes, FLOAT_ONE, int, NULL, text } from "./cbor-writer.ts";
import { flipBit, flipIn, refusals, type Refusal } from "./edit.ts";
import { BINDING, ENVELOPE, ROUTING, seededRandom, USE } from "./fixtures.ts";
import { LEAVE, OTHER_RSA, PAPER_TRANSPORT_KEY, SERVER_RSA, TERMINAL_RSA } from "./paper-fixtures.ts";
import { PAPER_SEGMENT, PAPER_SEGMENT_AFTER } from "./paper-segment.ts";

const INPUTS = {
  tenant: BINDING.tenant,
  serverPrivateKeyHex: toHex(SERVER_RSA.privateDer),
  terminalPublicKeyHex: toHex(TERMINAL_RSA.publicDer),
  transportKeyHex: toHex(PAPER_TRANSPORT_KEY),
};

const OTHER_CONTENT_KEY = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

/** Stands for what a codec made of segments: the codecs have vectors of their own. */
const ENCODED = encodePaperContent([PAPER_SEGMENT]);

/** What a case may have otherwise; the signature always fits, as that of a hostile terminal would. */
interface Parts {
  readonly encoded: Uint8Array;
  readonly contentKey: Uint8Array;
  readonly digest: Uint8Array;
  readonly wrappedKey: Uint8Array;
  readonly signKey: KeyObject;
  readonly covered: (c: Uint8Array, p: Uint8Array, k: Uint8Array) => Uint8Array;
}

function sha256(content: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(content).digest());
}

function assembleFields(parts: Partial<Parts> = {}): Uint8Array[] {
  const { encoded = ENCODED, contentKey = PAPER_TRANSPORT_KEY, signKey = TERMINAL_RSA.privateKey } = parts;
  const { digest = sha256(encoded), covered = concatBytes } = parts;
  const ciphertext = desEncrypt(LEAVE, contentKey, encoded);
  const random = seededRandom("paper envelope padding");
  const wrappedKey = parts.wrappedKey ?? paperWrapKey(LEAVE, SERVER_RSA.publicKey, contentKey, random);
  return [
    int(0),
    bytes(EnvelopeId.toBytes(ENVELOPE)),
    bytes(RoutingId.toBytes(ROUTING)),
    int(USE.cycle),
    int(USE.index),
    text("gzip"),
    bytes(ciphertext),
    bytes(digest),
    bytes(wrappedKey),
    bytes(paperSign(LEAVE, signKey, covered(ciphertext, digest, wrappedKey))),
  ];
}

const assemble = (parts: Partial<Parts> = {}): Uint8Array => array(assembleFields(parts));
const GOOD_FIELDS = assembleFields();
const GOOD = array(GOOD_FIELDS);
const PARSED = parsePaperEnvelope(GOOD);

function withField(index: number, item: Uint8Array): Uint8Array {
  return array(GOOD_FIELDS.map((field, i) => (i === index ? item : field)));
}

function formRefusals(): readonly Refusal[] {
  const range = "ERR_FIELD_RANGE";
  return [
    ["no bytes", new Uint8Array(0), "ERR_CBOR_MALFORMED"],
    ["a byte follows", concatBytes(GOOD, Uint8Array.of(0)), "ERR_CBOR_MALFORMED"],
    ["last byte is missing", GOOD.slice(0, -1), "ERR_CBOR_MALFORMED"],
    ["an item too few", array(GOOD_FIELDS.slice(0, -1)), range],
    ["an item too many", array([...GOOD_FIELDS, NULL]), range],
    ["suite is pericard-1", withField(0, int(1)), "ERR_SUITE_UNKNOWN"],
    ["suite is 2", withField(0, int(2)), "ERR_SUITE_UNKNOWN"],
    ["suite is a float", withField(0, FLOAT_ONE), "ERR_CBOR_MALFORMED"],
    ["envelope id is 15 bytes", withField(1, bytes(new Uint8Array(15))), range],
    ["routing id is 9 bytes", withField(2, bytes(new Uint8Array(9))), range],
    ["cycle is 2^32", withField(3, int(2 ** 32)), range],
    ["index is 120", withField(4, int(120)), range],
    ["index is null", withField(4, NULL), range],
    ["index is written longer than needed", withField(4, int(USE.index, 2)), "ERR_CBOR_MALFORMED"],
    ["codec is lead-residual", withField(5, text("lead-residual")), "ERR_CODEC_UNKNOWN"],
    ["codec is null", withField(5, NULL), "ERR_CODEC_UNKNOWN"],
    ["C is empty", withField(6, bytes(new Uint8Array(0))), range],
    ["C is 7 bytes", withField(6, bytes(new Uint8Array(7))), range],
    ["C is text", withField(6, text("12345678")), range],
    ["P' is 31 bytes", withField(7, bytes(new Uint8Array(31))), range],
    ["P' is null", withField(7, NULL), range],
    ["K_K is 255 bytes", withField(8, bytes(new Uint8Array(255))), range],
    ["K_K is 257 bytes", withField(8, bytes(new Uint8Array(257))), range],
    ["signature is 64 bytes", withField(9, bytes(new Uint8Array(64))), range],
    ["signature is null", withField(9, NULL), range],
  ];
}

function signatureRefusals(): readonly Refusal[] {
  const invalid = "ERR_SIGNATURE_INVALID";
  const { signature, wrappedKey, digest, ciphertext } = PARSED;
  return [
    ["signed by another key", assemble({ signKey: OTHER_RSA.privateKey }), invalid],
    ["signed by the server, as the paper has it", assemble({ signKey: SERVER_RSA.privateKey }), invalid],
    ["signed over P' and K_K alone", assemble({ covered: (_c, p, k) => concatBytes(p, k) }), invalid],
    ["signed over C and P' alone", assemble({ covered: (c, p) => concatBytes(c, p) }), invalid],
    ["signed over K_K, P', C", assemble({ covered: (c, p, k) => concatBytes(k, p, c) }), invalid],
    ["one bit of the signature is turned over", flipIn(GOOD, signature.slice(64, 128)), invalid],
    ["one bit of C is turned over", flipIn(GOOD, ciphertext.slice(0, 32)), invalid],
    ["one bit of P' is turned over", flipIn(GOOD, digest), invalid],
    ["one bit of K_K is turned over", flipIn(GOOD, wrappedKey.slice(64, 128)), invalid],
    ["last bit of the signature is turned over", flipBit(GOOD, -1), invalid],
  ];
}

function wrapped(contentKey: Uint8Array): Uint8Array {
  return paperWrapKey(LEAVE, SERVER_RSA.publicKey, contentKey, seededRandom("other wrap"));
}

function sealRefusals(): readonly Refusal[] {
  const toOther = paperWrapKey(LEAVE, OTHER_RSA.publicKey, PAPER_TRANSPORT_KEY, seededRandom("to other"));
  return [
    ["K_K is to another server", assemble({ wrappedKey: toOther }), "ERR_SEAL_BROKEN"],
    ["K_K is zero", assemble({ wrappedKey: new Uint8Array(256) }), "ERR_SEAL_BROKEN"],
    ["K_K is not below the modulus", assemble({ wrappedKey: new Uint8Array(256).fill(0xff) }), "ERR_SEAL_BROKEN"],
    ["K_C is not the block's", assemble({ contentKey: OTHER_CONTENT_KEY }), "ERR_KEY_COMMITMENT"],
    ["K_K is another key than C's", assemble({ wrappedKey: wrapped(OTHER_CONTENT_KEY) }), "ERR_KEY_COMMITMENT"],
    [
      "C is under another key than K_K",
      assemble({ contentKey: OTHER_CONTENT_KEY, wrappedKey: wrapped(PAPER_TRANSPORT_KEY) }),
      "ERR_SEAL_BROKEN",
    ],
    ["P' is of other bytes", assemble({ digest: sha256(PAPER_SEGMENT) }), "ERR_DIGEST_MISMATCH"],
    ["P' is of nothing", assemble({ digest: sha256(new Uint8Array(0)) }), "ERR_DIGEST_MISMATCH"],
  ];
}

function accept(name: string, envelope: Uint8Array): VectorCase {
  const parsed: PaperEnvelope = parsePaperEnvelope(envelope);
  verifyPaperEnvelope(LEAVE, TERMINAL_RSA.publicKey, parsed);
  const keys = { recipient: SERVER_RSA.privateKey, transportKey: PAPER_TRANSPORT_KEY };
  const encoded = openPaperEnvelope(LEAVE, keys, parsed);
  return { name, expect: "accept", ...INPUTS, bytesHex: toHex(envelope), decoded: toJson({ ...parsed, encoded }) };
}

function sealed(codec: PaperEnvelope["codec"], encoded: Uint8Array): Uint8Array {
  const { cycle, index } = USE;
  const keys = { transportKey: PAPER_TRANSPORT_KEY, cycle, index, recipient: SERVER_RSA.publicKey };
  const signing = { ...keys, signKey: TERMINAL_RSA.privateKey };
  return sealPaperEnvelope(LEAVE, signing, ROUTING, { codec, encoded }, seededRandom(`paper envelope ${codec}`)).bytes;
}

/** Every vector of an envelope of paper-2018. */
export function paperEnvelopeVectors(): VectorFile {
  const two = encodePaperContent([PAPER_SEGMENT, PAPER_SEGMENT_AFTER]);
  return {
    structure: "envelope of paper-2018",
    source: "docs/format-paper-2018.md §5",
    steps:
      "parse, verify the signature over C ‖ P' ‖ K_K, open K_K and compare it with the block's K_C, open C, compare P'; the codec is not undone",
    cases: [
      accept("an envelope", sealed("gzip", ENCODED)),
      accept("an envelope of dedup and gzip", sealed("dedup+gzip", two)),
      accept("written by a second encoder", GOOD),
      accept("suite, ids and index apart, nothing covers the codec", withField(5, text("dedup"))),
      accept("another envelope id: nothing tells", withField(1, bytes(new Uint8Array(16)))),
      ...refusals(INPUTS, [...formRefusals(), ...signatureRefusals(), ...sealRefusals()]),
    ],
  };
}

function contentOf(count: number): Uint8Array {
  return array(Array.from({ length: count }, (_, i) => bytes(Uint8Array.of(i))));
}

function acceptContent(name: string, content: Uint8Array): VectorCase {
  return {
    name,
    expect: "accept",
    bytesHex: toHex(content),
    decoded: toJson({ segments: decodePaperContent(content) }),
  };
}

/** Every vector of what an envelope's codec is given. */
export function paperContentVectors(): VectorFile {
  return {
    structure: "content of an envelope of paper-2018",
    source: "docs/format-paper-2018.md §5",
    steps: "read the sealed segments of a content whose codec was undone",
    cases: [
      acceptContent("one segment", ENCODED),
      acceptContent("64 segments", contentOf(64)),
      ...refusals({}, [
        ["no segment", contentOf(0), "ERR_FIELD_RANGE"],
        ["65 segments", contentOf(65), "ERR_FIELD_RANGE"],
        ["a text as segment", array([text("segment")]), "ERR_FIELD_RANGE"],
        ["one byte string", bytes(PAPER_SEGMENT), "ERR_FIELD_RANGE"],
        ["a zero follows: there is no padding", concatBytes(ENCODED, Uint8Array.of(0)), "ERR_CBOR_MALFORMED"],
        ["last byte is missing", ENCODED.slice(0, -1), "ERR_CBOR_MALFORMED"],
        ["no bytes", new Uint8Array(0), "ERR_CBOR_MALFORMED"],
      ]),
    ],
  };
}
