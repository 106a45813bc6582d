/** Vectors of sealed segments of suite paper-2018. Source: docs/format-paper-2018.md §4. */
import { desEncrypt, openPaperSegment, paperStorageKey, sealPaperSegment } from "@pericard/crypto";
import {
  concatBytes,
  encodeDescriptor,
  encodeCbor,
  parsePaperSegment,
  RecordingId,
  SUITE,
  TenantId,
  TerminalId,
  toHex,
  utf8,
  type PaperSegmentHeader,
  type WaveformDescriptor,
} from "@pericard/protocol";
import { DESCRIPTOR, FILE_DESCRIPTOR } from "./body.ts";
import { toJson, type VectorCase, type VectorFile } from "./case.ts";
import { array, bytes, FALSE, FLOAT_ONE, int, NULL, text, UNDEFINED } from "./cbor-writer.ts";
import { flipBit, refusals, type Refusal } from "./edit.ts";
import { BINDING, HASH, OTHER_BLOCK, PLACE, RECORDING, USE } from "./fixtures.ts";
import { LEAVE, PAPER_STORAGE_KEY } from "./paper-fixtures.ts";
import { SEGMENT } from "./segment.ts";

const INPUTS = { tenant: BINDING.tenant, storageKeyHex: toHex(PAPER_STORAGE_KEY) };

/** Stands for samples: nothing here decodes them. The first three blocks are the same, and so are their ciphertexts. */
const SAMPLES = concatBytes(utf8("12345678".repeat(3)), utf8("samples"));

const HEADER: PaperSegmentHeader = {
  ...PLACE,
  ...USE,
  suite: SUITE.paper2018,
  tenant: BINDING.tenant,
  terminal: BINDING.terminal,
  policyVersion: 0,
  prev: HASH,
  final: false,
};

function sealed(
  header: Partial<PaperSegmentHeader>,
  descriptor: WaveformDescriptor = DESCRIPTOR,
  samples: Uint8Array = SAMPLES,
): Uint8Array {
  return sealPaperSegment(LEAVE, PAPER_STORAGE_KEY, { ...HEADER, ...header }, descriptor, samples);
}

/** The segment that most cases are made from, and what envelopes carry. */
export const PAPER_SEGMENT = sealed({});
export const PAPER_SEGMENT_AFTER = sealed({ sequence: PLACE.sequence + 1, use: USE.use + 1 });

const CIPHERTEXT = parsePaperSegment(PAPER_SEGMENT).ciphertext;

function fields(): Uint8Array[] {
  return [
    int(0),
    bytes(TenantId.toBytes(BINDING.tenant)),
    bytes(TerminalId.toBytes(BINDING.terminal)),
    bytes(RecordingId.toBytes(RECORDING)),
    int(PLACE.stream),
    int(PLACE.sequence),
    int(USE.cycle),
    int(USE.index),
    int(USE.use),
    int(0),
    bytes(HASH),
    FALSE,
    encodeCbor(encodeDescriptor(DESCRIPTOR)),
    bytes(CIPHERTEXT),
  ];
}

function withField(index: number, item: Uint8Array): Uint8Array {
  return array(fields().map((field, i) => (i === index ? item : field)));
}

function formRefusals(): readonly Refusal[] {
  const range = "ERR_FIELD_RANGE";
  return [
    ["no bytes", new Uint8Array(0), "ERR_CBOR_MALFORMED"],
    ["a segment of pericard-1", SEGMENT, "ERR_CBOR_MALFORMED"],
    ["a byte follows", concatBytes(PAPER_SEGMENT, Uint8Array.of(0)), "ERR_CBOR_MALFORMED"],
    ["last byte is missing", PAPER_SEGMENT.slice(0, -1), "ERR_CBOR_MALFORMED"],
    ["an item too few", array(fields().slice(0, -1)), range],
    ["an item too many", array([...fields(), NULL]), range],
    ["suite is pericard-1", withField(0, int(1)), "ERR_SUITE_UNKNOWN"],
    ["suite is 2", withField(0, int(2)), "ERR_SUITE_UNKNOWN"],
    ["suite is null", withField(0, NULL), "ERR_SUITE_UNKNOWN"],
    ["suite is a float", withField(0, FLOAT_ONE), "ERR_CBOR_MALFORMED"],
    ["tenant is 15 bytes", withField(1, bytes(new Uint8Array(15))), range],
    ["terminal is 7 bytes", withField(2, bytes(new Uint8Array(7))), range],
    ["recording is text", withField(3, text(RECORDING)), range],
    ["stream is 256", withField(4, int(256)), range],
    ["sequence is 2^32", withField(5, int(2 ** 32)), range],
    ["sequence is written longer than needed", withField(5, int(PLACE.sequence, 4)), "ERR_CBOR_MALFORMED"],
    ["cycle is negative", withField(6, int(-1)), range],
    ["index is 120", withField(7, int(120)), range],
    ["use is 2^32", withField(8, int(2 ** 32)), range],
    ["policy version is 2^32", withField(9, int(2 ** 32)), range],
    ["prev is 31 bytes", withField(10, bytes(HASH.slice(1))), range],
    ["prev is undefined", withField(10, UNDEFINED), "ERR_CBOR_MALFORMED"],
    ["final is 0", withField(11, int(0)), range],
    ["descriptor is null", withField(12, NULL), range],
    ["descriptor is empty", withField(12, array([])), range],
    ["ciphertext is empty", withField(13, bytes(new Uint8Array(0))), range],
    ["ciphertext is 7 bytes", withField(13, bytes(new Uint8Array(7))), range],
    ["ciphertext is 4 blocks and a byte", withField(13, bytes(concatBytes(CIPHERTEXT, Uint8Array.of(0)))), range],
    ["ciphertext is null", withField(13, NULL), range],
  ];
}

function sealRefusals(): readonly Refusal[] {
  const otherKey = paperStorageKey(LEAVE, OTHER_BLOCK, USE.index);
  const otherTenant = withField(1, bytes(new Uint8Array(16)));
  return [
    ["sealed under another block", withField(13, bytes(desEncrypt(LEAVE, otherKey, SAMPLES))), "ERR_SEAL_BROKEN"],
    ["last block is missing", withField(13, bytes(CIPHERTEXT.slice(0, -8))), "ERR_SEAL_BROKEN"],
    ["one bit of the last block is turned over", flipBit(PAPER_SEGMENT, -1), "ERR_SEAL_BROKEN"],
    ["tenant is another", otherTenant, "ERR_SUITE_GUARD"],
  ];
}

function accept(name: string, segment: Uint8Array): VectorCase {
  const parsed = parsePaperSegment(segment);
  const samples = openPaperSegment(LEAVE, PAPER_STORAGE_KEY, parsed);
  return { name, expect: "accept", ...INPUTS, bytesHex: toHex(segment), decoded: toJson({ ...parsed, samples }) };
}

/** Every vector of a sealed segment of paper-2018. */
export function paperSegmentVectors(): VectorFile {
  return {
    structure: "sealed segment of paper-2018",
    source: "docs/format-paper-2018.md §4",
    steps: "parse, compare the tenant with the one that the leave is for, open under k_i",
    cases: [
      accept("a segment", PAPER_SEGMENT),
      accept("the first and last of a recording", sealed({ sequence: 0, prev: null, final: true }, FILE_DESCRIPTOR)),
      accept("without samples", sealed({}, FILE_DESCRIPTOR, new Uint8Array(0))),
      accept("samples of whole blocks", sealed({}, DESCRIPTOR, SAMPLES.slice(0, 24))),
      accept("written by a second encoder", array(fields())),
      accept("one bit of the first block is turned over: nothing tells", flipBit(PAPER_SEGMENT, -CIPHERTEXT.length)),
      accept("use was changed: nothing tells", withField(8, int(1))),
      accept("two blocks were exchanged for others: nothing tells", spliced()),
      ...refusals(INPUTS, [...formRefusals(), ...sealRefusals()]),
    ],
  };
}

function spliced(): Uint8Array {
  const blocks = CIPHERTEXT.slice();
  blocks.set(CIPHERTEXT.subarray(16, 24), 0);
  blocks.set(new Uint8Array(8), 8);
  return withField(13, bytes(blocks));
}
