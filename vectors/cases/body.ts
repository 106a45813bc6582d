/** Segment bodies written literally, and what is refused in them. Source: docs/format.md §5.1, §5.2. */
import { sha256 } from "@pericard/crypto";
import {
  BODY_KIND,
  concatBytes,
  SAMPLES_PER_SEGMENT_MAX,
  utf8,
  type ObservationDescriptor,
  type WaveformDescriptor,
} from "@pericard/protocol";
import { array, bytes, FLOAT_ONE, head, int, map, NULL, text, TRUE } from "./cbor-writer.ts";
import type { Code } from "./edit.ts";
import { BOOT, PREVIOUS_RECORDING } from "./fixtures.ts";

/** Two leads of the kind that mitdb/100 has. */
export const DESCRIPTOR: WaveformDescriptor = {
  kind: BODY_KIND.waveform,
  boot: { bootId: BOOT, monotonicMs: 86_400_123 },
  claimed: { unixMs: 1_760_000_000_000, zoneOffsetMinutes: 120 },
  firstFrame: 3600,
  frameCount: 4,
  shape: {
    frameRateHz: { num: 360, den: 1 },
    leads: [
      {
        name: "MLII",
        units: "mV",
        gainAduPerUnit: "200",
        baselineAdu: 1024,
        samplesPerFrame: 1,
        skewFrames: 0,
        adcResolutionBits: 11,
        adcZeroAdu: 1024,
        missingCode: -32_768,
      },
      {
        name: "V5",
        units: "mV",
        gainAduPerUnit: "1.052e+02",
        baselineAdu: -7,
        samplesPerFrame: 2,
        skewFrames: 1,
        adcResolutionBits: 0,
        adcZeroAdu: 0,
        missingCode: null,
      },
    ],
  },
  predecessor: null,
};

/** A descriptor of the smallest kind: from a file, without times, whose recording follows another. */
export const FILE_DESCRIPTOR: WaveformDescriptor = {
  kind: BODY_KIND.waveform,
  boot: null,
  claimed: null,
  firstFrame: 0,
  frameCount: 0,
  shape: {
    frameRateHz: { num: 24_989, den: 400 },
    leads: [
      {
        name: "плет",
        units: "%",
        gainAduPerUnit: "-.5",
        baselineAdu: 0,
        samplesPerFrame: 1,
        skewFrames: 0,
        adcResolutionBits: 0,
        adcZeroAdu: 0,
        missingCode: null,
      },
    ],
  },
  predecessor: { recording: PREVIOUS_RECORDING, cause: "restart" },
};

/** Two observations that came in one run. */
export const OBSERVATION_DESCRIPTOR: ObservationDescriptor = {
  kind: BODY_KIND.observation,
  boot: { bootId: BOOT, monotonicMs: 86_400_123 },
  claimed: { unixMs: 1_760_000_000_000, zoneOffsetMinutes: 120 },
  firstFrame: 7,
  frameCount: 2,
  shape: null,
  predecessor: null,
};

/** Stands for encoded samples: nothing here decodes them. */
export const ENCODED = utf8("encoded samples of a lead-residual codec");

/** The fields of one lead, encoded. */
function leadFields(): Uint8Array[] {
  return [text("MLII"), text("mV"), text("200"), int(1024), int(1), int(0), int(11), int(1024), int(-32_768)];
}

function descriptorFields(leads: readonly Uint8Array[] = [array(leadFields())]): Uint8Array[] {
  return [
    int(1),
    array([bytes(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)), int(1)]),
    array([int(0), int(0)]),
    int(0),
    int(4),
    array([int(360), int(1), array(leads)]),
    NULL,
  ];
}

function observationFields(): Uint8Array[] {
  return [int(2), ...descriptorFields().slice(1, 4), int(1), NULL, NULL];
}

function replaced(items: readonly Uint8Array[], index: number, item: Uint8Array): Uint8Array {
  return array(items.map((old, i) => (i === index ? item : old)));
}

const withField = (index: number, item: Uint8Array): Uint8Array => bodyOf(replaced(descriptorFields(), index, item));
const withLead = (index: number, item: Uint8Array): Uint8Array =>
  bodyOf(array(descriptorFields([replaced(leadFields(), index, item)])));
const withShape = (index: number, item: Uint8Array): Uint8Array =>
  withField(5, replaced([int(360), int(1), array([array(leadFields())])], index, item));

function bodyOf(descriptor: Uint8Array, codec = "lead-residual"): Uint8Array {
  return array([descriptor, text(codec), bytes(sha256(ENCODED)), bytes(ENCODED)]);
}

/** The body that every refused one differs from in one thing. */
export function literalBody(): Uint8Array {
  return bodyOf(array(descriptorFields()));
}

/** A body whose refusal the name tells: sealed rightly by a terminal that is wrong or hostile. */
export type BodyRefusal = readonly [name: string, plain: Uint8Array, code: Code];

const RANGE = "ERR_FIELD_RANGE";
const CBOR = "ERR_CBOR_MALFORMED";

function outer(): readonly BodyRefusal[] {
  const items = [array(descriptorFields()), text("lead-residual"), bytes(sha256(ENCODED)), bytes(ENCODED)];
  return [
    ["body is empty", new Uint8Array(0), CBOR],
    ["body is a map", map([[int(0), array(items)]]), RANGE],
    ["body has three items", array(items.slice(0, 3)), RANGE],
    ["body has five items", array([...items, NULL]), RANGE],
    ["body has a trailing byte", concatBytes(array(items), Uint8Array.of(0)), CBOR],
    ["body claims 2^32 - 1 items", concatBytes(head(4, 2n ** 32n - 1n), ...items), CBOR],
    ["body is nested 5000 deep", new Uint8Array(5000).fill(0x81), CBOR],
    ["body has 3000 empty maps", concatBytes(head(4, 3000), new Uint8Array(3000).fill(0xa0)), CBOR],
    ["codec is unknown", replaced(items, 1, text("flac")), "ERR_CODEC_UNKNOWN"],
    ["codec is a number", replaced(items, 1, int(0)), "ERR_CODEC_UNKNOWN"],
    ["codec is of another case", replaced(items, 1, text("Lead-residual")), "ERR_CODEC_UNKNOWN"],
    ["digest is 31 bytes", replaced(items, 2, bytes(sha256(ENCODED).slice(1))), RANGE],
    ["digest is of other samples", replaced(items, 2, bytes(sha256(utf8("other")))), "ERR_DIGEST_MISMATCH"],
    ["encoded samples are text", replaced(items, 3, text("encoded")), RANGE],
    ["encoded samples were changed", replaced(items, 3, bytes(utf8("encoded"))), "ERR_DIGEST_MISMATCH"],
  ];
}

function descriptor(): readonly BodyRefusal[] {
  const fields = descriptorFields();
  return [
    ["descriptor has six fields", bodyOf(array(fields.slice(0, 6))), RANGE],
    ["descriptor has eight fields", bodyOf(array([...fields, NULL])), RANGE],
    ["descriptor array is indefinite", bodyOf(concatBytes(Uint8Array.of(0x9f), ...fields, Uint8Array.of(0xff))), CBOR],
    ["body kind is 0", withField(0, int(0)), RANGE],
    ["body kind is 3", withField(0, int(3)), RANGE],
    ["body kind is a float", withField(0, FLOAT_ONE), CBOR],
    ["boot id is 7 bytes", withField(1, array([bytes(new Uint8Array(7)), int(1)])), RANGE],
    ["boot is undefined", withField(1, Uint8Array.of(0xf7)), CBOR],
    ["monotonic time is negative", withField(1, array([bytes(new Uint8Array(8)), int(-1)])), RANGE],
    ["monotonic time is 2^53", withField(1, array([bytes(new Uint8Array(8)), int(2n ** 53n)])), RANGE],
    ["claimed time is after what a date can be", withField(2, array([int(8.64e15 + 1), NULL])), RANGE],
    ["zone is 18 hours and a minute", withField(2, array([int(0), int(1081)])), RANGE],
    ["zone is text", withField(2, array([int(0), text("+01:00")])), RANGE],
    ["first frame is negative", withField(3, int(-1)), RANGE],
    ["first frame is too near to 2^53", withField(3, int(2n ** 53n - 4_000_000n)), RANGE],
    ["frame count is written longer than needed", withField(4, int(4, 4)), CBOR],
    ["frame count is 4000001", withField(4, int(4_000_001)), RANGE],
    ["frame count is 2^64 - 1", withField(4, int(2n ** 64n - 1n)), RANGE],
    ["predecessor has another cause", withField(6, array([bytes(new Uint8Array(16)), text("boredom")])), RANGE],
    ["predecessor is 15 bytes", withField(6, array([bytes(new Uint8Array(15)), text("gap")])), RANGE],
  ];
}

function observations(): readonly BodyRefusal[] {
  const fields = observationFields();
  return [
    [
      "observations have a shape",
      bodyOf(replaced(fields, 5, array([int(1), int(1), array([array(leadFields())])])), "raw"),
      RANGE,
    ],
    ["there are 257 observations", bodyOf(replaced(fields, 4, int(257)), "raw"), RANGE],
    ["samples have no shape", withField(5, NULL), RANGE],
    ["codec of observations is lead-residual", bodyOf(array(fields), "lead-residual"), "ERR_CODEC_UNKNOWN"],
    ["codec of observations is dedup", bodyOf(array(fields), "dedup"), "ERR_CODEC_UNKNOWN"],
  ];
}

function shape(): readonly BodyRefusal[] {
  const lead = array(leadFields());
  const wide = replaced(leadFields(), 4, int(64));
  const manySamples = array([int(360), int(1), array(Array.from({ length: 64 }, () => wide))]);
  const fields = descriptorFields().map((field, i) => (i === 5 ? manySamples : field));
  return [
    ["rate numerator is zero", withShape(0, int(0)), RANGE],
    ["rate denominator is zero", withShape(1, int(0)), RANGE],
    ["rate is not in lowest terms", withShape(1, int(2)), RANGE],
    ["rate is over a megahertz", withShape(0, int(1_000_001)), RANGE],
    ["there are no leads", withShape(2, array([])), RANGE],
    ["there are 65 leads", withShape(2, array(Array.from({ length: 65 }, () => lead))), RANGE],
    [
      "there are too many samples",
      bodyOf(replaced(fields, 4, int(Math.floor(SAMPLES_PER_SEGMENT_MAX / (64 * 64)) + 1))),
      "ERR_LENGTH_LIMIT",
    ],
  ];
}

function leadTexts(): readonly BodyRefusal[] {
  return [
    ["lead has eight fields", withShape(2, array([array(leadFields().slice(0, 8))])), RANGE],
    ["lead name is empty", withLead(0, text("")), RANGE],
    ["lead name has 65 characters", withLead(0, text("I".repeat(65))), RANGE],
    ["lead name has a line feed", withLead(0, text("I\nII")), RANGE],
    ["lead name has a next line character", withLead(0, text("I\u0085II")), RANGE],
    ["lead name is not utf-8", withLead(0, text(Uint8Array.of(0x49, 0xff))), CBOR],
    ["lead name has an overlong nul", withLead(0, text(Uint8Array.of(0xc0, 0x80))), CBOR],
    ["lead name has a lone surrogate", withLead(0, text(Uint8Array.of(0xed, 0xa0, 0x80))), CBOR],
    ["lead name begins with a byte order mark", withLead(0, text(Uint8Array.of(0xef, 0xbb, 0xbf, 0x49))), CBOR],
    ["lead units are empty", withLead(1, text("")), RANGE],
    ["lead units have a space", withLead(1, text("mm Hg")), RANGE],
    ["lead units have 33 characters", withLead(1, text("m".repeat(33))), RANGE],
    ...["", "abc", "0", "-0.0", "1e999", "1e-999", "0x10", "NaN", "Infinity", "1,5", " 200", ".", "2".repeat(33)].map(
      (gain): BodyRefusal => [`lead gain is "${gain}"`, withLead(2, text(gain)), RANGE],
    ),
    ["lead gain is a number", withLead(2, int(200)), RANGE],
  ];
}

function leadNumbers(): readonly BodyRefusal[] {
  return [
    ["lead baseline is 2^31", withLead(3, int(2 ** 31)), RANGE],
    ["lead baseline is below -2^31", withLead(3, int(-(2 ** 31) - 1)), RANGE],
    ["lead has no samples in a frame", withLead(4, int(0)), RANGE],
    ["lead has 65 samples in a frame", withLead(4, int(65)), RANGE],
    ["lead skew is 65536", withLead(5, int(65_536)), RANGE],
    ["lead resolution is 33 bits", withLead(6, int(33)), RANGE],
    ["lead converter's zero is 2^31", withLead(7, int(2 ** 31)), RANGE],
    ["lead missing code is 2^31", withLead(8, int(2 ** 31)), RANGE],
    ["lead missing code is true", withLead(8, TRUE), RANGE],
  ];
}

/** Every body that a reader refuses after the seal opened. */
export function bodyRefusals(): readonly BodyRefusal[] {
  return [...outer(), ...descriptor(), ...observations(), ...shape(), ...leadTexts(), ...leadNumbers()];
}
