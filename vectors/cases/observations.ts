/** Vectors of a segment's observations before their codec. Source: docs/format.md §5.6. */
import { decodeObservations, encodeObservations, toHex, type Observation } from "@pericard/protocol";
import { toJson, type VectorCase, type VectorFile } from "./case.ts";
import { array, bytes, FLOAT_ONE, head, int, NULL, text, TRUE } from "./cbor-writer.ts";
import { refusals, type Refusal } from "./edit.ts";

/** A blood pressure whose time the cuff tells, and a temperature whose sensor has neither clock nor name. */
const OBSERVATIONS: readonly Observation[] = [
  {
    afterMs: 0,
    claimed: { unixMs: 1_760_000_000_000, zoneOffsetMinutes: 120 },
    device: "cuff of room 4",
    components: [
      { code: "8480-6", unit: "mm[Hg]", value: { mantissa: 128, exponent: 0 } },
      { code: "8462-4", unit: "mm[Hg]", value: { mantissa: 81, exponent: 0 } },
      { code: "MDC_PULS_RATE_NON_INV", unit: "/min", value: { mantissa: 72, exponent: 0 } },
    ],
  },
  {
    afterMs: 4321,
    claimed: null,
    device: null,
    components: [{ code: "MDC_TEMP_BODY", unit: "Cel", value: { mantissa: 3660, exponent: -2 } }],
  },
];

/** What segments of observations hold elsewhere. */
export const ENCODED_OBSERVATIONS = encodeObservations(OBSERVATIONS);

function componentFields(): Uint8Array[] {
  return [text("8480-6"), text("mm[Hg]"), int(128), int(0)];
}

function observationFields(): Uint8Array[] {
  return [int(0), array([int(1_760_000_000_000), int(120)]), text("cuff"), array([array(componentFields())])];
}

const replaced = (items: readonly Uint8Array[], index: number, item: Uint8Array): Uint8Array =>
  array(items.map((old, i) => (i === index ? item : old)));
const one = (observation: Uint8Array): Uint8Array => array([observation]);
const withField = (index: number, item: Uint8Array): Uint8Array => one(replaced(observationFields(), index, item));
const withComponents = (...components: Uint8Array[]): Uint8Array => withField(3, array(components));
const withComponent = (index: number, item: Uint8Array): Uint8Array =>
  withComponents(replaced(componentFields(), index, item));

/** Observations and values at all their bounds. */
function greatest(): readonly Observation[] {
  const mantissa = Number.MAX_SAFE_INTEGER;
  return [
    {
      afterMs: 2 ** 32 - 1,
      claimed: { unixMs: -8.64e15, zoneOffsetMinutes: -1080 },
      device: "д".repeat(64),
      components: Array.from({ length: 8 }, (_, i) => ({
        code: `MDC_${String(i).repeat(60)}`,
        unit: "{}~!".repeat(8),
        value: { mantissa: i % 2 === 0 ? mantissa : -mantissa, exponent: i % 2 === 0 ? 12 : -12 },
      })),
    },
  ];
}

function codes(): readonly Refusal[] {
  const wrong = ["", "8480", "8480-", "84806", "12345678-1", "8480-66", "mdc_temp_body", "MDC_", "MDC TEMP", "VITAL_1"];
  return [
    ...wrong.map((code): Refusal => [`code is "${code}"`, withComponent(0, text(code)), "ERR_FIELD_RANGE"]),
    ["code has 65 characters", withComponent(0, text(`MDC_${"A".repeat(61)}`)), "ERR_FIELD_RANGE"],
    ["code is a number", withComponent(0, int(150_021)), "ERR_FIELD_RANGE"],
    [
      "two components have one code",
      withComponents(array(componentFields()), array(componentFields())),
      "ERR_FIELD_RANGE",
    ],
  ];
}

function values(): readonly Refusal[] {
  const range = "ERR_FIELD_RANGE";
  return [
    ["unit is empty", withComponent(1, text("")), range],
    ["unit has a space", withComponent(1, text("mm Hg")), range],
    ["unit is not ASCII", withComponent(1, text("°C")), range],
    ["unit has 33 characters", withComponent(1, text("m".repeat(33))), range],
    ["mantissa is a float", withComponent(2, FLOAT_ONE), "ERR_CBOR_MALFORMED"],
    ["mantissa is text", withComponent(2, text("128")), range],
    ["mantissa is 2^53", withComponent(2, int(2n ** 53n)), range],
    ["mantissa is written longer than needed", withComponent(2, int(128, 4)), "ERR_CBOR_MALFORMED"],
    ["exponent is 13", withComponent(3, int(13)), range],
    ["exponent is -13", withComponent(3, int(-13)), range],
    ["component has three fields", withComponents(array(componentFields().slice(0, 3))), range],
    ["component has five fields", withComponents(array([...componentFields(), NULL])), range],
  ];
}

function fields(): readonly Refusal[] {
  const range = "ERR_FIELD_RANGE";
  const nine = Array.from({ length: 9 }, (_, i) => replaced(componentFields(), 0, text(`${i}-0`)));
  const at = (ms: number): Uint8Array => replaced(observationFields(), 0, int(ms));
  return [
    ["time is negative", withField(0, int(-1)), range],
    ["time is 2^32", withField(0, int(2 ** 32)), range],
    ["second observation came before the first", array([at(2), at(1)]), range],
    ["claimed time is after what a date can be", withField(1, array([int(8.64e15 + 1), NULL])), range],
    ["zone is 18 hours and a minute", withField(1, array([int(0), int(1081)])), range],
    ["claimed time has no zone", withField(1, array([int(0)])), range],
    ["device is empty", withField(2, text("")), range],
    ["device has 65 characters", withField(2, text("d".repeat(65))), range],
    ["device has a line feed", withField(2, text("cuff\n")), range],
    ["device is bytes", withField(2, bytes(new Uint8Array(4))), range],
    ["there are no components", withComponents(), range],
    ["there are nine components", withComponents(...nine), range],
    ["observation has three fields", one(array(observationFields().slice(0, 3))), range],
    ["observation has five fields", one(array([...observationFields(), NULL])), range],
    ["observation is true", one(TRUE), range],
  ];
}

function outer(): readonly Refusal[] {
  const observation = array(observationFields());
  return [
    ["there is nothing", new Uint8Array(0), "ERR_CBOR_MALFORMED"],
    ["observations are one observation", observation, "ERR_FIELD_RANGE"],
    ["there is a trailing byte", Uint8Array.of(...one(observation), 0), "ERR_CBOR_MALFORMED"],
    ["there is one observation more than described", array([observation, observation]), "ERR_FIELD_RANGE"],
    ["there is one observation fewer than described", array([]), "ERR_FIELD_RANGE"],
    ["there are 257 observations", array(Array.from({ length: 257 }, () => observation)), "ERR_FIELD_RANGE"],
    ["an array claims 2^32 - 1 items", head(4, 2n ** 32n - 1n), "ERR_CBOR_MALFORMED"],
    ["there are 12034 CBOR items", array(Array.from({ length: 12_033 }, () => NULL)), "ERR_CBOR_MALFORMED"],
  ];
}

function accept(name: string, encoded: Uint8Array, count: number): VectorCase {
  const decoded = toJson(decodeObservations(encoded, count));
  return { name, expect: "accept", count, bytesHex: toHex(encoded), decoded };
}

/** Every vector of observations. */
export function observationVectors(): VectorFile {
  return {
    structure: "observations of a segment",
    source: "docs/format.md §5.6",
    steps: "decode; compare the number of observations with count, which the descriptor states",
    cases: [
      accept("a blood pressure and a temperature", ENCODED_OBSERVATIONS, 2),
      accept("no observation", encodeObservations([]), 0),
      accept("every number and text at its greatest", encodeObservations(greatest()), 1),
      accept("written by a second encoder", one(array(observationFields())), 1),
      ...refusals({ count: 1 }, [...outer(), ...fields(), ...codes(), ...values()]),
    ],
  };
}
