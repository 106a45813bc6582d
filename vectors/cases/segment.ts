/** Vectors of sealed segments. Source: docs/format.md §5. */
import { deriveMessageKey, openSegment, sealSegment, type SegmentHeaderDraft } from "@pericard/crypto";
import {
  parseSegment,
  RecordingId,
  SEGMENT_TYPE,
  SUITE,
  TenantId,
  TerminalId,
  toHex,
  type SegmentDescriptor,
} from "@pericard/protocol";
import { bodyRefusals, DESCRIPTOR, ENCODED, FILE_DESCRIPTOR, literalBody, OBSERVATION_DESCRIPTOR } from "./body.ts";
import { toJson, type VectorCase, type VectorFile } from "./case.ts";
import { array, bytes, FALSE, FLOAT_ONE, int, NULL, text, UNDEFINED } from "./cbor-writer.ts";
import { flipBit, flipIn, refusals, type Refusal } from "./edit.ts";
import { encrypt0, headerRefusals, outerRefusals, pericardHeader, sealedMessage, sealUnder } from "./encrypt0.ts";
import { BINDING, groupKey, HASH, OTHER_BLOCK, OTHER_HASH, PLACE, RECORDING, seededRandom, USE } from "./fixtures.ts";

const STORAGE_KEY = groupKey("storage");
const INPUTS = { storageKeyHex: toHex(STORAGE_KEY) };

/** The header of the segment that most cases seal. */
export const DRAFT: SegmentHeaderDraft = {
  ...PLACE,
  ...USE,
  suite: SUITE.pericard1,
  tenant: BINDING.tenant,
  terminal: BINDING.terminal,
  policyVersion: 7,
  prev: HASH,
  final: false,
};

/** One sealed segment, always with the same salt for the same seed. */
export function sealed(seed: string, draft: Partial<SegmentHeaderDraft>, descriptor: SegmentDescriptor): Uint8Array {
  const codec = descriptor.shape === null ? "raw" : "lead-residual";
  const body = { descriptor, codec, encoded: ENCODED } as const;
  return sealSegment(STORAGE_KEY, { ...DRAFT, ...draft }, body, seededRandom(seed));
}

/** The segment that most cases are made from. */
export const SEGMENT = sealed("segment", {}, DESCRIPTOR);
const PARSED = parseSegment(SEGMENT);
/** Its body, which a data package and a returned page repeat. */
export const BODY = openSegment(STORAGE_KEY, PARSED).plain;
const INFO = array([
  text("segment"),
  bytes(RecordingId.toBytes(RECORDING)),
  int(PLACE.stream),
  int(PLACE.sequence),
  int(USE.use),
]);
const MESSAGE_KEY = deriveMessageKey(PARSED.header.salt, STORAGE_KEY, INFO);
const SEALING = { key: MESSAGE_KEY.key, type: SEGMENT_TYPE, plain: BODY };

function accept(name: string, segment: Uint8Array): VectorCase {
  const parsed = parseSegment(segment);
  const { plain, body } = openSegment(STORAGE_KEY, parsed);
  return {
    name,
    expect: "accept",
    ...INPUTS,
    bytesHex: toHex(segment),
    decoded: toJson({ header: parsed.header, plain, body }),
  };
}

function fields(): Uint8Array[] {
  return [
    int(1),
    bytes(TenantId.toBytes(BINDING.tenant)),
    bytes(TerminalId.toBytes(BINDING.terminal)),
    bytes(RecordingId.toBytes(RECORDING)),
    int(PLACE.stream),
    int(PLACE.sequence),
    int(USE.cycle),
    int(USE.index),
    int(USE.use),
    int(7),
    bytes(PARSED.header.salt),
    bytes(MESSAGE_KEY.commitment),
    bytes(HASH),
    FALSE,
  ];
}

function withField(index: number, item: Uint8Array): Uint8Array {
  const header = pericardHeader(fields().map((field, i) => (i === index ? item : field)));
  return sealedMessage(header, SEALING);
}

function fieldRefusals(): readonly Refusal[] {
  const range = "ERR_FIELD_RANGE";
  return [
    ["suite is paper-2018", withField(0, int(0)), "ERR_SUITE_UNKNOWN"],
    ["suite is 2", withField(0, int(2)), "ERR_SUITE_UNKNOWN"],
    ["suite is a float", withField(0, FLOAT_ONE), "ERR_CBOR_MALFORMED"],
    ["tenant is 15 bytes", withField(1, bytes(new Uint8Array(15))), range],
    ["tenant is text", withField(1, text(BINDING.tenant)), range],
    ["terminal is 7 bytes", withField(2, bytes(new Uint8Array(7))), range],
    ["recording is 17 bytes", withField(3, bytes(new Uint8Array(17))), range],
    ["stream is 256", withField(4, int(256)), range],
    ["stream is negative", withField(4, int(-1)), range],
    ["sequence is 2^32", withField(5, int(2 ** 32)), range],
    ["sequence is 2^64 - 1", withField(5, int(2n ** 64n - 1n)), range],
    ["sequence is text", withField(5, text("1000")), range],
    ["sequence is written longer than needed", withField(5, int(1000, 4)), "ERR_CBOR_MALFORMED"],
    ["cycle is 2^32", withField(6, int(2 ** 32)), range],
    ["index is 120", withField(7, int(120)), range],
    ["index is negative", withField(7, int(-1)), range],
    ["use is 2^32", withField(8, int(2 ** 32)), range],
    ["policy version is 2^32", withField(9, int(2 ** 32)), range],
    ["salt is 31 bytes", withField(10, bytes(new Uint8Array(31))), range],
    ["salt is empty", withField(10, bytes(new Uint8Array(0))), range],
    ["commitment is 33 bytes", withField(11, bytes(new Uint8Array(33))), range],
    ["commitment is null", withField(11, NULL), range],
    ["prev is 31 bytes", withField(12, bytes(new Uint8Array(31))), range],
    ["prev is undefined", withField(12, UNDEFINED), "ERR_CBOR_MALFORMED"],
    ["final is 0", withField(13, int(0)), range],
    ["final is null", withField(13, NULL), range],
  ];
}

/** Sealed rightly, then one field of the header was changed. What goes into the key is found by the commitment. */
function headerFlips(): readonly Refusal[] {
  const changed = (index: number, item: Uint8Array): Uint8Array =>
    encrypt0(pericardHeader(fields().map((field, i) => (i === index ? item : field))), PARSED.ciphertext);
  return [
    ["tenant was changed", changed(1, bytes(new Uint8Array(16))), "ERR_SEAL_BROKEN"],
    ["terminal was changed", changed(2, bytes(new Uint8Array(6))), "ERR_SEAL_BROKEN"],
    ["recording was changed", changed(3, bytes(new Uint8Array(16))), "ERR_KEY_COMMITMENT"],
    ["stream was changed", changed(4, int(3)), "ERR_KEY_COMMITMENT"],
    ["sequence was changed", changed(5, int(1001)), "ERR_KEY_COMMITMENT"],
    ["cycle was changed", changed(6, int(2)), "ERR_SEAL_BROKEN"],
    ["index was changed", changed(7, int(118)), "ERR_SEAL_BROKEN"],
    ["use was changed", changed(8, int(262_980)), "ERR_KEY_COMMITMENT"],
    ["policy version was changed", changed(9, int(8)), "ERR_SEAL_BROKEN"],
    ["prev was taken away", changed(12, NULL), "ERR_SEAL_BROKEN"],
    ["prev was changed", changed(12, bytes(OTHER_HASH)), "ERR_SEAL_BROKEN"],
    ["final was set", changed(13, Uint8Array.of(0xf5)), "ERR_SEAL_BROKEN"],
    ["one bit of the salt is turned over", flipIn(SEGMENT, PARSED.header.salt), "ERR_KEY_COMMITMENT"],
    ["one bit of the commitment is turned over", flipIn(SEGMENT, PARSED.header.commitment), "ERR_KEY_COMMITMENT"],
  ];
}

function sealRefusals(): readonly Refusal[] {
  const header = PARSED.protectedBytes;
  const other = parseSegment(sealed("another", { sequence: 1001 }, DESCRIPTOR));
  const otherKey = deriveMessageKey(PARSED.header.salt, groupKey("storage", OTHER_BLOCK), INFO);
  const transport = deriveMessageKey(PARSED.header.salt, groupKey("transport"), INFO);
  const resealed = (commitment: Uint8Array, key: Uint8Array): Uint8Array =>
    sealedMessage(pericardHeader(fields().map((field, i) => (i === 11 ? bytes(commitment) : field))), {
      ...SEALING,
      key,
    });
  const aadless = sealUnder(new Uint8Array(0), SEALING);
  return [
    ["first bit of the ciphertext is turned over", flipBit(SEGMENT, -PARSED.ciphertext.length), "ERR_SEAL_BROKEN"],
    ["last bit before the tag is turned over", flipBit(SEGMENT, -17, 7), "ERR_SEAL_BROKEN"],
    ["first bit of the tag is turned over", flipBit(SEGMENT, -16), "ERR_SEAL_BROKEN"],
    ["last bit of the tag is turned over", flipBit(SEGMENT, -1, 7), "ERR_SEAL_BROKEN"],
    ["ciphertext is another segment's", encrypt0(header, other.ciphertext), "ERR_SEAL_BROKEN"],
    ["header is another segment's", encrypt0(other.protectedBytes, PARSED.ciphertext), "ERR_SEAL_BROKEN"],
    ["sealed under another terminal's block", resealed(otherKey.commitment, otherKey.key), "ERR_KEY_COMMITMENT"],
    ["sealed under the transport key", resealed(transport.commitment, transport.key), "ERR_KEY_COMMITMENT"],
    ["sealed under another key than committed to", resealed(MESSAGE_KEY.commitment, otherKey.key), "ERR_SEAL_BROKEN"],
    [
      "sealed under another nonce",
      sealedMessage(header, { ...SEALING, nonce: new Uint8Array(12).fill(1) }),
      "ERR_SEAL_BROKEN",
    ],
    ["sealed as a data package", sealedMessage(header, { ...SEALING, type: "pericard/package" }), "ERR_SEAL_BROKEN"],
    ["sealed with no external aad", sealedMessage(header, { ...SEALING, type: "" }), "ERR_SEAL_BROKEN"],
    ["sealed with an empty header as aad", encrypt0(header, aadless), "ERR_SEAL_BROKEN"],
  ];
}

/** Every vector of a sealed segment. */
export function segmentVectors(): VectorFile {
  const first = {
    recording: RECORDING,
    stream: 0,
    sequence: 0,
    cycle: 0,
    index: 0,
    use: 0,
    policyVersion: 0,
    prev: null,
  };
  const greatest = { stream: 255, sequence: 2 ** 32 - 1, cycle: 2 ** 32 - 1, index: 119, use: 2 ** 32 - 1 };
  const bodies = bodyRefusals().map(([name, plain, code]): Refusal => [
    name,
    sealedMessage(PARSED.protectedBytes, { ...SEALING, plain }),
    code,
  ]);
  return {
    structure: "sealed segment",
    source: "docs/format.md §5",
    steps:
      "parse, derive the message key from storageKey, compare the commitment, open, read the body, check the digest",
    cases: [
      accept("a segment of two leads", SEGMENT),
      accept("the first segment of a recording from a file", sealed("first", first, FILE_DESCRIPTOR)),
      accept("a segment of observations", sealed("observations", { stream: 1 }, OBSERVATION_DESCRIPTOR)),
      accept("the last segment of a recording", sealed("last", { final: true }, DESCRIPTOR)),
      accept(
        "every number at its greatest",
        sealed("greatest", { ...greatest, policyVersion: 2 ** 32 - 1 }, DESCRIPTOR),
      ),
      accept(
        "header and body written by a second encoder",
        sealedMessage(pericardHeader(fields()), { ...SEALING, plain: literalBody() }),
      ),
      ...refusals(INPUTS, [
        ...outerRefusals(PARSED.protectedBytes, PARSED.ciphertext),
        ...headerRefusals(fields(), SEALING),
        ...fieldRefusals(),
        ...headerFlips(),
        ...sealRefusals(),
        ...bodies,
      ]),
    ],
  };
}
