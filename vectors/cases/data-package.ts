/** Vectors of data packages. Source: docs/format.md §8. */
import { deriveMessageKey, openPackage, sealPackage, sha256, type PackageHeaderDraft } from "@pericard/crypto";
import {
  BODY_KIND,
  encodeSegmentBody,
  PACKAGE_TYPE,
  parsePackage,
  RecordingId,
  SUITE,
  TenantId,
  toHex,
  type PackageItem,
} from "@pericard/protocol";
import { DESCRIPTOR, ENCODED, literalBody, OBSERVATION_DESCRIPTOR } from "./body.ts";
import { ENCODED_OBSERVATIONS } from "./observations.ts";
import { toJson, type VectorCase, type VectorFile } from "./case.ts";
import { array, bytes, FALSE, int, NULL, text } from "./cbor-writer.ts";
import { flipBit, flipIn, refusals, type Refusal } from "./edit.ts";
import { encrypt0, headerRefusals, outerRefusals, pericardHeader, sealedMessage } from "./encrypt0.ts";
import {
  BINDING,
  DATA_KEY,
  HASH,
  OTHER_HASH,
  OTHER_KEY,
  PLACE,
  PREVIOUS_RECORDING,
  RECORDING,
  seededRandom,
  USE,
} from "./fixtures.ts";

const INPUTS = { dataKeyHex: toHex(DATA_KEY) };
const DATA = [
  encodeSegmentBody({ descriptor: DESCRIPTOR, codec: "lead-residual", digest: sha256(ENCODED), encoded: ENCODED }),
  literalBody(),
  encodeSegmentBody({
    descriptor: OBSERVATION_DESCRIPTOR,
    codec: "raw",
    digest: sha256(ENCODED_OBSERVATIONS),
    encoded: ENCODED_OBSERVATIONS,
  }),
] as const;

function item(sequence: number, data: Uint8Array, hash: Uint8Array, prev: Uint8Array | null): PackageItem {
  const frames = { firstFrame: 3600 + 4 * (sequence - PLACE.sequence), frameCount: 4 };
  return {
    ...USE,
    sequence,
    hash,
    prev,
    final: false,
    policyVersion: 7,
    ...frames,
    sizeBytes: data.length,
    codec: "lead-residual",
  };
}

const ITEM = item(PLACE.sequence, DATA[0], HASH, null);
const DRAFT: PackageHeaderDraft = {
  suite: SUITE.pericard1,
  tenant: BINDING.tenant,
  recording: RECORDING,
  stream: PLACE.stream,
  bodyKind: BODY_KIND.waveform,
  receivedAtUnixMs: 1_760_000_012_345,
  items: [ITEM],
};

const OBSERVATIONS: Partial<PackageHeaderDraft> = {
  stream: 1,
  bodyKind: BODY_KIND.observation,
  items: [{ ...item(0, DATA[2], HASH, OTHER_HASH), firstFrame: 7, frameCount: 2, codec: "raw" }],
};

function sealed(seed: string, draft: Partial<PackageHeaderDraft>, data: readonly Uint8Array[]): Uint8Array {
  return sealPackage(DATA_KEY, { ...DRAFT, ...draft }, data, seededRandom(seed));
}

const PACKAGE = sealed("package", {}, [DATA[0]]);
const PARSED = parsePackage(PACKAGE);
const INFO = array([text("package"), bytes(RecordingId.toBytes(RECORDING))]);
const MESSAGE_KEY = deriveMessageKey(PARSED.header.salt, DATA_KEY, INFO);
const SEALING = { key: MESSAGE_KEY.key, type: PACKAGE_TYPE, plain: array([bytes(DATA[0])]) };

function itemFields(): Uint8Array[] {
  return [
    int(PLACE.sequence),
    bytes(HASH),
    NULL,
    FALSE,
    int(USE.cycle),
    int(USE.index),
    int(USE.use),
    int(7),
    int(3600),
    int(4),
    int(DATA[0].length),
    text("lead-residual"),
  ];
}

function fields(items: readonly Uint8Array[] = [array(itemFields())]): Uint8Array[] {
  return [
    int(1),
    bytes(TenantId.toBytes(BINDING.tenant)),
    bytes(RecordingId.toBytes(RECORDING)),
    int(PLACE.stream),
    int(1),
    int(DRAFT.receivedAtUnixMs),
    bytes(PARSED.header.salt),
    bytes(MESSAGE_KEY.commitment),
    array(items),
  ];
}

const headerWith = (index: number, value: Uint8Array): Uint8Array =>
  pericardHeader(fields().map((field, i) => (i === index ? value : field)));
const withField = (index: number, value: Uint8Array): Uint8Array => sealedMessage(headerWith(index, value), SEALING);
const withItem = (index: number, value: Uint8Array): Uint8Array =>
  withField(8, array([array(itemFields().map((field, i) => (i === index ? value : field)))]));

function fieldRefusals(): readonly Refusal[] {
  const range = "ERR_FIELD_RANGE";
  const one = array(itemFields());
  return [
    ["suite is paper-2018", withField(0, int(0)), "ERR_SUITE_UNKNOWN"],
    ["tenant is 17 bytes", withField(1, bytes(new Uint8Array(17))), range],
    ["recording is 15 bytes", withField(2, bytes(new Uint8Array(15))), range],
    ["stream is 256", withField(3, int(256)), range],
    ["codec of an item is unknown", withItem(11, text("flac")), "ERR_CODEC_UNKNOWN"],
    ["codec of an item is a number", withItem(11, int(0)), "ERR_CODEC_UNKNOWN"],
    ["data type is 0", withField(4, int(0)), range],
    ["data type is 3", withField(4, int(3)), range],
    ["receive time is negative", withField(5, int(-1)), range],
    ["receive time is 2^53", withField(5, int(2n ** 53n)), range],
    ["salt is 31 bytes", withField(6, bytes(new Uint8Array(31))), range],
    ["commitment is 31 bytes", withField(7, bytes(new Uint8Array(31))), range],
    ["there are no items", withField(8, array([])), range],
    ["there are 65 items", withField(8, array(Array.from({ length: 65 }, () => one))), range],
    ["item has ten fields", withField(8, array([array(itemFields().slice(0, 10))])), range],
    ["item sequence is 2^32", withItem(0, int(2 ** 32)), range],
    ["item h is 31 bytes", withItem(1, bytes(new Uint8Array(31))), range],
    ["item prev is 31 bytes", withItem(2, bytes(new Uint8Array(31))), range],
    ["item final is 1", withItem(3, int(1)), range],
    ["item cycle is 2^32", withItem(4, int(2 ** 32)), range],
    ["item index is 120", withItem(5, int(120)), range],
    ["item use is 2^32", withItem(6, int(2 ** 32)), range],
    ["item policy version is 2^32", withItem(7, int(2 ** 32)), range],
    ["item first frame is too near to 2^53", withItem(8, int(2n ** 53n - 4_000_000n)), range],
    ["item frame count is 4000001", withItem(9, int(4_000_001)), range],
    ["item length is over 16 MiB", withItem(10, int(16 * 1024 * 1024 + 1)), range],
    ["item length is one less than its data's", withItem(10, int(DATA[0].length - 1)), range],
  ];
}

function bodyRefusals(): readonly Refusal[] {
  const header = PARSED.protectedBytes;
  const body = (plain: Uint8Array): Uint8Array => sealedMessage(header, { ...SEALING, plain });
  const data = bytes(DATA[0]);
  return [
    ["body is empty", body(new Uint8Array(0)), "ERR_CBOR_MALFORMED"],
    ["body has no data", body(array([])), "ERR_FIELD_RANGE"],
    ["body has more data than items", body(array([data, data])), "ERR_FIELD_RANGE"],
    ["body data is text", body(array([text("data")])), "ERR_FIELD_RANGE"],
    [
      "body data is a byte longer than its item says",
      body(array([bytes(Uint8Array.of(...DATA[0], 0))])),
      "ERR_FIELD_RANGE",
    ],
    ["body has a trailing byte", body(Uint8Array.of(...array([data]), 0)), "ERR_CBOR_MALFORMED"],
  ];
}

function sealRefusals(): readonly Refusal[] {
  const changed = (index: number, value: Uint8Array): Uint8Array =>
    encrypt0(headerWith(index, value), PARSED.ciphertext);
  const other = deriveMessageKey(PARSED.header.salt, OTHER_KEY, INFO);
  const swapped = array([array(itemFields().map((field, i) => (i === 1 ? bytes(OTHER_HASH) : field)))]);
  return [
    ["tenant was changed", changed(1, bytes(new Uint8Array(16))), "ERR_SEAL_BROKEN"],
    ["recording was changed", changed(2, bytes(RecordingId.toBytes(PREVIOUS_RECORDING))), "ERR_KEY_COMMITMENT"],
    ["stream was changed", changed(3, int(3)), "ERR_SEAL_BROKEN"],
    ["receive time was changed", changed(5, int(DRAFT.receivedAtUnixMs + 1)), "ERR_SEAL_BROKEN"],
    ["h of an item was changed", changed(8, swapped), "ERR_SEAL_BROKEN"],
    ["one bit of the salt is turned over", flipIn(PACKAGE, PARSED.header.salt), "ERR_KEY_COMMITMENT"],
    ["one bit of the commitment is turned over", flipIn(PACKAGE, PARSED.header.commitment), "ERR_KEY_COMMITMENT"],
    ["first bit of the ciphertext is turned over", flipBit(PACKAGE, -PARSED.ciphertext.length), "ERR_SEAL_BROKEN"],
    ["last bit of the tag is turned over", flipBit(PACKAGE, -1, 7), "ERR_SEAL_BROKEN"],
    [
      "sealed under another data key than committed to",
      sealedMessage(PARSED.protectedBytes, { ...SEALING, key: OTHER_KEY }),
      "ERR_SEAL_BROKEN",
    ],
    [
      "sealed under another data key",
      sealedMessage(headerWith(7, bytes(other.commitment)), { ...SEALING, key: other.key }),
      "ERR_KEY_COMMITMENT",
    ],
    [
      "sealed as a segment",
      sealedMessage(PARSED.protectedBytes, { ...SEALING, type: "pericard/segment" }),
      "ERR_SEAL_BROKEN",
    ],
  ];
}

function accept(name: string, bytesOfPackage: Uint8Array): VectorCase {
  const parsed = parsePackage(bytesOfPackage);
  const decoded = toJson({ header: parsed.header, data: openPackage(DATA_KEY, parsed).data });
  return { name, expect: "accept", ...INPUTS, bytesHex: toHex(bytesOfPackage), decoded };
}

/** Every vector of a data package. */
export function packageVectors(): VectorFile {
  const two = [ITEM, item(PLACE.sequence + 1, DATA[1], OTHER_HASH, HASH)];
  const many = Array.from({ length: 64 }, (_, i) => ({
    ...item(PLACE.sequence + i, Uint8Array.of(i), HASH, OTHER_HASH),
    final: i === 63,
  }));
  return {
    structure: "data package",
    source: "docs/format.md §8",
    steps: "parse, derive the message key from dataKey, compare the commitment, open, read the body against the items",
    cases: [
      accept("a package of one segment", PACKAGE),
      accept("a package of two segments", sealed("two", { items: two }, DATA.slice(0, 2))),
      accept(
        "a package of 64 segments",
        sealed(
          "many",
          { items: many },
          many.map((_, i) => Uint8Array.of(i)),
        ),
      ),
      accept("a package of observations", sealed("observations", OBSERVATIONS, [DATA[2]])),
      accept("header and body written by a second encoder", sealedMessage(pericardHeader(fields()), SEALING)),
      ...refusals(INPUTS, [
        ...outerRefusals(PARSED.protectedBytes, PARSED.ciphertext),
        ...headerRefusals(fields(), SEALING),
        ...fieldRefusals(),
        ...bodyRefusals(),
        ...sealRefusals(),
      ]),
    ],
  };
}
